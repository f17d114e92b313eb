//! A guest's memory as these imports see it: what is outside of it ends the call.

use wasmtime::{Caller, Extern};

use super::errno;

/// Ends a call that names bytes which are not in the guest's memory.
#[derive(Debug, thiserror::Error)]
#[error("the module named bytes outside of its memory")]
pub(in crate::abi) struct Outside;

/// The bytes, and the store's data beside them.
pub(super) fn bytes_mut<'a, T>(
    caller: &'a mut Caller<'_, T>,
    from: u32,
    length: u32,
) -> wasmtime::Result<(&'a mut [u8], &'a mut T)> {
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else { return Err(Outside.into()) };
    let (memory, data) = memory.data_and_store_mut(caller);
    let from = from as usize;
    let bytes = memory.get_mut(from..from.saturating_add(length as usize)).ok_or(Outside)?;
    Ok((bytes, data))
}

pub(super) fn read_u32<T>(caller: &mut Caller<'_, T>, from: u32) -> wasmtime::Result<u32> {
    let mut number = [0; 4];
    number.copy_from_slice(bytes_mut(caller, from, 4)?.0);
    Ok(u32::from_le_bytes(number))
}

pub(super) fn write_u32<T>(caller: &mut Caller<'_, T>, to: u32, number: u32) -> wasmtime::Result<i32> {
    bytes_mut(caller, to, 4)?.0.copy_from_slice(&number.to_le_bytes());
    Ok(errno::SUCCESS)
}

pub(super) fn write_u64<T>(caller: &mut Caller<'_, T>, to: u32, number: u64) -> wasmtime::Result<i32> {
    bytes_mut(caller, to, 8)?.0.copy_from_slice(&number.to_le_bytes());
    Ok(errno::SUCCESS)
}
