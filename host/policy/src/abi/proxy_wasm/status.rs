//! What a host call answers: a status that every SDK knows, or a trap.
//!
//! The Rust SDK's enum has only few numbers; any other number would be undefined behaviour in its guests. Bad pointers are
//! [`Status::BadArgument`] and what is not offered is [`Status::InternalFailure`], where other hosts say 6 and 12.

use crate::host::TooManyCalls;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Status {
    NotFound = 1,
    BadArgument = 2,
    /// Of gRPC's host calls: the upstream is unknown.
    ParseFailure = 4,
    Empty = 7,
    CasMismatch = 8,
    InternalFailure = 10,
}

/// Why a host call did not succeed.
#[derive(Debug)]
pub(super) enum Stop {
    /// The guest hears of it.
    Status(Status),
    /// It ends the guest.
    Trap(wasmtime::Error),
}

pub(super) type Done = Result<(), Stop>;

/// The number of the ABI, or the trap.
pub(super) fn number(done: Done) -> wasmtime::Result<u32> {
    match done {
        Ok(()) => Ok(0),
        Err(Stop::Status(status)) => Ok(status as u32),
        Err(Stop::Trap(error)) => Err(error),
    }
}

impl From<Status> for Stop {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<wasmtime::Error> for Stop {
    fn from(error: wasmtime::Error) -> Self {
        Self::Trap(error)
    }
}

impl From<TooManyCalls> for Stop {
    fn from(error: TooManyCalls) -> Self {
        Self::Trap(error.into())
    }
}
