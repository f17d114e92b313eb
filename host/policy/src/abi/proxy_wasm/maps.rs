//! Header maps as guests see them: which there are, what is in them, and which edits they take.
//!
//! A map that the callback in hand has nothing for is empty, and reading it is no error: SDKs panic on one. Pseudo headers
//! are views of the exchange; they can be changed, but not removed.

mod edit;
mod pseudo;
mod undo;

use http::header::HOST;
use http::{HeaderMap, HeaderName};

pub(super) use edit::{add, remove, replace, replace_all};
pub(super) use pseudo::target;
pub(super) use undo::Undo;

use crate::abi::Side;
use crate::abi::proxy_wasm::grpc::Unary;
use crate::abi::proxy_wasm::guest::Guest;
use crate::abi::proxy_wasm::pairs::Pair;
use crate::abi::proxy_wasm::status::Status;
use crate::exchange::Exchange;
use crate::fields;
use crate::reads::{Kind, fixed};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Map {
    Headers(Side),
    Trailers(Side),
    /// Of a gRPC call whose message is at hand: the metadata before it, and after it.
    GrpcInitial,
    GrpcTrailing,
    CallHeaders,
    CallTrailers,
}

impl TryFrom<u32> for Map {
    type Error = Status;

    fn try_from(number: u32) -> Result<Self, Status> {
        Ok(match number {
            0 => Self::Headers(Side::Request),
            1 => Self::Trailers(Side::Request),
            2 => Self::Headers(Side::Response),
            3 => Self::Trailers(Side::Response),
            4 => Self::GrpcInitial,
            5 => Self::GrpcTrailing,
            6 => Self::CallHeaders,
            7 => Self::CallTrailers,
            _ => return Err(Status::BadArgument),
        })
    }
}

/// The pairs of a map, pseudo headers first.
#[derive(Clone)]
pub(super) enum Fields<'a> {
    Request(&'a Exchange),
    Plain { status: Option<&'a str>, fields: &'a HeaderMap },
    None,
}

impl<'a> Fields<'a> {
    pub fn of(guest: &'a Guest, map: Map) -> Self {
        let plain = |status, fields| Self::Plain { status, fields };
        let found = match map {
            Map::Headers(Side::Request) => guest.has_exchange().then_some(Self::Request(&guest.base.exchange)),
            Map::Headers(Side::Response) => {
                let head = guest.base.exchange.response.as_ref().filter(|_| guest.has_exchange());
                head.map(|head| plain(Some(head.status.as_str()), &head.headers))
            }
            Map::Trailers(side) => {
                let trailers = guest.scene.trailers.as_ref().filter(|(of, _)| *of == side && guest.has_exchange());
                trailers.map(|(_, fields)| plain(None, fields))
            }
            Map::CallHeaders => guest.call_reply().map(|reply| plain(Some(reply.status.as_str()), &reply.headers)),
            Map::CallTrailers => guest.call_reply().map(|reply| plain(None, &reply.trailers)),
            Map::GrpcInitial | Map::GrpcTrailing => match &guest.scene.grpc {
                Some(Unary::Message { initial, .. }) if map == Map::GrpcInitial => Some(plain(None, initial)),
                Some(Unary::Message { trailing, .. }) => Some(plain(None, trailing)),
                _ => None,
            },
        };
        found.unwrap_or(Self::None)
    }

    pub fn iter(&self) -> impl Iterator<Item = Pair<'a>> + use<'a> {
        let (request, status, fields) = match *self {
            Self::Request(exchange) => (Some(exchange), None, None),
            Self::Plain { status, fields } => (None, status, Some(fields)),
            Self::None => (None, None, None),
        };
        let pseudo = request.into_iter().flat_map(|exchange| {
            PSEUDO.into_iter().filter_map(|name| Some((name.as_bytes(), pseudo(exchange, name)?.as_bytes())))
        });
        let of_map = request.into_iter().flat_map(|exchange| exchange.request.headers.iter());
        let of_map = of_map.filter(|(name, _)| **name != HOST).chain(fields.into_iter().flatten());
        let of_map = of_map.map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()));
        let beside = request.into_iter().flat_map(|exchange| exchange.beside.iter());
        let beside = beside.map(|(name, value)| (name.as_str().as_bytes(), value));
        let status = status.map(|status| (&b":status"[..], status.as_bytes()));
        pseudo.chain(status).chain(of_map).chain(beside)
    }

    /// The first value of a name that is no pseudo header.
    fn first(&self, name: &HeaderName) -> Option<&'a [u8]> {
        match *self {
            Self::Request(exchange) if *name == HOST => Some(exchange.authority.as_bytes()),
            Self::Request(exchange) => exchange.value(name),
            Self::Plain { fields, .. } => fields.get(name).map(http::HeaderValue::as_bytes),
            Self::None => None,
        }
    }
}

const PSEUDO: [&str; 4] = [":authority", ":path", ":method", ":scheme"];

fn pseudo<'a>(exchange: &'a Exchange, name: &str) -> Option<&'a str> {
    match name {
        ":authority" => Some(exchange.authority()),
        ":path" => Some(exchange.request.uri.path_and_query().map_or("/", |target| target.as_str())),
        ":method" => Some(exchange.request.method.as_str()),
        ":scheme" => Some(exchange.scheme),
        _ => None,
    }
}

/// Fields of a map, as callbacks are told.
pub(super) fn count(guest: &Guest, map: Map) -> u32 {
    u32::try_from(Fields::of(guest, map).iter().count()).unwrap_or(u32::MAX)
}

/// The first value of a name, added to `out`. The question is recorded.
pub(super) fn get(guest: &Guest, map: Map, name: &[u8], out: &mut Vec<u8>) -> Result<(), Status> {
    let name = std::str::from_utf8(name).map_err(|_| Status::NotFound)?;
    let fields = Fields::of(guest, map);
    let value =
        if name.starts_with(':') { get_pseudo(guest, &fields, name) } else { get_field(guest, map, &fields, name) };
    out.extend_from_slice(value.ok_or(Status::NotFound)?);
    Ok(())
}

fn get_pseudo<'a>(guest: &Guest, fields: &Fields<'a>, name: &str) -> Option<&'a [u8]> {
    let (value, question) = match (fields, name) {
        (Fields::Request(exchange), _) => (pseudo(exchange, name), question(name)),
        (Fields::Plain { status, .. }, ":status") => (*status, fixed::RESPONSE_STATUS),
        _ => return None,
    };
    guest.base.reads.mark(question);
    value.map(str::as_bytes)
}

fn question(pseudo: &str) -> u32 {
    match pseudo {
        ":path" => fixed::PATH,
        ":method" => fixed::METHOD,
        ":scheme" => fixed::SCHEME,
        _ => fixed::AUTHORITY,
    }
}

fn get_field<'a>(guest: &Guest, map: Map, fields: &Fields<'a>, name: &str) -> Option<&'a [u8]> {
    let kind = match map {
        Map::Headers(Side::Request) => Kind::Header,
        Map::Headers(Side::Response) => Kind::ResponseHeader,
        _ => return fields.first(&fields::name(name).ok()?),
    };
    guest.base.reads.with_header(&guest.base.shared.names, kind, name, |name| fields.first(name))
}

/// Records that all of a map was asked for.
pub(super) fn mark_all(guest: &Guest, map: Map) {
    match map {
        Map::Headers(Side::Request) => guest.base.reads.mark(fixed::HEADERS),
        Map::Headers(Side::Response) => guest.base.reads.mark(fixed::RESPONSE_HEADERS),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
