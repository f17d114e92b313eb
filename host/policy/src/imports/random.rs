//! `random`: numbers of the operating system, or of the test's seed.

use wasmtime::StoreContextMut;

use crate::copied::Interface;
use crate::host::Host;
use crate::reads::fixed;

const BYTES_MAX: u32 = 256;

/// Ends a call when the system has no random bytes: a guess in their place could be a secret.
#[derive(Debug, thiserror::Error)]
#[error("the system has no random bytes")]
pub(super) struct NoRandom;

pub(super) fn link(i: &mut Interface<'_>) -> wasmtime::Result<()> {
    i.func_wrap("next-u64", |cx: StoreContextMut<'_, Host>, (): ()| {
        cx.data().enter()?;
        Ok((next(cx.data())?,))
    })?;
    i.func_wrap("bytes", |cx: StoreContextMut<'_, Host>, (len,): (u32,)| {
        cx.data().enter()?;
        let len = len.min(BYTES_MAX) as usize;
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            bytes.extend_from_slice(&next(cx.data())?.to_le_bytes());
        }
        bytes.truncate(len);
        Ok((bytes,))
    })
}

pub(super) fn next(host: &Host) -> Result<u64, NoRandom> {
    host.reads.mark(fixed::RANDOM);
    host.worker.generator.borrow_mut().next_u64().ok_or(NoRandom)
}
