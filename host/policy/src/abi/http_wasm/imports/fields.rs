//! Header and trailer fields of both sides.
//!
//! What may be written follows the rules of every policy's edits. Of a request, `host` stands for its authority, as it
//! does in other hosts of this ABI. Removing what belongs to the host has no effect: a guest does not see it either.

use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue};
use wasmtime::Linker;

use super::{Cx, MODULE, misuse, refused, split, text};
use crate::abi::Side;
use crate::abi::http_wasm::guest::State;
use crate::abi::http_wasm::memory::{Span, put_list, read};
use crate::abi::http_wasm::stage::{Features, Phase, Stage};
use crate::exchange::Exchange;
use crate::failure::Failure;
use crate::fields;
use crate::outcome::edits;
use crate::reads::{Kind as Question, fixed};

/// Names and values that one call may write.
const EDIT_BYTES_MAX: usize = 64 << 10;
/// Fields that a head may have after edits; far under what a header map can hold.
const FIELDS_MAX: usize = 1024;

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "get_header_names", get_header_names)?;
    linker.func_wrap(MODULE, "get_header_values", get_header_values)?;
    linker.func_wrap(MODULE, "set_header_value", set_header_value)?;
    linker.func_wrap(MODULE, "add_header_value", add_header_value)?;
    linker.func_wrap(MODULE, "remove_header", remove_header)?;
    Ok(())
}

/// `header_kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    side: Side,
    trailers: bool,
}

impl Kind {
    fn of(number: u32) -> wasmtime::Result<Self> {
        let side = if number & 1 == 0 { Side::Request } else { Side::Response };
        if number <= 3 {
            Ok(Self { side, trailers: number >= 2 })
        } else {
            Err(misuse(format!("the header kind {number}")))
        }
    }

    const fn question(self) -> Question {
        match self.side {
            Side::Request => Question::Header,
            Side::Response => Question::ResponseHeader,
        }
    }
}

#[derive(Debug)]
enum Edit {
    Set(HeaderValue),
    Add(HeaderValue),
    Remove,
}

fn get_header_names(mut cx: Cx<'_>, kind: u32, at: u32, limit: u32) -> wasmtime::Result<u64> {
    let (memory, state) = split(&mut cx)?;
    let kind = Kind::of(kind)?;
    if kind == (Kind { side: Side::Request, trailers: false }) {
        let exchange = state.host.ask_fixed(fixed::HEADER_NAMES)?;
        return Ok(put_list(memory, &state.host.copied, (at, limit), || request_names(exchange))?);
    }
    state.host.ask_fixed(fixed::RESPONSE_HEADERS)?;
    let fields = fields_of(state, kind);
    let names = || fields.into_iter().flat_map(HeaderMap::keys).map(|name| name.as_str().as_bytes());
    Ok(put_list(memory, &state.host.copied, (at, limit), names)?)
}

fn request_names(exchange: &Exchange) -> impl Iterator<Item = &[u8]> {
    let headers = exchange.request.headers.keys().filter(|name| **name != HOST);
    let beside = exchange.beside.iter().map(|(name, _)| name);
    let authority = (!exchange.authority.is_empty()).then_some(&b"host"[..]);
    authority.into_iter().chain(headers.chain(beside).map(|name| name.as_str().as_bytes()))
}

fn get_header_values(
    mut cx: Cx<'_>,
    kind: u32,
    name_at: u32,
    name_length: u32,
    at: u32,
    limit: u32,
) -> wasmtime::Result<u64> {
    let (memory, state) = split(&mut cx)?;
    let kind = Kind::of(kind)?;
    state.host.ask()?;
    let Some(name) = asked(state, kind, read(memory, &state.host.copied, name_at, name_length)?)? else { return Ok(0) };
    let exchange = &state.host.exchange;
    let list = match kind {
        Kind { side: Side::Request, trailers: false } if name == HOST => {
            state.host.reads.mark(fixed::AUTHORITY);
            put_list(memory, &state.host.copied, (at, limit), || std::iter::once(exchange.authority.as_bytes()))
        }
        Kind { side: Side::Request, trailers: false } => {
            put_list(memory, &state.host.copied, (at, limit), || exchange.values(&name))
        }
        _ => {
            let fields = fields_of(state, kind);
            let values = || fields.into_iter().flat_map(|fields| fields.get_all(&name)).map(HeaderValue::as_bytes);
            put_list(memory, &state.host.copied, (at, limit), values)
        }
    };
    Ok(list?)
}

/// The name, recorded as read; `None` for what no field is called.
fn asked(state: &State, kind: Kind, name: &[u8]) -> wasmtime::Result<Option<HeaderName>> {
    if name.is_empty() {
        return Err(misuse("a header name of no bytes"));
    }
    let Ok(name) = std::str::from_utf8(name) else { return Ok(None) };
    let host = &state.host;
    Ok(host.reads.with_header(&host.shared.names, kind.question(), name, |name| Some(name.clone())))
}

/// Fields other than a request's head. `None` where there are none to see.
fn fields_of(state: &State, kind: Kind) -> Option<&HeaderMap> {
    let stage = &state.stage;
    if kind.trailers {
        return stage.trailers.as_ref().filter(|_| trailers_are_seen(stage, kind.side));
    }
    let head = state.host.exchange.response.as_ref().filter(|_| stage.phase == Phase::Response);
    Some(head.map_or(&stage.draft.headers, |head| &head.headers))
}

