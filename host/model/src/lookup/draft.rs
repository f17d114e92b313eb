//! The rules that count, as they change; and the [`Index`] of them, which shares with the one before what did not change.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use super::hash::{Hash, Seeds};
use super::table::{Collision, Entry, Table};
use super::{DEEP, Index, NONE, Rules, kind};
use crate::host::HostPattern;
use crate::paged::Numbers;
use crate::path::without_trailing_slash;
use crate::snapshot::{PathKind, RouteId};

/// Where a rule is: its host, path and kind, hashed. Of the draft that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// Of host and path; of the host alone for a default.
    hash: Hash,
    column: Column,
    /// Elements of the path.
    depth: u32,
}

/// Which of the rules of a node; or the default of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Prefix,
    PrefixSlash,
    Exact,
    ExactSlash,
    Default,
}

#[derive(Debug, Default)]
pub struct Draft {
    index: Index,
    nodes: HashMap<Hash, Node, ByPlace>,
    hosts: HashMap<Hash, Host, ByPlace>,
    /// How many nodes have so many elements.
    depths: BTreeMap<u32, usize>,
    /// How often a wildcard, and any host, is known.
    wildcards: usize,
    any: usize,
    groups: Numbers,
    /// Nodes and hosts that the index does not have as they are.
    stale: Vec<Hash>,
    stale_hosts: Vec<Hash>,
}

/// The rules of one path on one host.
#[derive(Debug)]
struct Node {
    /// By column.
    routes: [u32; 4],
    depth: u32,
    /// What the index has.
    entry: Option<Entry>,
}

#[derive(Debug)]
struct Host {
    /// How many say that it exists.
    known: usize,
    default: u32,
    entry: Option<Entry>,
}

impl Draft {
    pub fn new() -> Self {
        Self { index: Index { seeds: Seeds::random(), ..Index::default() }, ..Self::default() }
    }

    /// `path` is normalised; of a default it does not matter.
    pub fn spot(&self, host: &HostPattern, path: &str, kind: PathKind) -> Spot {
        let host = self.index.hash_host(host);
        let key = without_trailing_slash(path);
        let column = match (kind, key.len() != path.len()) {
            (PathKind::Default, _) => return Spot { hash: host, column: Column::Default, depth: 0 },
            (PathKind::Prefix, false) => Column::Prefix,
            (PathKind::Prefix, true) => Column::PrefixSlash,
            (PathKind::Exact, false) => Column::Exact,
            (PathKind::Exact, true) => Column::ExactSlash,
        };
        let seeds = &self.index.seeds;
        let (mut hash, mut end, mut depth) = (seeds.root(), 0, 0);
        while end < key.len() {
            (end, hash) = seeds.element(hash, key.as_bytes(), end + 1);
            depth += 1;
        }
        Spot { hash: seeds.node(host, hash), column, depth }
    }

    pub fn get(&self, spot: Spot) -> Option<RouteId> {
        let route = match spot.column {
            Column::Default => self.hosts.get(&spot.hash)?.default,
            column => *self.nodes.get(&spot.hash)?.routes.get(column as usize)?,
        };
        (route != NONE).then_some(RouteId(route))
    }

    /// Puts a route there, or takes it away. A host has a default only as long as it is known.
    pub fn set(&mut self, spot: Spot, route: Option<RouteId>) {
        let route = route.map_or(NONE, |route| route.0);
        if spot.column == Column::Default {
            if let Some(host) = self.hosts.get_mut(&spot.hash) {
                host.default = route;
                self.stale_hosts.push(spot.hash);
            }
            return;
        }
        let node = self.nodes.entry(spot.hash).or_insert_with(|| {
            *self.depths.entry(spot.depth).or_default() += 1;
            Node { routes: [NONE; 4], depth: spot.depth, entry: None }
        });
        if let Some(place) = node.routes.get_mut(spot.column as usize) {
            *place = route;
        }
        self.stale.push(spot.hash);
    }

    /// What answers where nothing else does.
    pub fn set_default(&mut self, route: Option<RouteId>) {
        self.index.default = route;
    }

    /// Knows the host from now on: its requests no longer reach a wildcard's rules, even if it has none of its own.
    pub fn know(&mut self, host: &HostPattern) {
        if let Some(number) = self.number_of(host) {
            *number += 1;
        }
        let hash = self.index.hash_host(host);
        self.hosts.entry(hash).or_insert(Host { known: 0, default: NONE, entry: None }).known += 1;
        self.stale_hosts.push(hash);
    }

    /// Takes back one [`Draft::know`].
    pub fn forget(&mut self, host: &HostPattern) {
        if let Some(number) = self.number_of(host) {
            *number = number.saturating_sub(1);
        }
        let hash = self.index.hash_host(host);
        if let Some(host) = self.hosts.get_mut(&hash) {
            host.known = host.known.saturating_sub(1);
            self.stale_hosts.push(hash);
        }
    }

