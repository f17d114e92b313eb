//! `exchange`: questions about the exchange in hand, each recorded in the read set.

use std::borrow::Cow;

use http::header::{HOST, HeaderMap, HeaderName};
use wasmtime::StoreContextMut;
use wasmtime::component::{WasmList, WasmStr};

use crate::bindings::Field;
use crate::copied::Interface;
use crate::exchange::Exchange;
use crate::host::Host;
use crate::reads::{Kind, fixed};

const NOTES_MAX: usize = 16;
const NOTE_BYTES_MAX: usize = 4 << 10;
const NOTE_KEY_BYTES_MAX: usize = 256;

type Cx<'a> = StoreContextMut<'a, Host>;

pub(super) fn link(i: &mut Interface<'_>) -> wasmtime::Result<()> {
    link_request(i)?;
    link_headers(i)?;
    link_response(i)?;
    link_notes(i)
}

fn link_request(i: &mut Interface<'_>) -> wasmtime::Result<()> {
    i.func_wrap("method", |cx: Cx<'_>, (): ()| {
        Ok((cx.data().ask_fixed(fixed::METHOD)?.request.method.as_str().to_owned(),))
    })?;
    i.func_wrap("scheme", |cx: Cx<'_>, (): ()| Ok((cx.data().ask_fixed(fixed::SCHEME)?.scheme.to_owned(),)))?;
    i.func_wrap("authority", |cx: Cx<'_>, (): ()| {
        Ok((cx.data().ask_fixed(fixed::AUTHORITY)?.authority().to_owned(),))
    })?;
    i.func_wrap("path", |cx: Cx<'_>, (): ()| Ok((cx.data().ask_fixed(fixed::PATH)?.request.uri.path().to_owned(),)))?;
    i.func_wrap("query", |cx: Cx<'_>, (): ()| {
        Ok((cx.data().ask_fixed(fixed::QUERY)?.request.uri.query().map(str::to_owned),))
    })?;
    i.func_wrap("raw-path", |cx: Cx<'_>, (): ()| {
        let exchange = cx.data().ask_fixed(fixed::RAW_PATH)?;
        Ok((exchange.raw_path.as_deref().unwrap_or(exchange.request.uri.path()).to_owned(),))
    })?;
    i.func_wrap("client", |cx: Cx<'_>, (): ()| Ok((cx.data().ask_fixed(fixed::CLIENT)?.client.to_string(),)))?;
    i.func_wrap("query-param", |cx: Cx<'_>, (name,): (WasmStr,)| {
        let name = name.to_str(&cx)?;
        let exchange = ask_named(&cx, Kind::QueryParam, &name)?;
        Ok((exchange.request.uri.query().and_then(|query| query_param(query, &name)),))
    })?;
    i.func_wrap("attribute", |cx: Cx<'_>, (name,): (WasmStr,)| {
        let name = name.to_str(&cx)?;
        Ok((attribute(ask_named(&cx, Kind::Attribute, &name)?, &name),))
    })
}

fn link_headers(i: &mut Interface<'_>) -> wasmtime::Result<()> {
    i.func_wrap("header", |cx: Cx<'_>, (name,): (WasmStr,)| {
        let (host, name) = (cx.data(), name.to_str(&cx)?);
        let exchange = host.ask()?;
        let get = |name: &HeaderName| exchange.value(name).map(<[u8]>::to_vec);
        Ok((host.reads.with_header(&host.shared.names, Kind::Header, &name, get),))
    })?;
    i.func_wrap("header-values", |cx: Cx<'_>, (name,): (WasmStr,)| {
        let (host, name) = (cx.data(), name.to_str(&cx)?);
        let exchange = host.ask()?;
        let all = |name: &HeaderName| Some(exchange.values(name).map(<[u8]>::to_vec).collect());
        let values: Option<Vec<Vec<u8>>> = host.reads.with_header(&host.shared.names, Kind::Header, &name, all);
        Ok((values.unwrap_or_default(),))
    })?;
    i.func_wrap("header-names", |cx: Cx<'_>, (): ()| {
        let exchange = cx.data().ask_fixed(fixed::HEADER_NAMES)?;
        let keys = exchange.request.headers.keys().filter(|name| **name != HOST);
        let names = keys.chain(exchange.beside.iter().map(|(name, _)| name));
        Ok((names.map(|name| name.as_str().to_owned()).collect::<Vec<_>>(),))
    })?;
    i.func_wrap("headers", |cx: Cx<'_>, (): ()| Ok((fields(cx.data().ask_fixed(fixed::HEADERS)?.fields()),)))?;
    i.func_wrap("cookie", |cx: Cx<'_>, (name,): (WasmStr,)| {
        let name = name.to_str(&cx)?;
        Ok((cookie(&ask_named(&cx, Kind::Cookie, &name)?.request.headers, &name),))
    })
}

