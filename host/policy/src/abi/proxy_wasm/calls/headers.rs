//! Host calls about header maps.

use wasmtime::Linker;

use super::counted;
use crate::abi::proxy_wasm::guest::Guest;
use crate::abi::proxy_wasm::maps::{self, Fields, Map};
use crate::abi::proxy_wasm::memory::{Cx, Return, Span, put_u32};
use crate::abi::proxy_wasm::pairs;
use crate::abi::proxy_wasm::status::{Done, Status};
use crate::fields::{NAME_BYTES_MAX, VALUE_BYTES_MAX};

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_get_header_map_value",
        |cx: Cx<'_>, map: u32, at: u32, len: u32, data: u32, size: u32| {
            counted(cx, |cx| get(cx, Map::try_from(map)?, Span(at, len), Return(data, size)))
        },
    )?;
    linker.func_wrap("env", "proxy_get_header_map_pairs", |cx: Cx<'_>, map: u32, data: u32, size: u32| {
        counted(cx, |cx| {
            let map = Map::try_from(map)?;
            maps::mark_all(cx.data(), map);
            Return(data, size).give_with(cx, |guest, out| {
                pairs::encode(&Fields::of(guest, map).iter().collect::<Vec<_>>(), out);
                Ok(())
            })
        })
    })?;
    linker.func_wrap("env", "proxy_get_header_map_size", |cx: Cx<'_>, map: u32, out: u32| {
        counted(cx, |cx| {
            let size = pairs::size(Fields::of(cx.data(), Map::try_from(map)?).iter());
            Ok(put_u32(cx, out, u32::try_from(size).unwrap_or(u32::MAX))?)
        })
    })?;
    link_edits(linker)
}

fn link_edits(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    type Edit = fn(&mut Guest, Map, pairs::Pair<'_>) -> Result<(), Status>;
    let edits: [(&str, Edit); 2] =
        [("proxy_add_header_map_value", maps::add), ("proxy_replace_header_map_value", maps::replace)];
    for (name, edit) in edits {
        linker.func_wrap("env", name, move |cx: Cx<'_>, map: u32, at: u32, len: u32, value: u32, size: u32| {
            counted(cx, |cx| {
                let name = Span(at, len).copy(cx, NAME_BYTES_MAX)?;
                let value = Span(value, size).copy(cx, VALUE_BYTES_MAX)?;
                Ok(edit(cx.data_mut(), Map::try_from(map)?, (&name, &value))?)
            })
        })?;
    }
    linker.func_wrap("env", "proxy_remove_header_map_value", |cx: Cx<'_>, map: u32, at: u32, len: u32| {
        counted(cx, |cx| {
            let name = Span(at, len).copy(cx, NAME_BYTES_MAX)?;
            Ok(maps::remove(cx.data_mut(), Map::try_from(map)?, &name)?)
        })
    })?;
    linker.func_wrap("env", "proxy_set_header_map_pairs", |cx: Cx<'_>, map: u32, at: u32, len: u32| {
        counted(cx, |cx| {
            let bytes = Span(at, len).copy(cx, pairs::BYTES_MAX)?;
            let pairs = pairs::decode(&bytes).map_err(|_| Status::BadArgument)?;
            Ok(maps::replace_all(cx.data_mut(), Map::try_from(map)?, &pairs)?)
        })
    })?;
    Ok(())
}

/// 0.1.0 has no way to say that a field is absent: there it reads as empty.
fn get(cx: &mut Cx<'_>, map: Map, name: Span, out: Return) -> Done {
    if name.1 as usize > NAME_BYTES_MAX {
        return Err(Status::NotFound.into());
    }
    let (mut buffer, length) = ([0; NAME_BYTES_MAX], name.1 as usize);
    let known = buffer.get_mut(..length).ok_or(Status::NotFound)?;
    known.copy_from_slice(name.bytes(cx)?);
    let is_first = cx.data().is_first_version;
    out.give_with(cx, |guest, out| match maps::get(guest, map, known, out) {
        Err(Status::NotFound) if is_first => Ok(()),
        other => other,
    })
}
