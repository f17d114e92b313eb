//! Edits of header maps: each is checked by the rules of `fields` before anything changes.
//!
//! `content-length` and the fields of one hop are the host's: writing the first, or removing any, is accepted and changes
//! nothing, since most modules do it to be safe. Edits of a head that has gone on are accepted likewise.

use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Map;
use super::pseudo::write_pseudo;
use crate::abi::Side;
use crate::abi::proxy_wasm::guest::Guest;
use crate::abi::proxy_wasm::pairs::Pair;
use crate::abi::proxy_wasm::status::Status;
use crate::fields;

/// Fields that a head may have after an edit.
const FIELDS_MAX: usize = 1024;

type Edited = Result<(), Status>;

/// What becomes of an edit that is allowed.
enum Verdict<T> {
    Apply(T),
    /// The host sees to it.
    Ignore,
}

/// Where an edit goes.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Head(Side),
    Trailers,
    /// Accepted, and too late to matter.
    Nowhere,
}

fn place(guest: &Guest, map: Map) -> Result<Place, Status> {
    let stream = guest.effective().ok_or(Status::BadArgument)?;
    match map {
        Map::Headers(side) if guest.has_exchange() => {
            let has_head = stream.try_borrow().is_ok_and(|stream| stream.has_head(side));
            let is_there = side == Side::Request || guest.base.exchange.response.is_some();
            Ok(if has_head && is_there { Place::Head(side) } else { Place::Nowhere })
        }
        Map::Trailers(side) if guest.has_exchange() => {
            let is_there = guest.scene.trailers.as_ref().is_some_and(|(of, _)| *of == side);
            Ok(if is_there { Place::Trailers } else { Place::Nowhere })
        }
        _ => Err(Status::BadArgument),
    }
}

/// Sets a field to one value.
pub(in crate::abi::proxy_wasm) fn replace(guest: &mut Guest, map: Map, pair: Pair<'_>) -> Edited {
    write(guest, map, pair, |headers, name, value| {
        headers.try_insert(name, value).map(|_| ()).map_err(|_| Status::BadArgument)
    })
}

/// Adds a value to a field.
pub(in crate::abi::proxy_wasm) fn add(guest: &mut Guest, map: Map, pair: Pair<'_>) -> Edited {
    write(guest, map, pair, |headers, name, value| {
        headers.try_append(name, value).map(|_| ()).map_err(|_| Status::BadArgument)
    })
}

fn write(
    guest: &mut Guest,
    map: Map,
    (name, value): Pair<'_>,
    apply: impl FnOnce(&mut HeaderMap, HeaderName, HeaderValue) -> Edited,
) -> Edited {
    let place = place(guest, map)?;
    if name.starts_with(b":") || name.eq_ignore_ascii_case(b"host") {
        return write_pseudo(guest, &place, name, value);
    }
    let Verdict::Apply(name) = allowed(guest, map, name, false)? else { return Ok(()) };
    let value = fields::value(value.to_vec()).map_err(|_| Status::BadArgument)?;
    match open(guest, place, Some(&name)) {
        Some(headers) if headers.len() >= FIELDS_MAX => Err(Status::BadArgument),
        Some(headers) => apply(headers, name, value),
        None => Ok(()),
    }
}

/// Removes a field; it need not be there.
pub(in crate::abi::proxy_wasm) fn remove(guest: &mut Guest, map: Map, name: &[u8]) -> Edited {
    let place = place(guest, map)?;
    if name.starts_with(b":") || name.eq_ignore_ascii_case(b"host") {
        return Err(Status::BadArgument);
    }
    let Verdict::Apply(name) = allowed(guest, map, name, true)? else { return Ok(()) };
    if let Some(headers) = open(guest, place, Some(&name)) {
        headers.remove(&name);
    }
    Ok(())
}

