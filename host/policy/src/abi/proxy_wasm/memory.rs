//! Guest memory: every pointer that a guest gives is checked here, and values go to it through its own allocator.

use wasmtime::{AsContextMut, Caller};

use crate::abi::proxy_wasm::guest::Guest;
use crate::abi::proxy_wasm::status::{Done, Status, Stop};

pub(super) type Cx<'a> = Caller<'a, Guest>;

/// Bytes of the guest, as it names them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span(pub u32, pub u32);

/// Where a guest wants a pointer and a length.
#[derive(Debug, Clone, Copy)]
pub(super) struct Return(pub u32, pub u32);

impl Span {
    pub fn bytes<'a>(self, cx: &'a Cx<'_>) -> Result<&'a [u8], Status> {
        let Self(at, length) = self;
        if length == 0 {
            return Ok(&[]);
        }
        let guest = cx.data();
        let memory = guest.exports.memory.ok_or(Status::InternalFailure)?;
        guest.base.copied.took(length as usize);
        let (at, length) = (at as usize, length as usize);
        memory.data(cx).get(at..).and_then(|rest| rest.get(..length)).ok_or(Status::BadArgument)
    }

    /// A copy, of at most `most` bytes.
    pub fn copy(self, cx: &Cx<'_>, most: usize) -> Result<Vec<u8>, Status> {
        if self.1 as usize > most {
            return Err(Status::BadArgument);
        }
        Ok(self.bytes(cx)?.to_vec())
    }

    /// A copy as text.
    pub fn text(self, cx: &Cx<'_>, most: usize) -> Result<String, Status> {
        String::from_utf8(self.copy(cx, most)?).map_err(|_| Status::BadArgument)
    }
}

/// Writes bytes of the host's choosing.
pub(super) fn put(cx: &mut Cx<'_>, at: u32, bytes: &[u8]) -> Result<(), Status> {
    let guest = cx.data();
    let memory = guest.exports.memory.ok_or(Status::InternalFailure)?;
    guest.base.copied.gave(bytes.len());
    memory.write(cx, at as usize, bytes).map_err(|_| Status::BadArgument)
}

pub(super) fn put_u32(cx: &mut Cx<'_>, at: u32, number: u32) -> Result<(), Status> {
    put(cx, at, &number.to_le_bytes())
}

pub(super) fn put_u64(cx: &mut Cx<'_>, at: u32, number: u64) -> Result<(), Status> {
    put(cx, at, &number.to_le_bytes())
}

impl Return {
    /// Gives the guest what `fill` writes. `fill` may refuse, and then the guest gets nothing.
    pub fn give_with(self, cx: &mut Cx<'_>, fill: impl FnOnce(&Guest, &mut Vec<u8>) -> Result<(), Status>) -> Done {
        let mut scratch = std::mem::take(&mut cx.data_mut().scratch);
        scratch.clear();
        let result = match fill(cx.data(), &mut scratch) {
            Ok(()) => self.give(cx, &scratch),
            Err(status) => Err(status.into()),
        };
        // What was large once may stay small from now on.
        if scratch.capacity() <= SCRATCH_BYTES_KEPT {
            cx.data_mut().scratch = scratch;
        }
        result
    }

    /// Gives the guest bytes that it owns from then on; a null pointer for none.
    pub fn give(self, cx: &mut Cx<'_>, bytes: &[u8]) -> Done {
        // Both places before the guest allocates, so that a bad one leaks nothing.
        put_u32(cx, self.0, 0)?;
        put_u32(cx, self.1, 0)?;
        if bytes.is_empty() {
            return Ok(());
        }
        let length = u32::try_from(bytes.len()).map_err(|_| Status::InternalFailure)?;
        let at = allocate(cx, length)?;
        put(cx, at, bytes).map_err(|_| Status::InternalFailure)?;
        put_u32(cx, self.0, at)?;
        put_u32(cx, self.1, length)?;
        Ok(())
    }
}

const SCRATCH_BYTES_KEPT: usize = 64 << 10;

/// Asks the guest for memory. Its allocator may make host calls, but none that needs the allocator.
fn allocate(cx: &mut Cx<'_>, length: u32) -> Result<u32, Stop> {
    if cx.data().allocating {
        return Err(Status::InternalFailure.into());
    }
    let malloc = cx.data().exports.malloc.clone().ok_or(Status::InternalFailure)?;
    cx.data_mut().allocating = true;
    let result = malloc.call(cx.as_context_mut(), length);
    cx.data_mut().allocating = false;
    match result? {
        0 => Err(Status::InternalFailure.into()),
        at => Ok(at),
    }
}
