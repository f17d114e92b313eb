//! One side's body as a guest sees it: what was collected is read in pieces, and what is written takes its place.

/// Of bytes that a guest may write, where `limits.body` is smaller.
const WRITTEN_BYTES_MIN: usize = 1 << 20;

#[derive(Debug, Default)]
pub(super) struct Body {
    /// What came, up to the limit.
    held: Vec<u8>,
    /// How much of it the guest has read.
    read: usize,
    /// More follows that is not held.
    cut: bool,
    written: Option<Vec<u8>>,
}

/// The guest wants more of a body than may be held.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overflow;

/// The guest writes more than a body may have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

impl Body {
    /// Takes a piece; false if it is one too many: then it is held all the same, and no more may come.
    pub fn hold(&mut self, bytes: &[u8], most: usize) -> bool {
        self.held.extend_from_slice(bytes);
        self.held.len() <= most
    }

    /// Gives the last piece back: the caller has it still.
    pub fn drop_last(&mut self, bytes: usize) {
        self.held.truncate(self.held.len().saturating_sub(bytes));
    }

    /// Says that what is held is not all of it.
    pub fn cut(&mut self) {
        self.cut = true;
    }

    /// The next bytes, as many as there is space for; and whether there are no more.
    pub fn read(&mut self, space: &mut [u8]) -> Result<(usize, bool), Overflow> {
        let rest = self.held.get(self.read..).unwrap_or_default();
        if rest.is_empty() && self.cut {
            return Err(Overflow);
        }
        let length = rest.len().min(space.len());
        for (to, from) in space.iter_mut().zip(rest) {
            *to = *from;
        }
        self.read += length;
        Ok((length, self.read == self.held.len() && !self.cut))
    }

    /// Whether the guest has read some of it.
    pub fn is_read(&self) -> bool {
        self.read > 0
    }

    /// The first bytes take the place of the body, the next are added to them.
    pub fn write(&mut self, bytes: &[u8], most: usize) -> Result<(), TooLarge> {
        let written = self.written.get_or_insert_default();
        if written.len().saturating_add(bytes.len()) > most.max(WRITTEN_BYTES_MIN) {
            return Err(TooLarge);
        }
        written.extend_from_slice(bytes);
        Ok(())
    }

    pub fn is_written(&self) -> bool {
        self.written.is_some()
    }

    pub fn take_written(&mut self) -> Vec<u8> {
        self.written.take().unwrap_or_default()
    }

    /// What goes on of what was held: with `whole` all of it, else what the guest has not read. A guest can still read it
    /// where `keep` says so.
    pub fn pass_on(&mut self, whole: bool, keep: bool) -> Vec<u8> {
        let from = if whole { 0 } else { self.read };
        if keep {
            return self.held.get(from..).unwrap_or_default().to_vec();
        }
        let mut held = self.take_held();
        held.drain(..from.min(held.len()));
        held
    }

    /// All that was held, read or not.
    pub fn take_held(&mut self) -> Vec<u8> {
        self.read = 0;
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests;
