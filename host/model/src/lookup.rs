//! Host and path to route, without allocating, at a cost that does not grow with the number of routes.
//!
//! Order: precise host, then wildcard, then any host; within a host the longest matching path, Exact before Prefix at
//! the same length; then the host's default; then the process-wide default backend. A host that is found keeps the
//! request: its paths never fall through to a wildcard's or to any host's.
//!
//! How: one open-addressing table of hosts, one of nodes. A node is a host with a path of whole elements, and stands for
//! all rules on that path, whatever their type and trailing slash. A host knows the depths (numbers of elements) at which
//! it has nodes, so a request probes those alone, deepest first. The slots that a lookup reads follow from the request
//! alone, so that their cache misses overlap; slots are 16 bytes, and one cache line holds four.
//!
//! The hash is keyed per index, and keys are compared whole in the end, so it decides about speed only. A client cannot
//! make lookups slow even if it knew the key: what is in the tables comes from the configuration, so a probe is at most as
//! long as the longest run there, and the number of probes is bounded by the depths that are declared.

mod builder;
mod hash;
mod table;

use crate::host::parent_domain;
use crate::path::without_trailing_slash;
use crate::snapshot::RouteId;

pub use builder::Builder;
use hash::Seeds;
use table::{HostSlot, NodeSlot, Table, Text};

/// Depths that are told apart; deeper ones share the last bit, and are walked.
const DEPTHS: usize = 31;
const DEEPER: u32 = 1 << DEPTHS;

/// No route, no text.
const NONE: u32 = u32::MAX;

#[derive(Debug, Default)]
pub struct Index {
    seeds: Seeds,
    precise: Table<HostSlot>,
    wildcards: Table<HostSlot>,
    nodes: Table<NodeSlot>,
    /// Rules of a node that has more than one.
    groups: Vec<Rules>,
    /// Host names and paths, each once.
    text: Text,
    /// Rules without host.
    any: Option<HostSlot>,
    default: Option<RouteId>,
    /// Depth of the deepest node of all.
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

/// Where an element of the request's path ends, with the hash of the path so far.
#[derive(Clone, Copy, Default)]
struct Element {
    end: usize,
    hash: u64,
}

impl Index {
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// `host`: lower case, without port and trailing dot (see [`crate::host`]). `path`: normalised, without query.
    pub fn find(&self, host: &str, path: &str) -> Option<RouteId> {
        self.find_host(host).and_then(|(slot, id)| self.find_path(slot, id, path)).map(RouteId).or(self.default)
    }

    fn find_host(&self, host: &str) -> Option<(&HostSlot, u32)> {
        if let Some((slot, at)) = self.host_named(&self.precise, host) {
            return Some((slot, at));
        }
        if !self.wildcards.is_empty()
            && let Some(parent) = parent_domain(host)
            && let Some((slot, at)) = self.host_named(&self.wildcards, parent)
        {
            return Some((slot, at | HostSlot::WILDCARD));
        }
        self.any.as_ref().map(|slot| (slot, HostSlot::ANY))
    }

    fn host_named<'a>(&self, table: &'a Table<HostSlot>, name: &str) -> Option<(&'a HostSlot, u32)> {
        table.find(self.seeds.host(name), |slot| self.text.is(slot.name, name.as_bytes()))
    }

    fn find_path(&self, host: &HostSlot, id: u32, path: &str) -> Option<u32> {
        let elements_text = without_trailing_slash(path).as_bytes();
        let has_slash = elements_text.len() != path.len();
        let mut elements = [Element::default(); DEPTHS];
        let depth = self.measure(elements_text, &mut elements);
        if host.depths & DEEPER != 0 && depth == DEPTHS {
            let last = elements.last().copied().unwrap_or_default();
            if let Some(route) = self.find_deep(id, elements_text, has_slash, last) {
                return Some(route);
            }
        }
        // Bits of the depths that this host has and the request reaches; depth n is bit n.
        let mut wanted = host.depths & !DEEPER & ((1u64 << (depth + 1)) - 1) as u32;
        while wanted != 0 {
            let at = wanted.ilog2();
            wanted ^= 1 << at;
            let element = match at {
                0 => Element { end: 0, hash: self.seeds.root() },
                _ => elements.get(at as usize - 1).copied().unwrap_or_default(),
            };
            let whole = (element.end == elements_text.len()).then_some(has_slash);
            if let Some(route) = self.find_node(id, elements_text, element, whole) {
                return Some(route);
            }
        }
        (host.fallback != NONE).then_some(host.fallback)
    }

    /// Notes the end and hash of each element, as deep as any host goes; says how many.
    fn measure(&self, path: &[u8], elements: &mut [Element; DEPTHS]) -> usize {
        let mut hash = self.seeds.root();
        let mut end = 0;
        let mut depth = 0;
        for element in elements.iter_mut().take(self.deepest) {
            if end >= path.len() {
                break;
            }
            (end, hash) = self.next_element(path, end, hash);
            *element = Element { end, hash };
            depth += 1;
        }
        depth
    }

    /// The element that begins with the slash at `start`.
    fn next_element(&self, path: &[u8], start: usize, hash: u64) -> (usize, u64) {
        let rest = path.get(start + 1..).unwrap_or_default();
        let element = match rest.iter().position(|&byte| byte == b'/') {
            Some(length) => rest.get(..length).unwrap_or_default(),
            None => rest,
        };
        (start + 1 + element.len(), self.seeds.extend(hash, element))
    }

    /// `whole`: the node's path is all of the request's, which then has a trailing slash or has not.
    fn find_node(&self, host: u32, path: &[u8], element: Element, whole: Option<bool>) -> Option<u32> {
        let key = path.get(..element.end)?;
        let (node, _) = self
            .nodes
            .find(self.seeds.node(host, element.hash), |slot| slot.host == host && self.text.is(slot.path, key))?;
        let rules = node.rules(&self.groups)?;
        let exact = match whole {
            Some(true) => rules.exact_slash,
            Some(false) => rules.exact,
            None => NONE,
        };
        let route = if exact != NONE { exact } else { rules.prefix };
        (route != NONE).then_some(route)
    }

    /// From depth [`DEPTHS`] on: walks towards the end of the path, or of what is declared, and keeps the deepest match.
    #[cold]
    fn find_deep(&self, host: u32, path: &[u8], has_slash: bool, from: Element) -> Option<u32> {
        let mut found = None;
        let mut element = from;
        for _ in DEPTHS..=self.deepest {
            let whole = (element.end == path.len()).then_some(has_slash);
            found = self.find_node(host, path, element, whole).or(found);
            if element.end == path.len() {
                break;
            }
            let (end, hash) = self.next_element(path, element.end, element.hash);
            element = Element { end, hash };
        }
        found
    }
}

#[cfg(test)]
mod tests;
