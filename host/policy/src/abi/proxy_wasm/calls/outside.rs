//! Host calls that ask for something of the outside: HTTP calls to granted upstreams.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cardea_model::config::Upstream;
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderValue, Method};
use wasmtime::Linker;

use super::counted;
use crate::abi::Request;
use crate::abi::proxy_wasm::guest::{Asked, CALLS_MAX, Guest, Kind, Open};
use crate::abi::proxy_wasm::maps;
use crate::abi::proxy_wasm::memory::{Cx, Span, put_u32};
use crate::abi::proxy_wasm::pairs::{self, Pair};
use crate::abi::proxy_wasm::status::Status;
use crate::fields;

const UPSTREAM_BYTES_MAX: usize = 1024;
pub(super) const CALL_BODY_BYTES_MAX: usize = 1 << 20;
const CALL_FIELDS_MAX: usize = 128;
const TIMEOUT_MAX: Duration = Duration::from_secs(30);

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_http_call",
        |cx: Cx<'_>,
         upstream: u32,
         upstream_len: u32,
         headers: u32,
         headers_len: u32,
         body: u32,
         body_len: u32,
         trailers: u32,
         trailers_len: u32,
         timeout: u32,
         token: u32| {
            counted(cx, |cx| {
                let upstream = granted(cx, Span(upstream, upstream_len))?.ok_or(Status::BadArgument)?;
                let head = Span(headers, headers_len).copy(cx, pairs::BYTES_MAX)?;
                let body = Span(body, body_len).copy(cx, CALL_BODY_BYTES_MAX)?;
                let trailers = Span(trailers, trailers_len).copy(cx, pairs::BYTES_MAX)?;
                let request = request(&head, body, &trailers)?;
                Ok(ask(cx, Kind::Http, upstream.name, request, timeout, token)?)
            })
        },
    )?;
    Ok(())
}

/// What the policy is granted under a name.
pub(super) fn granted(cx: &Cx<'_>, name: Span) -> Result<Option<Upstream>, Status> {
    let name = name.text(cx, UPSTREAM_BYTES_MAX)?;
    Ok(cx.data().spec.grants.upstreams.iter().find(|granted| *granted.name == *name).cloned())
}

/// Notes a call; it is made when the guest has returned.
pub(super) fn ask(
    cx: &mut Cx<'_>,
    kind: Kind,
    upstream: Arc<str>,
    request: Request,
    timeout: u32,
    token: u32,
) -> Result<(), Status> {
    let calls = &cx.data().calls;
    if calls.open.len() >= CALLS_MAX {
        return Err(Status::InternalFailure);
    }
    let number = calls.next.max(1);
    put_u32(cx, token, number)?;
    let guest = cx.data_mut();
    let context = guest.scene.effective;
    guest.calls.next = number.wrapping_add(1);
    guest.calls.open.insert(number, Open { context, kind, cancelled: false });
    guest.calls.asked.push(Asked { token: number, upstream, request, timeout: bounded(timeout) });
    if let Some(Ok(mut stream)) = guest.stream(context).map(|stream| stream.try_borrow_mut()) {
        stream.calls += 1;
    }
    Ok(())
}

/// Every call ends: 0 does not mean for ever.
pub(super) fn bounded(milliseconds: u32) -> Duration {
    match milliseconds {
        0 => TIMEOUT_MAX,
        _ => Duration::from_millis(u64::from(milliseconds)).min(TIMEOUT_MAX),
    }
}

/// `:method`, `:path` and `:authority` must be there; the rest are fields, by the rules of all requests.
fn request(head: &[u8], body: Vec<u8>, trailers: &[u8]) -> Result<Request, Status> {
    let pairs = pairs::decode(head).map_err(|_| Status::BadArgument)?;
    let trailers = call_headers(&pairs::decode(trailers).map_err(|_| Status::BadArgument)?)?;
    let find = |name: &[u8]| {
        let found = pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        found.and_then(|value| std::str::from_utf8(value).ok()).ok_or(Status::BadArgument)
    };
    let method = Method::from_bytes(find(b":method")?.as_bytes()).map_err(|_| Status::BadArgument)?;
    if matches!(method, Method::CONNECT | Method::TRACE) {
        return Err(Status::BadArgument);
    }
    let authority = fields::authority(find(b":authority")?).map_err(|_| Status::BadArgument)?;
    let uri = maps::target(find(b":path")?)?;
    let mut request = Request::new((Bytes::from(body), trailers));
    (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (method, uri, call_headers(&pairs)?);
    let authority = HeaderValue::try_from(authority).map_err(|_| Status::BadArgument)?;
    request.headers_mut().insert(HOST, authority);
    Ok(request)
}

/// The fields among the pairs of a head, or of trailers.
pub(super) fn call_headers(pairs: &[Pair<'_>]) -> Result<HeaderMap, Status> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs.iter().filter(|(name, _)| !name.starts_with(b":")) {
        let name =
            std::str::from_utf8(name).ok().and_then(|name| fields::name(name).ok()).ok_or(Status::BadArgument)?;
        if name == CONTENT_LENGTH || name == HOST {
            continue;
        }
        if fields::is_host_owned(&name) || headers.len() >= CALL_FIELDS_MAX {
            return Err(Status::BadArgument);
        }
        headers.append(name, fields::value(value.to_vec()).map_err(|_| Status::BadArgument)?);
    }
    Ok(headers)
}
