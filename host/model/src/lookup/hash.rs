//! The keyed hash of the lookup tables: a folded multiplication, eight bytes at a time.
//!
//! Not cryptographic: keys are compared whole after it. The key differs from index to index, so that nobody can prepare
//! host names or paths that share a slot.

use std::hash::{BuildHasher, RandomState};

#[derive(Debug, Default, Clone, Copy)]
pub struct Seeds {
    host: u64,
    root: u64,
    node: u64,
    factor: u64,
}

impl Seeds {
    /// Keys from the operating system, by way of the standard library.
    pub fn random() -> Self {
        let state = RandomState::new();
        Self {
            host: state.hash_one(1),
            root: state.hash_one(2),
            node: state.hash_one(3),
            factor: state.hash_one(4) | 1,
        }
    }

    pub fn host(&self, name: &str) -> u64 {
        self.bytes(self.host, name.as_bytes())
    }

    /// The hash of the path without elements.
    pub fn root(&self) -> u64 {
        self.root
    }

    /// The hash of a path and one more element.
    pub fn extend(&self, path: u64, element: &[u8]) -> u64 {
        self.bytes(path, element)
    }

    /// The hash of a path on a host.
    pub fn node(&self, host: u32, path: u64) -> u64 {
        fold(path ^ self.node, self.factor ^ (u64::from(host) << 1))
    }

    fn bytes(&self, seed: u64, bytes: &[u8]) -> u64 {
        let mut state = seed ^ (bytes.len() as u64);
        let (chunks, rest) = bytes.as_chunks::<8>();
        for chunk in chunks {
            state = fold(state ^ u64::from_le_bytes(*chunk), self.factor);
        }
        fold(state ^ short(rest), self.factor)
    }
}

/// Up to seven bytes as one number; different bytes of the same length are different numbers.
fn short(bytes: &[u8]) -> u64 {
    match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(low), Some(high)) => u64::from(u32::from_le_bytes(*low)) | u64::from(u32::from_le_bytes(*high)) << 32,
        _ => bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)),
    }
}

/// Both halves of the product, so that every bit of the input reaches every bit of the result.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}
