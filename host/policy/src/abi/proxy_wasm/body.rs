//! The bytes of a body that a stream holds, and those in hand: what a guest reads and edits as one buffer.
//!
//! An edit works on a copy until it is taken, so what was held is still there when the call fails.

use bytes::{Bytes, BytesMut};

/// Bytes of a buffer after an edit, beyond what its policy may hold anyway.
const EDITED_BYTES_MAX: usize = 1 << 20;

#[derive(Debug, Default)]
pub(super) struct Body {
    /// Of earlier pieces.
    held: BytesMut,
    /// The piece that the guest hears of in this call.
    given: Bytes,
    /// Both, as the guest changed them.
    edited: Option<BytesMut>,
}

impl Body {
    pub fn len(&self) -> usize {
        self.edited.as_ref().map_or(self.held.len() + self.given.len(), BytesMut::len)
    }

    /// Adds a piece for one call.
    pub fn give(&mut self, piece: Bytes) {
        self.given = piece;
    }

    /// Adds to `out` at most `most` bytes from `start`.
    pub fn copy(&self, start: usize, most: usize, out: &mut Vec<u8>) {
        let parts = match &self.edited {
            Some(edited) => [edited.as_ref(), &[]],
            None => [self.held.as_ref(), self.given.as_ref()],
        };
        let (mut skip, mut left) = (start, most);
        for part in parts {
            let from = skip.min(part.len());
            let to = from.saturating_add(left).min(part.len());
            out.extend_from_slice(part.get(from..to).unwrap_or_default());
            skip -= from;
            left -= to - from;
        }
    }

    /// Replaces `length` bytes from `start`: before all with 0 and 0, after all with a start beyond the end. False if the
    /// result would be too long.
    pub fn splice(&mut self, start: usize, length: usize, with: &[u8], held_max: usize) -> bool {
        let old = self.len();
        let start = start.min(old);
        let end = start.saturating_add(length).min(old);
        if old - (end - start) + with.len() > held_max.max(EDITED_BYTES_MAX) {
            return false;
        }
        let mut all = Vec::with_capacity(old);
        self.copy(0, old, &mut all);
        all.splice(start..end, with.iter().copied());
        self.edited = Some(BytesMut::from(all.as_slice()));
        true
    }

    /// All bytes, which go on.
    pub fn send(&mut self) -> Bytes {
        let given = std::mem::take(&mut self.given);
        if let Some(edited) = self.edited.take() {
            self.held.clear();
            return edited.freeze();
        }
        if self.held.is_empty() {
            return given;
        }
        self.held.extend_from_slice(&given);
        self.held.split().freeze()
    }

    /// Keeps all bytes. False if there are more than `most`; then only those held before are kept.
    #[must_use]
    pub fn hold(&mut self, most: usize) -> bool {
        if self.len() > most {
            self.forget_call();
            return false;
        }
        let given = std::mem::take(&mut self.given);
        match self.edited.take() {
            Some(edited) => self.held = edited,
            None => self.held.extend_from_slice(&given),
        }
        true
    }

    /// Forgets what a failed call was given and did.
    pub fn forget_call(&mut self) {
        self.given = Bytes::new();
        self.edited = None;
    }

    /// What is held, for when nobody will ask again.
    pub fn take_held(&mut self) -> Bytes {
        self.forget_call();
        self.held.split().freeze()
    }
}

#[cfg(test)]
mod tests;
