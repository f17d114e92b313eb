//! The time, coarse and frozen within one call. Needs the grant `clock`.

use crate::host::clock as host;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub fn now_ms() -> u64 {
    host::now_ms()
}

/// Microseconds from an arbitrary start; never goes back.
pub fn monotonic_us() -> u64 {
    host::monotonic_us()
}
