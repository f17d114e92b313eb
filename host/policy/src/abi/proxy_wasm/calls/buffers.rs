//! Host calls about buffers: bodies, answers of calls, and the configuration.

use wasmtime::Linker;

use super::counted;
use crate::abi::Side;
use crate::abi::proxy_wasm::guest::Guest;
use crate::abi::proxy_wasm::memory::{Cx, Return, Span, put_u32};
use crate::abi::proxy_wasm::status::{Done, Status};
use crate::reads::fixed;

/// Bytes that a guest may put into a body at once.
const PUT_BYTES_MAX: usize = 1 << 20;

#[derive(Debug, Clone, Copy)]
enum Buffer {
    Body(Side),
    CallBody,
    GrpcMessage,
    VmConfig,
    Config,
    /// Known, with nothing in it here: L4 data, data of foreign calls.
    Nothing,
}

impl TryFrom<u32> for Buffer {
    type Error = Status;

    fn try_from(number: u32) -> Result<Self, Status> {
        Ok(match number {
            0 => Self::Body(Side::Request),
            1 => Self::Body(Side::Response),
            4 => Self::CallBody,
            5 => Self::GrpcMessage,
            6 => Self::VmConfig,
            7 => Self::Config,
            2 | 3 | 8 => Self::Nothing,
            _ => return Err(Status::BadArgument),
        })
    }
}

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_get_buffer_bytes",
        |cx: Cx<'_>, buffer: u32, start: u32, most: u32, data: u32, size: u32| {
            counted(cx, |cx| {
                let buffer = Buffer::try_from(buffer)?;
                if start.checked_add(most).is_none() {
                    return Err(Status::BadArgument.into());
                }
                look(cx.data(), buffer);
                let (start, most) = (start as usize, most as usize);
                Return(data, size).give_with(cx, |guest, out| copy(guest, buffer, start, most, out))
            })
        },
    )?;
    linker.func_wrap("env", "proxy_get_buffer_status", |cx: Cx<'_>, buffer: u32, size: u32, flags: u32| {
        counted(cx, |cx| {
            let length = length(cx.data(), Buffer::try_from(buffer)?)?;
            put_u32(cx, size, u32::try_from(length).unwrap_or(u32::MAX))?;
            Ok(put_u32(cx, flags, 0)?)
        })
    })?;
    linker.func_wrap(
        "env",
        "proxy_set_buffer_bytes",
        |cx: Cx<'_>, buffer: u32, start: u32, length: u32, at: u32, len: u32| {
            counted(cx, |cx| set(cx, Buffer::try_from(buffer)?, (start as usize, length as usize), Span(at, len)))
        },
    )?;
    Ok(())
}

fn copy(guest: &Guest, buffer: Buffer, start: usize, most: usize, out: &mut Vec<u8>) -> Result<(), Status> {
    let slice = match buffer {
        Buffer::Body(side) => {
            let stream = guest.effective().ok_or(Status::NotFound)?;
            let stream = stream.try_borrow().map_err(|_| Status::InternalFailure)?;
            stream.half(side).body.copy(start, most, out);
            return Ok(());
        }
        Buffer::CallBody => &guest.call_reply().ok_or(Status::NotFound)?.body,
        Buffer::GrpcMessage => guest.grpc_message().ok_or(Status::NotFound)?,
        Buffer::VmConfig => &*guest.vm_config,
        Buffer::Config => &*guest.config,
        Buffer::Nothing => return Err(Status::NotFound),
    };
    let rest = slice.get(start..).unwrap_or_default();
    out.extend_from_slice(rest.get(..most).unwrap_or(rest));
    Ok(())
}

fn length(guest: &Guest, buffer: Buffer) -> Result<usize, Status> {
    match buffer {
        Buffer::Body(side) => {
            let stream = guest.effective().ok_or(Status::NotFound)?;
            Ok(stream.try_borrow().map_err(|_| Status::InternalFailure)?.half(side).body.len())
        }
        Buffer::CallBody => Ok(guest.call_reply().ok_or(Status::NotFound)?.body.len()),
        Buffer::GrpcMessage => Ok(guest.grpc_message().ok_or(Status::NotFound)?.len()),
        Buffer::VmConfig => Ok(guest.vm_config.len()),
        Buffer::Config => Ok(guest.config.len()),
        Buffer::Nothing => Err(Status::NotFound),
    }
}

/// Remembers that the guest asked for the bytes of the body that its callback is about.
fn look(guest: &Guest, buffer: Buffer) {
    let Buffer::Body(side) = buffer else { return };
    guest.base.reads.mark(fixed::BODY);
    if guest.scene.body == Some(side)
        && let Some(stream) = guest.effective()
        && let Ok(mut stream) = stream.try_borrow_mut()
    {
        stream.half_mut(side).looked = true;
    }
}

/// Only bodies can be changed, while they are at hand.
fn set(cx: &mut Cx<'_>, buffer: Buffer, (start, length): (usize, usize), with: Span) -> Done {
    let Buffer::Body(side) = buffer else { return Err(Status::BadArgument.into()) };
    let with = with.copy(cx, PUT_BYTES_MAX)?;
    look(cx.data(), buffer);
    let guest = cx.data();
    let most = guest.spec.limits.body_bytes_max as usize;
    let stream = guest.effective().ok_or(Status::BadArgument)?;
    let mut stream = stream.try_borrow_mut().map_err(|_| Status::InternalFailure)?;
    let half = stream.half_mut(side);
    if half.begun && half.body.splice(start, length, &with, most) { Ok(()) } else { Err(Status::BadArgument.into()) }
}
