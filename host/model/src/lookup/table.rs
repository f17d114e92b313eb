//! A table of hashes and what they stand for, in pages that a changed copy shares with the original.
//!
//! A bucket is one cache line of five slots, three fifths full on the average; 100,000 routes take two megabytes. All five
//! are compared at once, without a branch on where or whether one is found, since that is different from request to
//! request. What does not fit goes to the next bucket, and each bucket counts what went past it.

use std::sync::Arc;

use super::hash::Hash;

const SLOTS: usize = 5;
/// Buckets of a page: 4 KiB.
const PAGE: usize = 64;
/// How many keys a bucket has: of a table that was just built, and at most and least before it is built again.
const KEYS: usize = 3;
const KEYS_MAX: usize = 4;

/// Slots by column.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
struct Bucket {
    /// The lower 32 bits of tags.
    low: [u32; SLOTS],
    /// The upper 29 bits of tags, with the kind above them. Kind 0 is an empty slot.
    high: [u32; SLOTS],
    value: [u32; SLOTS],
    /// How many slots are taken, and above that how many keys went past: [`PAST`] each.
    state: u32,
}

const PAST: u32 = 1 << 8;
const TAKEN: u32 = PAST - 1;
const HIGH_BITS: u32 = 29;

/// A value with a kind from 1 to 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub kind: u8,
    pub value: u32,
}

impl Entry {
    pub const NONE: Self = Self { kind: 0, value: 0 };
}

#[derive(Debug, Clone, Default)]
pub struct Table {
    pages: Vec<Arc<[Bucket; PAGE]>>,
    buckets: usize,
}

/// Two keys have one hash: the seeds must be drawn again.
#[derive(Debug)]
pub struct Collision;

impl Table {
    pub fn with_room_for(keys: usize) -> Self {
        let buckets = if keys == 0 { 0 } else { keys / KEYS + 1 };
        let pages = (0..buckets.div_ceil(PAGE)).map(|_| Arc::new([Bucket::default(); PAGE]));
        Self { pages: pages.collect(), buckets }
    }

    /// Whether so many keys neither crowd it nor are lost in it.
    pub fn suits(&self, keys: usize) -> bool {
        keys <= self.buckets * KEYS_MAX && self.buckets <= keys + PAGE
    }

    pub fn find(&self, hash: Hash) -> Option<Entry> {
        Some(self.look(hash)).filter(|entry| *entry != Entry::NONE)
    }

    /// As an entry that may be [`Entry::NONE`]: the caller need not branch on it.
    #[inline]
    pub fn look(&self, hash: Hash) -> Entry {
        let mut at = self.home(hash);
        loop {
            let Some(bucket) = self.bucket(at) else { return Entry::NONE };
            let entry = bucket.find(hash.tag);
            // In this order: that something went past is rare, and so guessed right; whether the key is here is not.
            if bucket.state < PAST || entry.kind != 0 {
                return entry;
            }
            at = self.after(at);
        }
    }

    /// What a key had, and what it shall have.
    pub fn change(&mut self, hash: Hash, before: Option<Entry>, after: Option<Entry>) -> Result<(), Collision> {
        match (before, after) {
            (None, Some(entry)) => self.insert(hash, entry)?,
            (Some(old), Some(new)) if old != new => self.replace(hash, new),
            (Some(_), None) => self.remove(hash),
            _ => {}
        }
        Ok(())
    }

    /// Adds a key that is not there.
    pub fn insert(&mut self, hash: Hash, entry: Entry) -> Result<(), Collision> {
        if self.find(hash).is_some() {
            return Err(Collision);
        }
        let mut at = self.home(hash);
        while let Some(bucket) = self.bucket_mut(at) {
            if bucket.insert(hash.tag, entry) {
                break;
            }
            bucket.state += PAST;
            at = self.after(at);
        }
        Ok(())
    }

