//! Builds an [`Index`] from rules in the order of their precedence: the first rule of a place keeps it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::hash::Seeds;
use super::table::{HostSlot, NodeSlot, Slot, Table, fingerprint};
use super::{DEEPER, DEPTHS, Index, NONE, Rules};
use crate::host::HostPattern;
use crate::path::without_trailing_slash;
use crate::snapshot::{PathKind, RouteId};

#[derive(Debug, Default)]
pub struct Builder {
    hosts: HashMap<HostPattern, usize>,
    /// In order of appearance: the host's default backend.
    defaults: Vec<u32>,
    /// By host and path without trailing slash.
    nodes: HashMap<(usize, Box<str>), Declared>,
    default: Option<RouteId>,
}

/// What rules said of one node.
#[derive(Debug, Clone, Copy)]
struct Declared {
    prefix: u32,
    prefix_slash: u32,
    exact: u32,
    exact_slash: u32,
}

impl Builder {
    /// Adds a rule; `path` is normalised (of a default it does not matter). If the same host, path and kind have a
    /// route already, that one stays, and is the error.
    pub fn add(&mut self, host: &HostPattern, path: &str, kind: PathKind, route: RouteId) -> Result<(), RouteId> {
        let host = self.host(host);
        let key = without_trailing_slash(path);
        let has_slash = key.len() != path.len();
        let place = match kind {
            PathKind::Default => self.defaults.get_mut(host),
            _ => {
                let node = self.nodes.entry((host, key.into())).or_insert(Declared {
                    prefix: NONE,
                    prefix_slash: NONE,
                    exact: NONE,
                    exact_slash: NONE,
                });
                Some(match (kind, has_slash) {
                    (PathKind::Exact, false) => &mut node.exact,
                    (PathKind::Exact, true) => &mut node.exact_slash,
                    (_, false) => &mut node.prefix,
                    (_, true) => &mut node.prefix_slash,
                })
            }
        };
        match place {
            Some(free) if *free == NONE => *free = route.0,
            Some(taken) => return Err(RouteId(*taken)),
            None => {}
        }
        Ok(())
    }

    /// What answers where nothing else does; the first one stays.
    pub fn add_default(&mut self, route: RouteId) -> Result<(), RouteId> {
        match self.default {
            Some(first) => Err(first),
            None => {
                self.default = Some(route);
                Ok(())
            }
        }
    }

    /// Knows the host from now on: its requests no longer reach a wildcard's rules, even if it has none of its own.
    pub fn host(&mut self, host: &HostPattern) -> usize {
        if let Some(&known) = self.hosts.get(host) {
            return known;
        }
        self.hosts.insert(host.clone(), self.defaults.len());
        self.defaults.push(NONE);
        self.defaults.len() - 1
    }

    pub fn build(self) -> Index {
        let wildcards = self.hosts.keys().filter(|host| matches!(host, HostPattern::Wildcard(_))).count();
        let mut index = Index {
            seeds: Seeds::random(),
            precise: Table::with_room_for(self.hosts.len() - wildcards),
            wildcards: Table::with_room_for(wildcards),
            nodes: Table::with_room_for(self.nodes.len()),
            default: self.default,
            ..Index::default()
        };
        let mut ids = vec![HostSlot::ANY; self.defaults.len()];
        for (pattern, number) in &self.hosts {
            let fallback = self.defaults.get(*number).copied().unwrap_or(NONE);
            if let Some(id) = ids.get_mut(*number) {
                *id = index.insert_host(pattern, fallback);
            }
        }
        let mut texts = HashMap::new();
        for ((host, path), declared) in &self.nodes {
            let Some(&host) = ids.get(*host) else { continue };
            let at = match texts.entry(&**path) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(new) => *new.insert(index.text.push(path)),
            };
            index.insert_node(host, path, at, *declared);
        }
        index
    }
}

impl Index {
    fn insert_host(&mut self, pattern: &HostPattern, fallback: u32) -> u32 {
        let mut place = |table: &mut Table<HostSlot>, name: &str| {
            let hash = self.seeds.host(name);
            let name = self.text.push(name);
            table.insert(hash, HostSlot { fingerprint: fingerprint(hash), name, depths: 0, fallback })
        };
        match pattern {
            HostPattern::Precise(name) => place(&mut self.precise, name),
            HostPattern::Wildcard(parent) => place(&mut self.wildcards, parent) | HostSlot::WILDCARD,
            HostPattern::Any => {
                self.any = Some(HostSlot { fallback, ..HostSlot::EMPTY });
                HostSlot::ANY
            }
        }
    }

    fn insert_node(&mut self, id: u32, path: &str, text: u32, declared: Declared) {
        let mut rules =
            Rules { prefix: declared.either_prefix(), exact: declared.exact, exact_slash: declared.exact_slash };
        let depth = path.bytes().filter(|&byte| byte == b'/').count();
        let Some(host) = self.host_mut(id) else { return };
        if depth == 0 {
            if rules.prefix != NONE {
                host.fallback = rules.prefix;
            }
            rules.prefix = NONE;
            if rules.exact_slash == NONE {
                return;
            }
        }
        host.depths |= if depth < DEPTHS { 1 << depth } else { DEEPER };
        self.deepest = self.deepest.max(depth);
        let hash = self.seeds.node(id, self.hash_path(path));
        self.nodes.insert(hash, NodeSlot::new(fingerprint(hash), id, text, rules, &mut self.groups));
    }

    fn host_mut(&mut self, id: u32) -> Option<&mut HostSlot> {
        match id {
            HostSlot::ANY => self.any.as_mut(),
            _ if id & HostSlot::WILDCARD != 0 => self.wildcards.get_mut(id & !HostSlot::WILDCARD),
            _ => self.precise.get_mut(id),
        }
    }

    fn hash_path(&self, path: &str) -> u64 {
        path.split('/').skip(1).fold(self.seeds.root(), |hash, element| self.seeds.extend(hash, element.as_bytes()))
    }
}

impl Declared {
    fn either_prefix(&self) -> u32 {
        if self.prefix_slash != NONE { self.prefix_slash } else { self.prefix }
    }
}
