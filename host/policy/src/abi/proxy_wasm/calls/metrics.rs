//! Host calls about metrics: the policy's user series, `cardea_policy_user_*`.
//!
//! Names may hold any character elsewhere; here what a series may not have becomes `_`. Beyond the bound a metric is defined
//! and counts nothing, since SDKs panic where one is refused.

use wasmtime::Linker;

use super::counted;
use crate::abi::proxy_wasm::guest::Guest;
use crate::abi::proxy_wasm::memory::{Cx, Span, put_u32, put_u64};
use crate::abi::proxy_wasm::status::{Done, Status};
use crate::state::{NO_SERIES, Series};

const NAME_BYTES_MAX: usize = 1024;

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap("env", "proxy_define_metric", |cx: Cx<'_>, kind: u32, at: u32, len: u32, out: u32| {
        counted(cx, |cx| define(cx, kind, Span(at, len), out))
    })?;
    linker.func_wrap("env", "proxy_increment_metric", |cx: Cx<'_>, id: u32, offset: i64| {
        counted(cx, |cx| increment(cx.data(), id, offset))
    })?;
    linker.func_wrap("env", "proxy_record_metric", |cx: Cx<'_>, id: u32, value: u64| {
        counted(cx, |cx| record(cx.data(), id, value))
    })?;
    linker.func_wrap("env", "proxy_get_metric", |cx: Cx<'_>, id: u32, out: u32| {
        counted(cx, |cx| {
            let value = match series(cx.data(), id)? {
                Some((Series::Histogram, _)) => return Err(Status::BadArgument.into()),
                Some((_, value)) => value,
                None => 0,
            };
            Ok(put_u64(cx, out, value as u64)?)
        })
    })?;
    Ok(())
}

fn define(cx: &mut Cx<'_>, kind: u32, name: Span, out: u32) -> Done {
    let kind = match kind {
        0 => Series::Counter,
        1 => Series::Gauge,
        2 => Series::Histogram,
        _ => return Err(Status::BadArgument.into()),
    };
    let name = name.text(cx, NAME_BYTES_MAX)?;
    let id = cx.data().base.shared.state.metrics.id(kind, &series_name(&name));
    Ok(put_u32(cx, out, id)?)
}

/// A name that a series can have.
fn series_name(name: &str) -> String {
    let good = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let name: String = name.chars().map(good).collect();
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// `None` for the one that stands for all beyond the bound.
fn series(guest: &Guest, id: u32) -> Result<Option<(Series, i64)>, Status> {
    if id == NO_SERIES {
        return Ok(None);
    }
    guest.base.shared.state.metrics.get(id).map(Some).ok_or(Status::NotFound)
}

fn increment(guest: &Guest, id: u32, offset: i64) -> Done {
    match series(guest, id)? {
        Some((Series::Histogram, _)) => Err(Status::BadArgument.into()),
        Some((Series::Counter, _)) if offset < 0 => Err(Status::BadArgument.into()),
        Some(_) => {
            guest.base.shared.state.metrics.add(id, offset);
            Ok(())
        }
        None => Ok(()),
    }
}

fn record(guest: &Guest, id: u32, value: u64) -> Done {
    let metrics = &guest.base.shared.state.metrics;
    let signed = i64::try_from(value).unwrap_or(i64::MAX);
    match series(guest, id)? {
        Some((Series::Counter, _)) => metrics.add(id, signed),
        Some((Series::Gauge, _)) => metrics.set(id, value as i64),
        Some((Series::Histogram, _)) => metrics.observe(id, value),
        None => {}
    }
    Ok(())
}