    /// Gives a key that is there another entry.
    pub fn replace(&mut self, hash: Hash, entry: Entry) {
        if let Some((at, slot)) = self.locate(hash)
            && let Some(bucket) = self.bucket_mut(at)
        {
            bucket.put(slot, hash.tag, entry);
        }
    }

    /// Removes a key that is there.
    pub fn remove(&mut self, hash: Hash) {
        let Some((end, slot)) = self.locate(hash) else { return };
        let mut at = self.home(hash);
        while at != end {
            if let Some(bucket) = self.bucket_mut(at) {
                bucket.state -= PAST;
            }
            at = self.after(at);
        }
        if let Some(bucket) = self.bucket_mut(at) {
            bucket.remove(slot);
        }
    }

    fn locate(&self, hash: Hash) -> Option<(usize, usize)> {
        let mut at = self.home(hash);
        loop {
            let bucket = self.bucket(at)?;
            if let Some(slot) = bucket.slot(hash.tag) {
                return Some((at, slot));
            }
            if bucket.state < PAST {
                return None;
            }
            at = self.after(at);
        }
    }

    #[inline]
    fn bucket(&self, at: usize) -> Option<&Bucket> {
        self.pages.get(at / PAGE)?.get(at % PAGE)
    }

    fn bucket_mut(&mut self, at: usize) -> Option<&mut Bucket> {
        Arc::make_mut(self.pages.get_mut(at / PAGE)?).get_mut(at % PAGE)
    }

    fn home(&self, hash: Hash) -> usize {
        ((u128::from(hash.place) * self.buckets as u128) >> 61) as usize
    }

    fn after(&self, at: usize) -> usize {
        if at + 1 == self.buckets { 0 } else { at + 1 }
    }
}

impl Bucket {
    #[inline]
    fn find(&self, tag: u64) -> Entry {
        let (low, high) = (tag as u32, (tag >> 32) as u32);
        let mut kind = 0;
        let mut value = 0;
        for ((slot_low, slot_high), slot_value) in self.low.iter().zip(&self.high).zip(&self.value) {
            let differs = (slot_low ^ low) | ((slot_high ^ high) << (32 - HIGH_BITS));
            let mask = if differs == 0 { u32::MAX } else { 0 };
            kind |= slot_high & mask;
            value |= slot_value & mask;
        }
        Entry { kind: (kind >> HIGH_BITS) as u8, value }
    }

    fn slot(&self, tag: u64) -> Option<usize> {
        let is_it =
            |(low, high): (&u32, &u32)| *low == tag as u32 && (high ^ (tag >> 32) as u32) << (32 - HIGH_BITS) == 0;
        (0..self.taken()).find(|&at| self.low.get(at).zip(self.high.get(at)).is_some_and(is_it))
    }

    fn taken(&self) -> usize {
        (self.state & TAKEN) as usize
    }

    /// Says no if it is full.
    fn insert(&mut self, tag: u64, entry: Entry) -> bool {
        let is_free = self.taken() < SLOTS;
        if is_free {
            self.put(self.taken(), tag, entry);
            self.state += 1;
        }
        is_free
    }

    fn put(&mut self, at: usize, tag: u64, entry: Entry) {
        let columns = (self.low.get_mut(at), self.high.get_mut(at), self.value.get_mut(at));
        let (Some(low), Some(high), Some(value)) = columns else { return };
        *low = tag as u32;
        *high = (tag >> 32) as u32 | u32::from(entry.kind) << HIGH_BITS;
        *value = entry.value;
    }

    /// The last slot takes its place.
    fn remove(&mut self, at: usize) {
        let last = self.taken() - 1;
        for column in [&mut self.low, &mut self.high, &mut self.value] {
            column.swap(at, last);
            if let Some(cell) = column.get_mut(last) {
                *cell = 0;
            }
        }
        self.state -= 1;
    }
}

#[cfg(test)]
mod tests;
