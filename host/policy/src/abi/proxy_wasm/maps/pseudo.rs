//! Edits of pseudo headers: the authority, method, path and status, by the rules that a client's have.

use http::uri::PathAndQuery;
use http::{HeaderValue, Method, StatusCode, Uri};

use super::edit::Place;
use crate::abi::Side;
use crate::abi::proxy_wasm::guest::Guest;
use crate::abi::proxy_wasm::status::Status;
use crate::exchange::Exchange;
use crate::fields;

/// Checks the edit, and applies it if its head is still here.
pub(super) fn write_pseudo(guest: &mut Guest, place: &Place, name: &[u8], value: &[u8]) -> Result<(), Status> {
    let text = std::str::from_utf8(value).map_err(|_| Status::BadArgument)?;
    let (scene, exchange) = (&mut guest.scene, &mut *guest.base.exchange);
    match (place, name) {
        (Place::Head(Side::Request), _) => {
            let edit = request_edit(exchange, name, text)?;
            scene.undo.keep_request(exchange);
            edit.apply(exchange);
        }
        (Place::Head(Side::Response), b":status") => {
            let status = status(text)?;
            if let Some(head) = exchange.response.as_mut() {
                scene.undo.keep_response(head);
                head.status = status;
            }
        }
        (Place::Nowhere, _) => {}
        _ => return Err(Status::BadArgument),
    }
    Ok(())
}

/// An edit of a request's pseudo header, checked.
enum RequestEdit {
    Authority(HeaderValue),
    Method(Method),
    Target(Uri),
    None,
}

impl RequestEdit {
    fn apply(self, exchange: &mut Exchange) {
        match self {
            Self::Authority(authority) => exchange.authority = authority,
            Self::Method(method) => exchange.request.method = method,
            Self::Target(uri) => exchange.request.uri = uri,
            Self::None => {}
        }
    }
}

fn request_edit(exchange: &Exchange, name: &[u8], text: &str) -> Result<RequestEdit, Status> {
    match name {
        b":authority" | b"host" | b"Host" => {
            let authority = fields::authority(text).map_err(|_| Status::BadArgument)?;
            HeaderValue::try_from(authority).map(RequestEdit::Authority).map_err(|_| Status::BadArgument)
        }
        b":method" => {
            let method = Method::from_bytes(text.as_bytes()).map_err(|_| Status::BadArgument)?;
            let is_served = method != Method::CONNECT && method != Method::TRACE && text.len() <= 32;
            if is_served { Ok(RequestEdit::Method(method)) } else { Err(Status::BadArgument) }
        }
        b":path" => target(text).map(RequestEdit::Target),
        b":scheme" if text == exchange.scheme => Ok(RequestEdit::None),
        _ => Err(Status::BadArgument),
    }
}

/// A path, normalised as those of clients are, with an optional query.
pub(in crate::abi::proxy_wasm) fn target(text: &str) -> Result<Uri, Status> {
    let (path, query) = text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
    if path.len() > fields::QUERY_BYTES_MAX || query.is_some_and(|query| fields::query(query).is_err()) {
        return Err(Status::BadArgument);
    }
    let path = cardea_model::path::normalize(path).map_err(|_| Status::BadArgument)?;
    let text = match query {
        Some(query) => format!("{path}?{query}"),
        None => path.into_owned(),
    };
    PathAndQuery::try_from(text).map(Uri::from).map_err(|_| Status::BadArgument)
}

/// Of an answer: 200 to 599.
pub(super) fn status(text: &str) -> Result<StatusCode, Status> {
    let status: u16 = text.parse().map_err(|_| Status::BadArgument)?;
    let status = StatusCode::from_u16(status).map_err(|_| Status::BadArgument)?;
    if (200..600).contains(&status.as_u16()) { Ok(status) } else { Err(Status::BadArgument) }
}