/// Puts all pairs in place of what is there. Pseudo headers that are not among them stay as they are.
pub(in crate::abi::proxy_wasm) fn replace_all(guest: &mut Guest, map: Map, pairs: &[Pair<'_>]) -> Edited {
    let place = place(guest, map)?;
    let mut headers = HeaderMap::with_capacity(pairs.len());
    let (pseudo, rest): (Vec<Pair<'_>>, Vec<Pair<'_>>) =
        pairs.iter().partition(|(name, _)| name.starts_with(b":") || name.eq_ignore_ascii_case(b"host"));
    for (name, value) in rest {
        let Verdict::Apply(name) = allowed_of_all(guest, map, name, value)? else { continue };
        let value = fields::value(value.to_vec()).map_err(|_| Status::BadArgument)?;
        headers.try_append(name, value).map_err(|_| Status::BadArgument)?;
    }
    keep_identity(guest, map, &mut headers);
    let undo = std::mem::take(&mut guest.scene.undo);
    let written = pseudo.iter().try_for_each(|(name, value)| write_pseudo(guest, &place, name, value));
    let kept = std::mem::take(&mut guest.scene.undo);
    if let Err(status) = written {
        kept.apply(&mut guest.base.exchange);
        guest.scene.undo = undo;
        return Err(status);
    }
    guest.scene.undo = undo.or(kept);
    let everything = HeaderName::from_static("x-request-id");
    let beside = matches!(place, Place::Head(Side::Request)).then_some(&everything);
    if let Some(old) = open(guest, place, beside) {
        if let Some(host) = old.remove(HOST) {
            headers.insert(HOST, host);
        }
        *old = headers;
    }
    Ok(())
}

/// Identity fields that the policy may not write stay, whatever the new map says.
fn keep_identity(guest: &Guest, map: Map, headers: &mut HeaderMap) {
    if map != Map::Headers(Side::Request) {
        return;
    }
    for (name, value) in guest.base.exchange.fields() {
        if fields::is_identity(name)
            && !is_granted(guest, name)
            && let Ok(value) = HeaderValue::from_bytes(value)
        {
            headers.append(name.clone(), value);
        }
    }
}

/// A guest that gives back the map that it read may name identity fields, as long as they say the same.
fn allowed_of_all(guest: &Guest, map: Map, name: &[u8], value: &[u8]) -> Result<Verdict<HeaderName>, Status> {
    let name = parse(name)?;
    let is_kept = map == Map::Headers(Side::Request) && fields::is_identity(&name) && !is_granted(guest, &name);
    match is_kept {
        true if guest.base.exchange.values(&name).any(|old| old == value) => Ok(Verdict::Ignore),
        true => Err(Status::BadArgument),
        false if name == CONTENT_LENGTH => Ok(Verdict::Ignore),
        false if fields::is_host_owned(&name) => Err(Status::BadArgument),
        false => Ok(Verdict::Apply(name)),
    }
}

fn allowed(guest: &Guest, map: Map, name: &[u8], removes: bool) -> Result<Verdict<HeaderName>, Status> {
    let name = parse(name)?;
    if fields::is_host_owned(&name) {
        let is_harmless = removes || name == CONTENT_LENGTH;
        return if is_harmless { Ok(Verdict::Ignore) } else { Err(Status::BadArgument) };
    }
    let is_request = map == Map::Headers(Side::Request);
    if is_request && fields::is_identity(&name) && !is_granted(guest, &name) {
        return Err(Status::BadArgument);
    }
    Ok(Verdict::Apply(name))
}

fn is_granted(guest: &Guest, name: &HeaderName) -> bool {
    guest.spec.grants.headers.iter().any(|granted| name == granted.as_str())
}

fn parse(name: &[u8]) -> Result<HeaderName, Status> {
    let text = std::str::from_utf8(name).map_err(|_| Status::BadArgument)?;
    fields::name(text).map_err(|_| Status::BadArgument)
}

/// The map of a place, kept for undoing. Fields beside the request's map move into it if `name` is one of them.
fn open<'a>(guest: &'a mut Guest, place: Place, name: Option<&HeaderName>) -> Option<&'a mut HeaderMap> {
    let (scene, exchange) = (&mut guest.scene, &mut *guest.base.exchange);
    match place {
        Place::Head(Side::Request) => {
            scene.undo.keep_request(exchange);
            if name.is_some_and(|name| exchange.beside.get(name).is_some()) {
                exchange.beside.settle(&mut exchange.request.headers);
            }
            Some(&mut exchange.request.headers)
        }
        Place::Head(Side::Response) => {
            let head = exchange.response.as_mut()?;
            scene.undo.keep_response(head);
            Some(&mut head.headers)
        }
        Place::Trailers => scene.trailers.as_mut().map(|(_, fields)| fields),
        Place::Nowhere => None,
    }
}
