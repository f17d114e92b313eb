//! Values of this ingress process, shared by all workers, by policy; they survive a swap of the module. Needs the grant
//! `kv-local`.

use std::time::Duration;

use crate::host::{kv_local as host, types};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub value: Vec<u8>,
    /// Rises with each write.
    pub version: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    Denied,
    Quota,
    TooLarge,
    Invalid,
    /// The version is another.
    Conflict,
}

impl From<types::Error> for Error {
    fn from(error: types::Error) -> Self {
        match error {
            types::Error::Denied => Self::Denied,
            types::Error::Quota => Self::Quota,
            types::Error::TooLarge => Self::TooLarge,
            types::Error::Invalid => Self::Invalid,
            types::Error::Conflict => Self::Conflict,
        }
    }
}

pub fn get(key: &str) -> Option<Entry> {
    host::get(key).map(|(value, version)| Entry { value, version })
}

/// `ttl` zero: until evicted. Returns the new version.
pub fn set(key: &str, value: &[u8], ttl: Duration) -> Result<u64, Error> {
    Ok(host::set(key, value, milliseconds(ttl))?)
}

/// Writes if the version is still this one; version 0: only if absent.
pub fn compare_and_set(key: &str, version: u64, value: &[u8], ttl: Duration) -> Result<u64, Error> {
    Ok(host::compare_and_set(key, version, value, milliseconds(ttl))?)
}

pub fn delete(key: &str) {
    host::delete(key);
}

/// At least 1 for what is more than nothing, since 0 means for ever.
pub(crate) fn milliseconds(ttl: Duration) -> u32 {
    let floor = u128::from(!ttl.is_zero());
    u32::try_from(ttl.as_millis().max(floor)).unwrap_or(u32::MAX)
}