fn link_response(i: &mut Interface<'_>) -> wasmtime::Result<()> {
    i.func_wrap("response-status", |cx: Cx<'_>, (): ()| {
        let response = &cx.data().ask_fixed(fixed::RESPONSE_STATUS)?.response;
        Ok((response.as_ref().map_or(0, |head| head.status.as_u16()),))
    })?;
    i.func_wrap("response-header", |cx: Cx<'_>, (name,): (WasmStr,)| {
        let (host, name) = (cx.data(), name.to_str(&cx)?);
        let value = match &host.ask()?.response {
            Some(head) => {
                let get = |name: &HeaderName| head.headers.get(name).map(|value| value.as_bytes().to_vec());
                host.reads.with_header(&host.shared.names, Kind::ResponseHeader, &name, get)
            }
            None => None,
        };
        Ok((value,))
    })?;
    i.func_wrap("response-headers", |cx: Cx<'_>, (): ()| {
        let response = &cx.data().ask_fixed(fixed::RESPONSE_HEADERS)?.response;
        Ok((response
            .as_ref()
            .map(|head| fields(head.headers.iter().map(|(name, value)| (name, value.as_bytes()))))
            .unwrap_or_default(),))
    })
}

fn link_notes(i: &mut Interface<'_>) -> wasmtime::Result<()> {
    i.func_wrap("set-note", |mut cx: Cx<'_>, (key, value): (WasmStr, WasmList<u8>)| {
        cx.data().ask()?;
        if key.to_str(&cx)?.len() > NOTE_KEY_BYTES_MAX || value.len() > NOTE_BYTES_MAX {
            return Ok(());
        }
        let key = key.to_str(&cx)?.into_owned();
        let value = value.as_le_slice(&cx).to_vec();
        let notes = &mut cx.data_mut().exchange.notes;
        let is_room = notes.len() < NOTES_MAX;
        match notes.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None if is_room => notes.push((key, value)),
            None => {}
        }
        Ok(())
    })?;
    i.func_wrap("note", |cx: Cx<'_>, (key,): (WasmStr,)| {
        let key = key.to_str(&cx)?;
        let notes = &ask_named(&cx, Kind::Note, &key)?.notes;
        Ok((notes.iter().find(|(known, _)| **known == *key).map(|(_, value)| value.clone()),))
    })
}

/// Counts and records a named question.
fn ask_named<'a>(cx: &'a Cx<'_>, kind: Kind, name: &str) -> wasmtime::Result<&'a Exchange> {
    let host = cx.data();
    let exchange = host.ask()?;
    host.reads.mark_name(&host.shared.names, kind, name);
    Ok(exchange)
}

fn fields<'a>(headers: impl Iterator<Item = (&'a HeaderName, &'a [u8])>) -> Vec<Field> {
    headers.map(|(name, value)| Field { name: name.as_str().to_owned(), value: value.to_vec() }).collect()
}

/// RFC 6265, 5.4: pairs are separated by `; `, and the first one of a name counts.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<Vec<u8>> {
    let pairs = headers.get_all(http::header::COOKIE).iter().flat_map(|value| value.as_bytes().split(|b| *b == b';'));
    pairs
        .filter_map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=')?;
            Some((pair.get(..at)?.trim_ascii(), pair.get(at + 1..)?.trim_ascii()))
        })
        .find(|(known, _)| *known == name.as_bytes())
        .map(|(_, value)| value.to_vec())
}

/// The first value of a name; `+` is a space, as forms and browsers write it.
pub(crate) fn query_param(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs
        .filter(|(key, _)| decode(key).is_some_and(|key| key == name.as_bytes()))
        .map(|(_, value)| value)
        .next()
        .and_then(|value| String::from_utf8(decode(value)?.into_owned()).ok())
}

/// Percent-decoded; `None` where an escape is not two hex digits.
fn decode(text: &str) -> Option<Cow<'_, [u8]>> {
    if !text.contains(['%', '+']) {
        return Some(Cow::Borrowed(text.as_bytes()));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                (digit(bytes.next())? * 16 + digit(bytes.next())?) as u8
            }
            byte => byte,
        });
    }
    Some(Cow::Owned(out))
}

/// The open set of what else is known.
pub(crate) fn attribute(exchange: &Exchange, name: &str) -> Option<String> {
    let (peer, route) = (&exchange.peer, exchange.route.split_once('/'));
    Some(match name {
        "route.name" => route?.1.to_owned(),
        "route.namespace" => route?.0.to_owned(),
        "tls.sni" => peer.sni.as_deref()?.to_owned(),
        "tls.version" => peer.tls_version?.to_owned(),
        "http.version" => version(exchange.request.version).to_owned(),
        "source.address" => peer.source.ip().to_string(),
        "source.port" => peer.source.port().to_string(),
        "request.id" => exchange.request_id()?.to_owned(),
        "backend.name" => exchange.backend.as_deref()?.to_owned(),
        _ => return None,
    })
}

fn version(version: http::Version) -> &'static str {
    match version {
        http::Version::HTTP_10 => "1.0",
        http::Version::HTTP_2 => "2",
        _ => "1.1",
    }
}

#[cfg(test)]
mod tests;
