//! The two tables of an index, and the text that their keys are compared with.
//!
//! Open addressing with linear probing over 16-byte slots, seven tenths full at most; built once, never changed.

use super::{NONE, Rules};

/// A slot whose key is in [`Text`].
pub trait Slot: Copy {
    const EMPTY: Self;

    /// Most slots of a run are told apart by these bits, without looking at their text.
    fn fingerprint(&self) -> u32;
    fn is_empty(&self) -> bool;
}

#[derive(Debug)]
pub struct Table<S> {
    slots: Box<[S]>,
}

impl<S> Default for Table<S> {
    fn default() -> Self {
        Self { slots: Box::default() }
    }
}

impl<S: Slot> Table<S> {
    pub fn with_room_for(keys: usize) -> Self {
        let slots = if keys == 0 { 0 } else { keys * 10 / 7 + 2 };
        Self { slots: vec![S::EMPTY; slots].into() }
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The slot whose key is `is_key`, among those of the same hash, and its place.
    #[inline]
    pub fn find(&self, hash: u64, is_key: impl Fn(&S) -> bool) -> Option<(&S, u32)> {
        let mut at = self.home(hash);
        loop {
            let slot = self.slots.get(at)?;
            if slot.is_empty() {
                return None;
            }
            if slot.fingerprint() == fingerprint(hash) && is_key(slot) {
                return Some((slot, at as u32));
            }
            at = self.after(at);
        }
    }

    /// Puts a slot of a new key in the first free place, and says where that is.
    pub fn insert(&mut self, hash: u64, slot: S) -> u32 {
        let mut at = self.home(hash);
        while self.slots.get(at).is_some_and(|slot| !slot.is_empty()) {
            at = self.after(at);
        }
        if let Some(free) = self.slots.get_mut(at) {
            *free = slot;
        }
        at as u32
    }

    pub fn get_mut(&mut self, at: u32) -> Option<&mut S> {
        self.slots.get_mut(at as usize)
    }

    /// The upper bits choose the place; the lower ones are the fingerprint.
    fn home(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.slots.len() as u128) >> 64) as usize
    }

    fn after(&self, at: usize) -> usize {
        if at + 1 == self.slots.len() { 0 } else { at + 1 }
    }
}

pub fn fingerprint(hash: u64) -> u32 {
    hash as u32
}

/// A precise host, or a wildcard's parent domain.
#[derive(Debug, Clone, Copy)]
pub struct HostSlot {
    pub fingerprint: u32,
    /// Place in [`Text`].
    pub name: u32,
    /// Bit n: some node has n elements; the last bit: or more.
    pub depths: u32,
    /// The route of `/` as a prefix, else the host's default backend.
    pub fallback: u32,
}

impl HostSlot {
    /// A host's id is its place in its table, marked if that is the table of wildcards.
    pub const WILDCARD: u32 = 1 << 31;
    pub const ANY: u32 = u32::MAX;
}

impl Slot for HostSlot {
    const EMPTY: Self = Self { fingerprint: 0, name: NONE, depths: 0, fallback: NONE };

    fn fingerprint(&self) -> u32 {
        self.fingerprint
    }

    fn is_empty(&self) -> bool {
        self.name == NONE
    }
}

/// A path of whole elements on a host.
#[derive(Debug, Clone, Copy)]
pub struct NodeSlot {
    pub fingerprint: u32,
    pub host: u32,
    /// Place in [`Text`], without trailing slash.
    pub path: u32,
    /// A route with the kind of its rule in the upper two bits, or a place in the index's groups.
    rules: u32,
}

impl NodeSlot {
    const KIND: u32 = 0b11 << 30;
    const PREFIX: u32 = 0;
    const EXACT: u32 = 0b01 << 30;
    const EXACT_SLASH: u32 = 0b10 << 30;
    const GROUP: u32 = 0b11 << 30;

    /// A node with one rule keeps its route in the slot; others share `groups`.
    pub fn new(fingerprint: u32, host: u32, path: u32, rules: Rules, groups: &mut Vec<Rules>) -> Self {
        let rules = match rules {
            Rules { prefix, exact: NONE, exact_slash: NONE } if prefix & Self::KIND == 0 => prefix | Self::PREFIX,
            Rules { prefix: NONE, exact, exact_slash: NONE } if exact & Self::KIND == 0 => exact | Self::EXACT,
            Rules { prefix: NONE, exact: NONE, exact_slash: route } if route & Self::KIND == 0 => {
                route | Self::EXACT_SLASH
            }
            _ => {
                groups.push(rules);
                (groups.len() - 1) as u32 | Self::GROUP
            }
        };
        Self { fingerprint, host, path, rules }
    }

    pub fn rules(&self, groups: &[Rules]) -> Option<Rules> {
        let route = self.rules & !Self::KIND;
        let none = Rules { prefix: NONE, exact: NONE, exact_slash: NONE };
        match self.rules & Self::KIND {
            Self::PREFIX => Some(Rules { prefix: route, ..none }),
            Self::EXACT => Some(Rules { exact: route, ..none }),
            Self::EXACT_SLASH => Some(Rules { exact_slash: route, ..none }),
            _ => groups.get(route as usize).copied(),
        }
    }
}

impl Slot for NodeSlot {
    const EMPTY: Self = Self { fingerprint: 0, host: 0, path: NONE, rules: 0 };

    fn fingerprint(&self) -> u32 {
        self.fingerprint
    }

    fn is_empty(&self) -> bool {
        self.path == NONE
    }
}

/// Host names and paths, each ended by a zero byte, which none of them holds.
#[derive(Debug, Default)]
pub struct Text {
    bytes: Vec<u8>,
}

impl Text {
    pub fn push(&mut self, text: &str) -> u32 {
        let at = self.bytes.len() as u32;
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(0);
        at
    }

    /// Whether the text at this place is `key`.
    pub fn is(&self, at: u32, key: &[u8]) -> bool {
        self.bytes
            .get(at as usize..)
            .and_then(|text| text.strip_prefix(key))
            .is_some_and(|rest| rest.first() == Some(&0))
    }
}
