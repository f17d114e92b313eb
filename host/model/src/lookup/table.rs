//! A table of hashes and what they stand for: open addressing with linear probing, four fifths full; built once.
//!
//! A slot is twelve bytes, so that 100,000 of them fit in the second-level cache of a current processor.

use super::hash::Hash;

/// Tag and kind (from bit 61 on) in two halves, then the value. Kind 0 is an empty slot.
type Slot = [u32; 3];

/// A value with a kind from 1 to 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub kind: u8,
    pub value: u32,
}

#[derive(Debug, Default)]
pub struct Table {
    slots: Box<[Slot]>,
}

/// Two keys have one hash: the seeds must be drawn again.
#[derive(Debug)]
pub struct Collision;

impl Table {
    pub fn with_room_for(keys: usize) -> Self {
        let slots = if keys == 0 { 0 } else { keys + keys / 4 + 2 };
        Self { slots: vec![[0; 3]; slots].into() }
    }

    #[inline]
    pub fn find(&self, hash: Hash) -> Option<Entry> {
        let mut at = self.home(hash);
        loop {
            let (tag, entry) = unpack(self.slots.get(at)?)?;
            if tag == hash.tag {
                return Some(entry);
            }
            at = self.after(at);
        }
    }

    pub fn insert(&mut self, hash: Hash, entry: Entry) -> Result<(), Collision> {
        let mut at = self.home(hash);
        while let Some(slot) = self.slots.get_mut(at) {
            match unpack(slot) {
                None => {
                    *slot = pack(hash.tag, entry);
                    return Ok(());
                }
                Some((tag, _)) if tag == hash.tag => return Err(Collision),
                Some(_) => at = self.after(at),
            }
        }
        Ok(())
    }

    fn home(&self, hash: Hash) -> usize {
        ((u128::from(hash.place) * self.slots.len() as u128) >> 61) as usize
    }

    fn after(&self, at: usize) -> usize {
        if at + 1 == self.slots.len() { 0 } else { at + 1 }
    }
}

fn pack(tag: u64, entry: Entry) -> Slot {
    let tag = tag | u64::from(entry.kind) << 61;
    [tag as u32, (tag >> 32) as u32, entry.value]
}

#[inline]
fn unpack(slot: &Slot) -> Option<(u64, Entry)> {
    let [low, high, value] = *slot;
    let tag = u64::from(low) | u64::from(high) << 32;
    let kind = (tag >> 61) as u8;
    (kind != 0).then_some((tag & ((1 << 61) - 1), Entry { kind, value }))
}
