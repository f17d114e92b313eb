//! Chance. Needs the grant `random`.

use crate::host::random as host;

pub fn next_u64() -> u64 {
    host::next_u64()
}

/// At least 0, below 1.
pub fn fraction() -> f64 {
    (host::next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// At most 256 bytes.
pub fn bytes(len: u32) -> Vec<u8> {
    host::bytes(len)
}