    /// All rules as they are now. After a collision (a matter of once in 10^13 drafts), the draft must be made anew: other
    /// secrets do not collide again.
    pub fn index(&mut self) -> Result<Index, Collision> {
        self.bring_nodes()?;
        self.bring_hosts()?;
        let mask = |mask: u32, depth: &u32| mask | 1 << (*depth as usize).min(DEEP);
        self.index.depths = self.depths.keys().fold(0, mask);
        self.index.deepest = self.depths.last_key_value().map_or(0, |(deepest, _)| *deepest as usize);
        self.index.has_wildcards = self.wildcards > 0;
        self.index.has_any = self.any > 0;
        Ok(self.index.clone())
    }

    /// Known hosts of this kind; precise ones are not asked for.
    fn number_of(&mut self, host: &HostPattern) -> Option<&mut usize> {
        match host {
            HostPattern::Wildcard(_) => Some(&mut self.wildcards),
            HostPattern::Any => Some(&mut self.any),
            HostPattern::Precise(_) => None,
        }
    }

    fn bring_nodes(&mut self) -> Result<(), Collision> {
        let is_whole = !self.index.nodes.suits(self.nodes.len());
        for hash in std::mem::take(&mut self.stale) {
            let (before, after) = self.settle(hash);
            if !is_whole {
                self.index.nodes.change(hash, before, after)?;
            }
        }
        if is_whole {
            self.index.nodes = Table::with_room_for(self.nodes.len());
            for (hash, node) in &self.nodes {
                self.index.nodes.change(*hash, None, node.entry)?;
            }
        }
        Ok(())
    }

    /// What the index has of a node, and what it should have.
    fn settle(&mut self, hash: Hash) -> (Option<Entry>, Option<Entry>) {
        let Some(node) = self.nodes.get_mut(&hash) else { return (None, None) };
        let before = node.entry;
        let rules = node.rules();
        let group = before.filter(|entry| matches!(entry.kind, kind::GROUP | kind::EXACTS)).map(|entry| entry.value);
        node.entry = rules.alone();
        if node.entry.is_none() && rules != Rules::NONE {
            let number = group.unwrap_or_else(|| self.groups.take());
            self.index.groups.set(number as usize, Some(rules));
            let kind = if rules.prefix == NONE { kind::EXACTS } else { kind::GROUP };
            node.entry = Some(Entry { kind, value: number });
        } else if let Some(number) = group {
            self.index.groups.set(number as usize, None);
            self.groups.give_back(number);
        }
        let after = node.entry;
        if after.is_none() {
            let depth = node.depth;
            self.nodes.remove(&hash);
            self.leave(depth);
        }
        (before, after)
    }

    fn leave(&mut self, depth: u32) {
        if let Some(nodes) = self.depths.get_mut(&depth) {
            *nodes -= 1;
            if *nodes == 0 {
                self.depths.remove(&depth);
            }
        }
    }

    fn bring_hosts(&mut self) -> Result<(), Collision> {
        let is_whole = !self.index.hosts.suits(self.hosts.len());
        for hash in std::mem::take(&mut self.stale_hosts) {
            let Some(host) = self.hosts.get_mut(&hash) else { continue };
            let before = host.entry;
            host.entry = (host.known > 0).then_some(Entry { kind: kind::HOST, value: host.default });
            let after = host.entry;
            if after.is_none() {
                self.hosts.remove(&hash);
            }
            if !is_whole {
                self.index.hosts.change(self.index.seeds.host(hash), before, after)?;
            }
        }
        if is_whole {
            self.index.hosts = Table::with_room_for(self.hosts.len());
            for (hash, host) in &self.hosts {
                self.index.hosts.change(self.index.seeds.host(*hash), None, host.entry)?;
            }
        }
        Ok(())
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
}

impl Node {
    fn rules(&self) -> Rules {
        let [prefix, prefix_slash, exact, exact_slash] = self.routes;
        Rules { prefix: if prefix_slash != NONE { prefix_slash } else { prefix }, exact, exact_slash }
    }
}

impl Rules {
    const NONE: Self = Self { prefix: NONE, exact: NONE, exact_slash: NONE };

    /// As an entry of its own, if it is a single rule.
    fn alone(self) -> Option<Entry> {
        let entry = |kind, value| (value != NONE).then_some(Entry { kind, value });
        match self {
            Self { prefix, exact: NONE, exact_slash: NONE } => entry(kind::PREFIX, prefix),
            Self { prefix: NONE, exact, exact_slash: NONE } => entry(kind::EXACT, exact),
            Self { prefix: NONE, exact: NONE, exact_slash } => entry(kind::EXACT_SLASH, exact_slash),
            _ => None,
        }
    }
}

type ByPlace = BuildHasherDefault<Place>;

/// A hash is a hash already: its place, with the bits at the top that the map's own marks are made of.
#[derive(Debug, Default)]
struct Place(u64);

impl Hasher for Place {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, place: u64) {
        self.0 = place << 3 | place >> 58;
    }
}
