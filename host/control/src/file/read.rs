//! How many bytes of a file are taken: all, or none if it is too large.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::tree::Stamp;

/// Most that a manifest or a module may have.
pub(super) const BYTES_MAX: u64 = 64 << 20;

/// A file's bytes, with the stamp that it had before the first of them was read.
pub(super) struct Whole {
    pub stamp: Stamp,
    /// The bytes may be stale although the stamp stays: read again.
    pub racy: bool,
    pub bytes: Vec<u8>,
}

/// Reads a whole file.
pub(super) fn whole(path: &Path) -> io::Result<Whole> {
    // Asked before opening, because opening a pipe waits for its writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "is not a regular file"));
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let stamp = Stamp::of(&metadata);
    let racy = stamp.is_racy();
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len().min(BYTES_MAX)).unwrap_or(0));
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    match u64::try_from(bytes.len()) {
        Ok(read) if read <= BYTES_MAX => Ok(Whole { stamp, racy, bytes }),
        _ => Err(io::Error::new(io::ErrorKind::FileTooLarge, "is larger than 64 MiB")),
    }
}
