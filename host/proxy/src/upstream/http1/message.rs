//! A request as HTTP/1.1 has it on the wire: the bytes of its head, and how its body is framed.
//!
//! The head is written once and kept until an answer begins, so that a second try on another connection sends the very
//! same bytes. Framing is always our own: what the client's said was taken away before (RFC 9112, 6).

use bytes::Bytes;
use cardea_policy::Beside;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, request};
use http_body::Body;

use crate::upstream::body::Outbound;

/// Room that most heads fit in.
const HEAD_BYTES: usize = 1024;
/// The end of a chunked body without trailers.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// A request that can be written to a connection.
pub struct Message {
    pub head: Vec<u8>,
    pub body: Outbound,
    framing: Framing,
    /// The answer has no body, whatever its fields say (RFC 9110, 9.3.2).
    pub asks_head_alone: bool,
    /// Sending it twice does what sending it once does (RFC 9110, 9.2.2), and it has no body that could be lost.
    pub repeatable: bool,
    /// Nothing of the body was taken from its source yet.
    pub untouched: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Framing {
    /// No body, or all of it is written.
    Done,
    /// Bytes still to come.
    Length(u64),
    /// The trailers that were announced.
    Chunked(Box<[HeaderName]>),
}

/// A piece of a body as it goes on the wire.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Piece {
    pub before: Vec<u8>,
    pub data: Bytes,
    pub after: &'static [u8],
}

impl Piece {
    pub fn is_empty(&self) -> bool {
        self.before.is_empty() && self.data.is_empty() && self.after.is_empty()
    }
}

/// The body's length is not what was announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongLength;

/// Fields that go out beside those of the head, without a place in its map.
#[derive(Debug)]
pub struct Added<'a> {
    pub host: Option<&'a HeaderValue>,
    pub upgrade: Option<&'a HeaderValue>,
    /// `te: trailers`.
    pub trailers: bool,
    pub beside: &'a Beside,
}

impl Message {
    /// `parts` has a URI of path and query, and no field that frames the body or belongs to one hop.
    pub fn new(parts: &request::Parts, added: &Added<'_>, body: Outbound) -> Self {
        let framing = Framing::of(&body, &parts.headers);
        let mut head = Vec::with_capacity(HEAD_BYTES);
        let path = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        put(&mut head, &[parts.method.as_str().as_bytes(), b" ", path.as_bytes(), b" HTTP/1.1\r\n"]);
        if let Some(host) = added.host {
            put(&mut head, &[b"host: ", host.as_bytes(), b"\r\n"]);
        }
        for (name, value) in &parts.headers {
            put(&mut head, &[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"]);
        }
        for (name, value) in added.beside.iter() {
            put(&mut head, &[name.as_str().as_bytes(), b": ", value, b"\r\n"]);
        }
        if added.trailers {
            head.extend_from_slice(b"te: trailers\r\n");
        }
        // Both are of this hop alone (RFC 9110, 7.8 and 10.1.4).
        let connection: &[u8] = match (added.trailers, added.upgrade) {
            (false, None) => b"",
            (true, None) => b"connection: te\r\n",
            (false, Some(_)) => b"connection: upgrade\r\n",
            (true, Some(_)) => b"connection: te, upgrade\r\n",
        };
        head.extend_from_slice(connection);
        if let Some(upgrade) = added.upgrade {
            put(&mut head, &[b"upgrade: ", upgrade.as_bytes(), b"\r\n"]);
        }
        framing.announce(&parts.method, &mut head);
        head.extend_from_slice(b"\r\n");
        Self {
            head,
            repeatable: matches!(body, Outbound::Empty) && is_idempotent(&parts.method),
            asks_head_alone: parts.method == Method::HEAD,
            untouched: true,
            body,
            framing,
        }
    }

    /// Whether all of the body is written.
    pub fn is_whole(&self) -> bool {
        self.framing == Framing::Done
    }

    /// Frames a piece of the body.
    pub fn data(&mut self, data: Bytes) -> Result<Piece, WrongLength> {
        match &mut self.framing {
            Framing::Length(left) if data.len() as u64 <= *left => {
                *left -= data.len() as u64;
                if *left == 0 {
                    self.framing = Framing::Done;
                }
                Ok(Piece { data, ..Piece::default() })
            }
            // A chunk of no bytes would end the body.
            Framing::Chunked(_) if data.is_empty() => Ok(Piece::default()),
            Framing::Chunked(_) => {
                let before = format!("{:x}\r\n", data.len()).into_bytes();
                Ok(Piece { before, data, after: b"\r\n" })
            }
            Framing::Done if data.is_empty() => Ok(Piece::default()),
            Framing::Done | Framing::Length(_) => Err(WrongLength),
        }
    }

    /// Frames the end of the body, with trailers where they were announced and there is a place for them.
    pub fn end(&mut self, trailers: &HeaderMap) -> Result<Piece, WrongLength> {
        match std::mem::replace(&mut self.framing, Framing::Done) {
            Framing::Done => Ok(Piece::default()),
            Framing::Length(_) => Err(WrongLength),
            Framing::Chunked(announced) => {
                let mut sent = trailers.iter().filter(|(name, _)| announced.contains(name)).peekable();
                if sent.peek().is_none() {
                    return Ok(Piece { after: LAST_CHUNK, ..Piece::default() });
                }
                let mut before = b"0\r\n".to_vec();
                for (name, value) in sent {
                    put(&mut before, &[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"]);
                }
                Ok(Piece { before, after: b"\r\n", ..Piece::default() })
            }
        }
    }
}

impl Framing {
    fn of(body: &Outbound, headers: &HeaderMap) -> Self {
        match (body, body.size_hint().exact()) {
            (Outbound::Empty, _) => Self::Done,
            (_, Some(length)) if !headers.contains_key(header::TRAILER) => Self::Length(length),
            (_, _) => Self::Chunked(announced(headers)),
        }
    }

    /// A request of a method that is made to carry a body says so when it has none (RFC 9110, 8.6).
    fn announce(&self, method: &Method, head: &mut Vec<u8>) {
        match self {
            Self::Done if matches!(*method, Method::POST | Method::PUT | Method::PATCH) => {
                head.extend_from_slice(b"content-length: 0\r\n");
            }
            Self::Done => {}
            Self::Length(length) => {
                put(head, &[b"content-length: ", itoa::Buffer::new().format(*length).as_bytes(), b"\r\n"]);
            }
            Self::Chunked(_) => head.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        }
    }
}

/// The fields that a Trailer field names, but those that would frame or route (RFC 9110, 6.5.1).
fn announced(headers: &HeaderMap) -> Box<[HeaderName]> {
    let names = headers.get_all(header::TRAILER).iter().filter_map(|value| value.to_str().ok());
    names
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        .filter(|name| !is_forbidden(name))
        .collect()
}

fn is_forbidden(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::TRANSFER_ENCODING
            | header::CONTENT_LENGTH
            | header::HOST
            | header::TRAILER
            | header::CONNECTION
            | header::TE
            | header::UPGRADE
            | header::AUTHORIZATION
            | header::COOKIE
            | header::SET_COOKIE
            | header::CONTENT_ENCODING
            | header::CONTENT_TYPE
            | header::CONTENT_RANGE
            | header::CACHE_CONTROL
            | header::EXPECT
            | header::MAX_FORWARDS
    )
}

fn put(head: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        head.extend_from_slice(part);
    }
}

/// Methods that may be repeated (RFC 9110, 9.2.2).
const fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE)
}

#[cfg(test)]
mod tests;