/// Those of the side in hand, with the feature.
fn trailers_are_seen(stage: &Stage, side: Side) -> bool {
    let in_hand = match side {
        Side::Request => stage.phase == Phase::Request,
        Side::Response => stage.phase == Phase::Response,
    };
    in_hand && stage.features.has(Features::TRAILERS)
}

fn set_header_value(mut cx: Cx<'_>, kind: u32, n: u32, n_length: u32, v: u32, v_length: u32) -> wasmtime::Result<()> {
    edit(&mut cx, kind, (n, n_length), Some((v, v_length)), Edit::Set)
}

fn add_header_value(mut cx: Cx<'_>, kind: u32, n: u32, n_length: u32, v: u32, v_length: u32) -> wasmtime::Result<()> {
    edit(&mut cx, kind, (n, n_length), Some((v, v_length)), Edit::Add)
}

fn remove_header(mut cx: Cx<'_>, kind: u32, name: u32, name_length: u32) -> wasmtime::Result<()> {
    edit(&mut cx, kind, (name, name_length), None, |_| Edit::Remove)
}

fn edit(
    cx: &mut Cx<'_>,
    kind: u32,
    name: Span,
    value: Option<Span>,
    edit: impl FnOnce(HeaderValue) -> Edit,
) -> wasmtime::Result<()> {
    let (memory, state) = split(cx)?;
    let kind = Kind::of(kind)?;
    state.host.ask()?;
    may_edit(&state.stage, kind)?;
    let name = text("a header name", read(memory, &state.host.copied, name.0, name.1)?)?;
    let value = value.map_or(Ok(&[][..]), |(at, length)| read(memory, &state.host.copied, at, length))?;
    spend(&mut state.stage, name.len() + value.len())?;
    let value = edits::value(name, value.to_vec()).map_err(refused)?;
    let edit = edit(value);
    if kind == (Kind { side: Side::Request, trailers: false }) && name.eq_ignore_ascii_case("host") {
        return edit_authority(state, &edit);
    }
    match allowed(state, kind, name, &edit).map_err(refused)? {
        Some(name) => apply(state, kind, name, edit).map_err(refused),
        None => Ok(()),
    }
}

fn may_edit(stage: &Stage, kind: Kind) -> wasmtime::Result<()> {
    if kind.side == Side::Request && stage.phase != Phase::Request {
        return Err(misuse("a request's header is set in handle_response"));
    }
    if kind.trailers && !(trailers_are_seen(stage, kind.side) && stage.is_whole) {
        return Err(misuse("a trailer is set, and no body was collected that it could follow"));
    }
    Ok(())
}

fn spend(stage: &mut Stage, bytes: usize) -> wasmtime::Result<()> {
    stage.edit_bytes = stage.edit_bytes.saturating_add(bytes);
    if stage.edit_bytes > EDIT_BYTES_MAX {
        return Err(refused(Failure::OutcomeTooLarge("more than 64 KiB of header fields")));
    }
    Ok(())
}

/// The name, if there is something to be done.
fn allowed(state: &State, kind: Kind, name: &str, edit: &Edit) -> Result<Option<HeaderName>, Failure> {
    if matches!(edit, Edit::Remove) && fields::name(name).is_ok_and(|name| fields::is_host_owned(&name)) {
        return Ok(None);
    }
    let side = match kind.side {
        Side::Request => edits::Side::Request { granted: &state.spec.grants.headers },
        Side::Response => edits::Side::Response,
    };
    edits::name(name, side).map(Some)
}

fn edit_authority(state: &mut State, edit: &Edit) -> wasmtime::Result<()> {
    let Edit::Set(value) = edit else {
        return Err(refused(edits::invalid("a request has exactly one host: it can be set alone")));
    };
    let authority = edits::authority(value.to_str().unwrap_or_default()).map_err(refused)?;
    let old = std::mem::replace(&mut state.host.exchange.authority, authority);
    state.stage.undo.authority.get_or_insert(old);
    Ok(())
}

fn apply(state: &mut State, kind: Kind, name: HeaderName, edit: Edit) -> Result<(), Failure> {
    let State { host, stage, .. } = state;
    let (request, response) = (&mut host.exchange.request, &mut host.exchange.response);
    let head = match (kind, response.as_mut().filter(|_| stage.phase == Phase::Response)) {
        (Kind { trailers: true, .. }, _) => stage.trailers.get_or_insert_default(),
        (Kind { side: Side::Request, .. }, _) => {
            if host.exchange.beside.get(&name).is_some() {
                host.exchange.beside.settle(&mut request.headers);
            }
            stage.undo.field(Side::Request, &request.headers, &name);
            &mut request.headers
        }
        (_, Some(response)) => {
            stage.undo.field(Side::Response, &response.headers, &name);
            &mut response.headers
        }
        (_, None) => {
            if matches!(edit, Edit::Set(_)) {
                stage.draft.mark_set(&name);
            }
            &mut stage.draft.headers
        }
    };
    write(head, name, edit)
}

fn write(head: &mut HeaderMap, name: HeaderName, edit: Edit) -> Result<(), Failure> {
    let full = Failure::OutcomeTooLarge("more than 1024 header fields");
    let done = match edit {
        Edit::Remove => {
            head.remove(&name);
            return Ok(());
        }
        _ if head.len() >= FIELDS_MAX => return Err(full),
        Edit::Set(value) => head.try_insert(name, value).map(|_| ()),
        Edit::Add(value) => head.try_append(name, value).map(|_| ()),
    };
    done.map_err(|_| full)
}
