//! Host and path to route, without allocating, at a cost that does not grow with the number of routes.
//!
//! Order: precise host, then wildcard, then any host; within a host the longest matching path, Exact before Prefix at
//! the same length; then the host's default; then the process-wide default backend. A host that is found keeps the
//! request: its paths never fall through to a wildcard's or to any host's.
//!
//! How: a node is a host with a path of whole elements, and stands for all rules on that path, whatever their type and
//! trailing slash. Nodes are in one hash table. A request is hashed element by element, and looks for a node at each depth
//! (number of elements) at which any is declared; the last one found counts. The places that are looked at follow from
//! the request alone, so that their cache misses overlap. Only a request without node asks whether its host is known.
//!
//! The tables keep hashes and no texts: with 100,000 routes, texts are megabytes that every request would drag through
//! the cache. The hash is keyed with secrets of the process, and the chance that one probe of a request of n words (7 bytes
//! each, and an even number of them an element) meets another's entry is below n^2 / 2^57 (see `hash`): for 70 bytes below
//! 10^-15. Declared keys never collide, because a draft is made anew with other secrets if they do. A client cannot make
//! lookups slow: what is in the tables comes from the configuration, and the number of probes is bounded by the depths that
//! are declared.

mod draft;
mod hash;
mod table;

use crate::host::parent_domain;
use crate::paged::Paged;
use crate::path::without_trailing_slash;
use crate::snapshot::RouteId;

pub use draft::{Draft, Spot};
use hash::{Hash, Seeds};
pub use table::Collision;
use table::{Entry, Table};

/// Depths from this one on share the last bit of the mask.
const DEEP: usize = 31;

/// No route.
const NONE: u32 = u32::MAX;

#[derive(Debug, Clone, Default)]
pub struct Index {
    seeds: Seeds,
    nodes: Table,
    /// Known hosts, with their default backends.
    hosts: Table,
    /// Rules of nodes that have several.
    groups: Paged<Rules>,
    default: Option<RouteId>,
    has_wildcards: bool,
    has_any: bool,
    /// Bit n: some node has n elements; the last bit: or more.
    depths: u32,
    /// Depth of the deepest node.
    deepest: usize,
}

/// The routes of one node.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Rules {
    /// Of `/foo/`, if declared, else of `/foo`: for every request that both match, the longer one wins.
    prefix: u32,
    /// `/foo`
    exact: u32,
    /// `/foo/`
    exact_slash: u32,
}

/// What an entry's value is: the only rule of a node, or a place in the groups. Of a host, its default.
mod kind {
    pub const PREFIX: u8 = 1;
    pub const EXACT: u8 = 2;
    pub const EXACT_SLASH: u8 = 3;
    /// A prefix, and more.
    pub const GROUP: u8 = 4;
    pub const HOST: u8 = 5;
    /// Both exact rules.
    pub const EXACTS: u8 = 6;

    /// By bit: what answers also where more of the path follows.
    pub const ANY_PATH: u8 = 1 << PREFIX | 1 << GROUP;
    /// What answers the whole path, without and with a trailing slash.
    pub const WHOLE: u8 = 1 << EXACT | 1 << EXACTS;
    pub const WHOLE_SLASH: u8 = 1 << EXACT_SLASH | 1 << EXACTS;
}

/// A request's path without trailing slash, and whether it had one.
#[derive(Clone, Copy)]
struct Path<'a> {
    elements: &'a [u8],
    has_slash: bool,
    /// By bit: which exact rules answer it.
    kinds: u8,
}

impl Index {
    /// `host`: lower case, without port and trailing dot (see [`crate::host`]). `path`: normalised, without query.
    pub fn find(&self, host: &str, path: &str) -> Option<RouteId> {
        let elements = without_trailing_slash(path).as_bytes();
        let has_slash = elements.len() != path.len();
        let path = Path { elements, has_slash, kinds: if has_slash { kind::WHOLE_SLASH } else { kind::WHOLE } };
        self.find_on(self.seeds.precise(host), path)
            .or_else(|| {
                let parent = parent_domain(host).filter(|_| self.has_wildcards)?;
                self.find_on(self.seeds.wildcard(parent), path)
            })
            .or_else(|| if self.has_any { self.find_on(self.seeds.any(), path) } else { None })
            .filter(|route| *route != NONE)
            .map(RouteId)
            .or(self.default)
    }

    /// The route on this host, [`NONE`] if no path matches, `None` if the host is unknown.
    fn find_on(&self, host: Hash, path: Path<'_>) -> Option<u32> {
        match self.find_node(host, path) {
            NONE => self.hosts.find(self.seeds.host(host)).map(|host| host.value),
            route => Some(route),
        }
    }

    /// Without a branch on what is found where, which is different from request to request.
    fn find_node(&self, host: Hash, path: Path<'_>) -> u32 {
        let mut found = Entry::NONE;
        let mut found_whole = false;
        let mut hash = self.seeds.root();
        let mut end = 0;
        let mut depth = 0;
        loop {
            let is_whole = end == path.elements.len();
            if self.depths >> depth.min(DEEP) & 1 != 0 {
                let entry = self.nodes.look(self.seeds.node(host, hash));
                let answering = kind::ANY_PATH | if is_whole { path.kinds } else { 0 };
                let answers = answering >> entry.kind & 1 != 0;
                found = if answers { entry } else { found };
                found_whole = if answers { is_whole } else { found_whole };
            }
            if (depth == self.deepest) | is_whole {
                return self.route(found, found_whole, path.has_slash);
            }
            (end, hash) = self.seeds.element(hash, path.elements, end + 1);
            depth += 1;
        }
    }

    /// `is_whole`: the node's path is all of the request's, but for a trailing slash.
    #[inline]
    fn route(&self, found: Entry, is_whole: bool, has_slash: bool) -> u32 {
        match found.kind {
            kind::GROUP | kind::EXACTS => {
                self.groups.get(found.value as usize).map_or(NONE, |rules| rules.choose(is_whole, has_slash))
            }
            0 => NONE,
            _ => found.value,
        }
    }
}

impl Rules {
    fn choose(&self, is_whole: bool, has_slash: bool) -> u32 {
        let exact = match (is_whole, has_slash) {
            (true, true) => self.exact_slash,
            (true, false) => self.exact,
            (false, _) => NONE,
        };
        if exact != NONE { exact } else { self.prefix }
    }
}

#[cfg(test)]
mod tests;
