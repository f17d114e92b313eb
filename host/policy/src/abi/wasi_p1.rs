//! What a core module gets for WASI preview 1: a clock, chance, a log for its output, and a world without files or sockets.
//!
//! Toolchains link these names whether the program needs them or not, so all are there, under both names that the preview
//! had, with the answers that make a runtime start and go on. Nothing waits: a sleep is over at once.

mod files;
mod memory;

use std::cell::RefCell;

use wasmtime::{Caller, Linker};

use crate::source::Time;

use files::link_files;
use memory::{bytes_mut, write_u32, write_u64};

/// What a store must have for these imports.
pub(crate) trait Surroundings {
    /// Counts a host call.
    fn enter(&self) -> wasmtime::Result<()>;
    /// The time of the call in hand.
    fn time(&self) -> Time;
    /// `None` where the system has no random bytes to give.
    fn random(&self) -> Option<u64>;
    /// What the guest writes to its standard output (1) or error (2), as it comes; see [`Lines`].
    fn print(&self, descriptor: u32, bytes: &[u8]);
}

/// Ends a call in which the guest wants its process to end. With 0 in `_start`, that is how some runtimes return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the module ended itself by proc_exit({0})")]
pub(crate) struct Exit(pub i32);

/// Ends a call whose random bytes the system does not have: a guess in their place could be a secret.
#[derive(Debug, thiserror::Error)]
#[error("the system has no random bytes")]
struct NoRandom;

/// `errno` of the preview.
pub(super) mod errno {
    pub const SUCCESS: i32 = 0;
    pub const BADF: i32 = 8;
    pub const INVAL: i32 = 28;
    pub const NOSYS: i32 = 52;
    pub const SPIPE: i32 = 70;
}

const MODULES: [&str; 2] = ["wasi_snapshot_preview1", "wasi_unstable"];
/// Of one question: larger ones are refused.
const RANDOM_BYTES_MAX: usize = 64 << 10;
/// Subscriptions of one `poll_oneoff`.
const SUBSCRIPTIONS_MAX: u32 = 64;

/// Links all of the preview's functions.
pub(crate) fn link<T: Surroundings + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    for module in MODULES {
        link_files(linker, module)?;
        linker.func_wrap(module, "clock_res_get", clock_res_get::<T>)?;
        linker.func_wrap(module, "clock_time_get", clock_time_get::<T>)?;
        linker.func_wrap(module, "random_get", random_get::<T>)?;
        linker.func_wrap(module, "poll_oneoff", poll_oneoff::<T>)?;
        linker.func_wrap(module, "proc_exit", |code: i32| -> wasmtime::Result<()> { Err(Exit(code).into()) })?;
    }
    Ok(())
}

/// Realtime comes in milliseconds, the others in steps of 100 us.
fn clock_res_get<T: Surroundings>(mut caller: Caller<'_, T>, clock: u32, to: u32) -> wasmtime::Result<i32> {
    caller.data().enter()?;
    match clock {
        0 => write_u64(&mut caller, to, 1_000_000),
        1..=3 => write_u64(&mut caller, to, 100_000),
        _ => Ok(errno::INVAL),
    }
}

fn clock_time_get<T: Surroundings>(mut caller: Caller<'_, T>, clock: u32, _: i64, to: u32) -> wasmtime::Result<i32> {
    caller.data().enter()?;
    let time = caller.data().time();
    match clock {
        0 => write_u64(&mut caller, to, time.unix_ms.saturating_mul(1_000_000)),
        1..=3 => write_u64(&mut caller, to, time.monotonic_us.saturating_mul(1000)),
        _ => Ok(errno::INVAL),
    }
}

fn random_get<T: Surroundings>(mut caller: Caller<'_, T>, to: u32, length: u32) -> wasmtime::Result<i32> {
    caller.data().enter()?;
    if length as usize > RANDOM_BYTES_MAX {
        return Ok(errno::INVAL);
    }
    let (bytes, host) = bytes_mut(&mut caller, to, length)?;
    for chunk in bytes.chunks_mut(8) {
        let number = host.random().ok_or(NoRandom)?.to_le_bytes();
        chunk.iter_mut().zip(number).for_each(|(byte, random)| *byte = random);
    }
    Ok(errno::SUCCESS)
}

/// Says of every subscription that it has happened: a sleep is over, a descriptor is ready.
fn poll_oneoff<T: Surroundings>(
    mut caller: Caller<'_, T>,
    subscriptions: u32,
    events: u32,
    count: u32,
    happened: u32,
) -> wasmtime::Result<i32> {
    caller.data().enter()?;
    if count == 0 || count > SUBSCRIPTIONS_MAX {
        return Ok(errno::INVAL);
    }
    for index in 0..count {
        let (subscription, _) = bytes_mut(&mut caller, subscriptions.saturating_add(index * 48), 9)?;
        let mut event = [0; 32];
        if let (Some(to), [user @ .., kind]) = (event.get_mut(..8), &*subscription) {
            to.copy_from_slice(user);
            event[10] = *kind;
        }
        bytes_mut(&mut caller, events.saturating_add(index * 32), 32)?.0.copy_from_slice(&event);
    }
    write_u32(&mut caller, happened, count)
}

/// Cuts output into lines: guests write theirs in pieces.
#[derive(Debug, Default)]
pub(crate) struct Lines(RefCell<Vec<u8>>);

impl Lines {
    /// Calls `each` with every line that is whole now. One of more than `bytes_max` is given in parts.
    pub fn push(&self, bytes: &[u8], bytes_max: usize, mut each: impl FnMut(&str)) {
        let mut pending = self.0.borrow_mut();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            for part in piece.chunks(bytes_max) {
                pending.extend_from_slice(part);
                if pending.ends_with(b"\n") || pending.len() >= bytes_max {
                    each(String::from_utf8_lossy(&pending).trim_end_matches(['\r', '\n']));
                    pending.clear();
                }
            }
        }
    }

    /// At the end of a call: what has no end of line yet.
    pub fn flush(&self, mut each: impl FnMut(&str)) {
        let pending = std::mem::take(&mut *self.0.borrow_mut());
        if !pending.is_empty() {
            each(&String::from_utf8_lossy(&pending));
        }
    }
}

#[cfg(test)]
mod tests;
