//! Builds an [`Index`] from rules in the order of their precedence: the first rule of a place keeps it.

use std::collections::HashMap;

use super::hash::{Hash, Seeds};
use super::table::{Collision, Entry, Table};
use super::{DEEP, Index, NONE, Rules, kind};
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
        loop {
            // A collision is a matter of once in 10^13 builds; other secrets do not collide again.
            if let Ok(index) = self.try_build(Seeds::random()) {
                return index;
            }
        }
    }

    fn try_build(&self, seeds: Seeds) -> Result<Index, Collision> {
        let mut index = Index {
            nodes: Table::with_room_for(self.nodes.len()),
            hosts: Table::with_room_for(self.hosts.len()),
            default: self.default,
            has_wildcards: self.hosts.keys().any(|host| matches!(host, HostPattern::Wildcard(_))),
            has_any: self.hosts.contains_key(&HostPattern::Any),
            seeds,
            ..Index::default()
        };
        let mut hashes = vec![Hash::default(); self.defaults.len()];
        for (pattern, &number) in &self.hosts {
            let hash = index.hash_host(pattern);
            let default = self.defaults.get(number).copied().unwrap_or(NONE);
            index.hosts.insert(index.seeds.host(hash), Entry { kind: kind::HOST, value: default })?;
            if let Some(place) = hashes.get_mut(number) {
                *place = hash;
            }
        }
        for ((host, path), declared) in &self.nodes {
            if let Some(&host) = hashes.get(*host) {
                index.insert_node(host, path, *declared)?;
            }
        }
        Ok(index)
    }
}

impl Index {
    fn hash_host(&self, pattern: &HostPattern) -> Hash {
        match pattern {
            HostPattern::Precise(name) => self.seeds.precise(name),
            HostPattern::Wildcard(parent) => self.seeds.wildcard(parent),
            HostPattern::Any => self.seeds.any(),
        }
    }

    fn insert_node(&mut self, host: Hash, path: &str, declared: Declared) -> Result<(), Collision> {
        let mut hash = self.seeds.root();
        let mut end = 0;
        let mut depth = 0;
        while end < path.len() {
            (end, hash) = self.seeds.element(hash, path.as_bytes(), end + 1);
            depth += 1;
        }
        self.depths |= 1 << depth.min(DEEP);
        self.deepest = self.deepest.max(depth);
        let entry = self.entry(declared.rules());
        self.nodes.insert(self.seeds.node(host, hash), entry)
    }

    fn entry(&mut self, rules: Rules) -> Entry {
        match rules {
            Rules { prefix: value, exact: NONE, exact_slash: NONE } => Entry { kind: kind::PREFIX, value },
            Rules { prefix: NONE, exact: value, exact_slash: NONE } => Entry { kind: kind::EXACT, value },
            Rules { prefix: NONE, exact: NONE, exact_slash: value } => Entry { kind: kind::EXACT_SLASH, value },
            _ => {
                self.groups.push(rules);
                Entry { kind: kind::GROUP, value: (self.groups.len() - 1) as u32 }
            }
        }
    }
}

impl Declared {
    fn rules(&self) -> Rules {
        let prefix = if self.prefix_slash != NONE { self.prefix_slash } else { self.prefix };
        Rules { prefix, exact: self.exact, exact_slash: self.exact_slash }
    }
}
