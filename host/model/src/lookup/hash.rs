//! The keyed hash of the lookup tables: host names and paths as polynomials modulo 2^61 - 1, evaluated at two points
//! that only this process knows.
//!
//! Two different texts of n words agree at one random point with a probability of at most n / 2^61, whatever the texts
//! and whoever chose them (Schwartz-Zippel), as long as they do not depend on the points; and nothing that a client sees
//! tells the points. That is a theorem and no assumption, which is why the tables need not keep the texts.

use std::hash::{BuildHasher, RandomState};

const PRIME: u64 = (1 << 61) - 1;

/// The bytes of a word; the rest of it says how many there are, or that another word of the same element follows.
const WORD_BYTES: usize = 7;
const CONTINUED: usize = 8;

/// A hash: the value at both points. The first chooses the place in a table, the second is what is compared there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hash {
    pub place: u64,
    pub tag: u64,
}

/// The place alone: hashes that differ in nothing but the tag are as rare as collisions.
impl std::hash::Hash for Hash {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u64(self.place);
    }
}

/// The points, and where the different kinds of text begin. All are random.
#[derive(Debug, Clone, Default)]
pub struct Seeds {
    /// The point, its square and its cube.
    point: Hash,
    square: Hash,
    cube: Hash,
    /// Weighs the host against the path.
    host: Hash,
    precise: Hash,
    wildcard: Hash,
    any: Hash,
    root: Hash,
    /// Stands for the host itself, in place of a path.
    itself: Hash,
}

impl Seeds {
    /// From the operating system, by way of the standard library.
    pub fn random() -> Self {
        let state = RandomState::new();
        let mut number = 0u64;
        let mut next = || {
            number += 1;
            // Below 2^61 - 1, and never zero.
            state.hash_one(number) % (PRIME - 1) + 1
        };
        let mut next = || Hash { place: next(), tag: next() };
        let point = next();
        let times = |a: Hash, b: Hash| Hash {
            place: canonical(multiply(a.place, b.place)),
            tag: canonical(multiply(a.tag, b.tag)),
        };
        let square = times(point, point);
        Self {
            point,
            square,
            cube: times(square, point),
            host: next(),
            precise: next(),
            wildcard: next(),
            any: next(),
            root: next(),
            itself: next(),
        }
    }

    pub fn precise(&self, name: &str) -> Hash {
        self.element(self.precise, name.as_bytes(), 0).1
    }

    pub fn wildcard(&self, parent: &str) -> Hash {
        self.element(self.wildcard, parent.as_bytes(), 0).1
    }

    /// Of rules without host.
    pub fn any(&self) -> Hash {
        self.any
    }

    /// Of the path without elements.
    pub fn root(&self) -> Hash {
        self.root
    }

    /// Of a path on a host.
    pub fn node(&self, host: Hash, path: Hash) -> Hash {
        let lane = |host, weight, path| canonical(multiply(host, weight) + path);
        Hash { place: lane(host.place, self.host.place, path.place), tag: lane(host.tag, self.host.tag, path.tag) }
    }

    /// Of a host as such.
    pub fn host(&self, host: Hash) -> Hash {
        self.node(host, self.itself)
    }

    /// Goes on with the element of `text` that begins at `start`, and ends before the next slash or with the text. Says
    /// where that is.
    ///
    /// Two words at a time, the second of which may be nothing: most elements are so long, and how long they are is
    /// different from request to request, so that a branch on it would be guessed wrong.
    #[inline]
    pub fn element(&self, from: Hash, text: &[u8], start: usize) -> (usize, Hash) {
        let mut hash = from;
        let mut at = start;
        loop {
            let (first, first_length) = word(text, at);
            let (second, second_length) = word(text, at + WORD_BYTES);
            let is_continued = first_length == CONTINUED;
            hash = self.step(hash, first, if is_continued { second } else { 0 });
            let more = if is_continued { second_length.min(WORD_BYTES) } else { 0 };
            at += first_length.min(WORD_BYTES) + more;
            if !is_continued | (second_length != CONTINUED) {
                return (at, hash);
            }
        }
    }

    #[inline]
    fn step(&self, hash: Hash, first: u64, second: u64) -> Hash {
        let lane =
            |hash, cube, square, point| reduce(product(hash, cube) + product(first, square) + product(second, point));
        Hash {
            place: lane(hash.place, self.cube.place, self.square.place, self.point.place),
            tag: lane(hash.tag, self.cube.tag, self.square.tag, self.point.tag),
        }
    }
}

/// The word at a place of the text, below 2^60, and how many bytes of it belong to the element, or [`CONTINUED`]. Different
/// bytes, lengths or positions in an element are different words; nothing is zero.
#[inline]
fn word(text: &[u8], at: usize) -> (u64, usize) {
    let left = text.len().saturating_sub(at);
    let bytes = load(text, at, left);
    let length = first_slash(bytes).min(left);
    let known = bytes & ((1 << (8 * length.min(WORD_BYTES))) - 1);
    (known | (length as u64) << 56, length)
}

/// Eight bytes from `at` on, with zeros after the end.
#[inline]
fn load(text: &[u8], at: usize, left: usize) -> u64 {
    if let Some(bytes) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        return u64::from_le_bytes(*bytes);
    }
    match text.last_chunk::<8>() {
        // By 64 bits if nothing is left.
        Some(bytes) => u64::from_le_bytes(*bytes) >> 8 >> (56 - 8 * left.min(7)),
        _ => text.get(at..).unwrap_or_default().iter().rev().fold(0, |bytes, &byte| bytes << 8 | u64::from(byte)),
    }
}

/// How many bytes come before the first slash; eight if there is none.
fn first_slash(bytes: u64) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let zero_if_slash = bytes ^ (ONES * b'/' as u64);
    // The lowest of these bits is right; others may be borrowed.
    let marks = zero_if_slash.wrapping_sub(ONES) & !zero_if_slash & (ONES << 7);
    marks.trailing_zeros() as usize / 8
}

/// Modulo 2^61 - 1, for factors below 2^62 and 2^61; at most a little above 2^61.
fn multiply(a: u64, b: u64) -> u64 {
    reduce(product(a, b))
}

#[inline]
fn product(a: u64, b: u64) -> u128 {
    u128::from(a) * u128::from(b)
}

/// Of a number below 2^124.
#[inline]
fn reduce(number: u128) -> u64 {
    fold((number as u64 & PRIME) + (number >> 61) as u64)
}

fn fold(number: u64) -> u64 {
    (number & PRIME) + (number >> 61)
}

fn canonical(number: u64) -> u64 {
    let folded = fold(number);
    if folded >= PRIME { folded - PRIME } else { folded }
}

#[cfg(test)]
mod tests;
