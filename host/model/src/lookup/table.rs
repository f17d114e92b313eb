//! A table of hashes and what they stand for, built once.
//!
//! A bucket is one cache line of five slots, three fifths full on the average; 100,000 routes take two megabytes. All five are compared at once, without a
//! branch on where or whether one is found, since that is different from request to request. What does not fit goes to
//! the next bucket, and leaves a mark.

use super::hash::Hash;

const SLOTS: usize = 5;

/// Slots by column.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
struct Bucket {
    /// The lower 32 bits of tags.
    low: [u32; SLOTS],
    /// The upper 29 bits of tags, with the kind above them. Kind 0 is an empty slot.
    high: [u32; SLOTS],
    value: [u32; SLOTS],
    /// How many slots are taken, and [`SPILLED`].
    state: u32,
}

/// Some key of this bucket is in the next.
const SPILLED: u32 = 1 << 31;
const HIGH_BITS: u32 = 29;

/// A value with a kind from 1 to 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub kind: u8,
    pub value: u32,
}

#[derive(Debug, Default)]
pub struct Table {
    buckets: Box<[Bucket]>,
}

/// Two keys have one hash: the seeds must be drawn again.
#[derive(Debug)]
pub struct Collision;

impl Table {
    pub fn with_room_for(keys: usize) -> Self {
        let buckets = if keys == 0 { 0 } else { keys / 3 + 1 };
        Self { buckets: vec![Bucket::default(); buckets].into() }
    }

    #[inline]
    pub fn find(&self, hash: Hash) -> Option<Entry> {
        let mut at = self.home(hash);
        loop {
            let bucket = self.buckets.get(at)?;
            let entry = bucket.find(hash.tag);
            if entry.is_some() || bucket.state & SPILLED == 0 {
                return entry;
            }
            at = self.after(at);
        }
    }

    pub fn insert(&mut self, hash: Hash, entry: Entry) -> Result<(), Collision> {
        let mut at = self.home(hash);
        while let Some(bucket) = self.buckets.get_mut(at) {
            if bucket.find(hash.tag).is_some() {
                return Err(Collision);
            }
            if bucket.insert(hash.tag, entry) {
                return Ok(());
            }
            bucket.state |= SPILLED;
            at = self.after(at);
        }
        Ok(())
    }

    fn home(&self, hash: Hash) -> usize {
        ((u128::from(hash.place) * self.buckets.len() as u128) >> 61) as usize
    }

    fn after(&self, at: usize) -> usize {
        if at + 1 == self.buckets.len() { 0 } else { at + 1 }
    }
}

impl Bucket {
    #[inline]
    fn find(&self, tag: u64) -> Option<Entry> {
        let (low, high) = (tag as u32, (tag >> 32) as u32);
        let mut kind = 0;
        let mut value = 0;
        for ((slot_low, slot_high), slot_value) in self.low.iter().zip(&self.high).zip(&self.value) {
            let differs = (slot_low ^ low) | ((slot_high ^ high) << (32 - HIGH_BITS));
            let mask = if differs == 0 { u32::MAX } else { 0 };
            kind |= slot_high & mask;
            value |= slot_value & mask;
        }
        let kind = (kind >> HIGH_BITS) as u8;
        (kind != 0).then_some(Entry { kind, value })
    }

    /// Says no if it is full.
    fn insert(&mut self, tag: u64, entry: Entry) -> bool {
        let at = self.state as usize;
        let columns = (self.low.get_mut(at), self.high.get_mut(at), self.value.get_mut(at));
        let (Some(low), Some(high), Some(value)) = columns else { return false };
        *low = tag as u32;
        *high = (tag >> 32) as u32 | u32::from(entry.kind) << HIGH_BITS;
        *value = entry.value;
        self.state += 1;
        true
    }
}

#[cfg(test)]
mod tests;
