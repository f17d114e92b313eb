//! The head of an answer, and how its body is framed (RFC 9112, 6.3).

use std::mem::MaybeUninit;

use bytes::{Buf, Bytes};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode, Version, response};

use super::chunked::Chunked;

/// The most fields of an answer.
const FIELDS_MAX: usize = 200;
/// The most informational answers before the answer itself.
const INFORMATIONAL_MAX: usize = 16;

/// An answer's head, read.
#[derive(Debug)]
pub struct Head {
    pub parts: response::Parts,
    pub framing: Framing,
    /// The connection may carry another request afterwards (RFC 9112, 9.3).
    pub keeps_alive: bool,
}

/// How an answer's body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Bytes still to come; none at the end.
    Length(u64),
    Chunked(Chunked),
    /// With the connection.
    Close,
}

/// Why a head cannot be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("the answer's head cannot be read: {0}")]
    Syntax(#[from] httparse::Error),
    #[error("the answer's head is longer than {0} bytes")]
    TooLong(usize),
    #[error("the answer's content-length is not one number")]
    Length,
    #[error("the answer's transfer-encoding is not `chunked`")]
    Encoding,
    #[error("more informational answers than anyone needs")]
    Informational,
}

/// Takes a head off `bytes`; `None` while it is not whole. Informational answers are passed over, but for 101.
/// `bodiless`: the answer has no body, whatever its fields say.
pub fn read(bytes: &mut Bytes, bodiless: bool, bytes_max: usize) -> Result<Option<Head>, Malformed> {
    for _ in 0..INFORMATIONAL_MAX {
        match one(bytes, bodiless, bytes_max)? {
            Some(head) if is_passed_over(head.parts.status) => {}
            head => return Ok(head),
        }
    }
    Err(Malformed::Informational)
}

fn is_passed_over(status: StatusCode) -> bool {
    status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS
}

fn one(bytes: &mut Bytes, bodiless: bool, bytes_max: usize) -> Result<Option<Head>, Malformed> {
    if bytes.is_empty() {
        return Ok(None);
    }
    // Fields share the bytes that they were read from.
    let all = bytes.clone();
    let mut room = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut read = httparse::Response::new(&mut []);
    let length =
        match httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut read, &all, &mut room)? {
            httparse::Status::Complete(length) if length <= bytes_max => length,
            httparse::Status::Partial if all.len() < bytes_max => return Ok(None),
            _ => return Err(Malformed::TooLong(bytes_max)),
        };
    bytes.advance(length);
    let mut head = Head { parts: Response::new(()).into_parts().0, framing: Framing::Close, keeps_alive: true };
    head.parts.status = StatusCode::from_u16(read.code.unwrap_or(0)).map_err(|_| httparse::Error::Status)?;
    if read.version == Some(0) {
        head.parts.version = Version::HTTP_10;
        head.keeps_alive = false;
    }
    let mut framing = Declared::default();
    head.parts.headers = HeaderMap::with_capacity(read.headers.len() + ADDED_LATER);
    for field in read.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| httparse::Error::HeaderName)?;
        let value =
            HeaderValue::from_maybe_shared(all.slice_ref(field.value)).map_err(|_| httparse::Error::HeaderValue)?;
        head.keeps_alive &= framing.see(&name, &value)?;
        head.parts.headers.append(name, value);
    }
    head.framing = framing.decide(head.parts.status, bodiless);
    // What follows an answer of two framings is not to be trusted (RFC 9112, 6.1), nor what follows one without.
    head.keeps_alive &= head.framing != Framing::Close && !(framing.chunked && framing.length.is_some());
    Ok(Some(head))
}

/// Room for the fields that policies and hyper may add, so that the map does not grow for them.
const ADDED_LATER: usize = 2;

/// What the fields say of the body.
#[derive(Debug, Default)]
struct Declared {
    length: Option<u64>,
    chunked: bool,
}

impl Declared {
    /// Notes a field; false where it ends the connection.
    fn see(&mut self, name: &HeaderName, value: &HeaderValue) -> Result<bool, Malformed> {
        match *name {
            header::CONTENT_LENGTH => {
                let length = length(value.as_bytes()).ok_or(Malformed::Length)?;
                if self.length.replace(length).is_some_and(|other| other != length) {
                    return Err(Malformed::Length);
                }
            }
            header::TRANSFER_ENCODING => {
                if self.chunked || !value.as_bytes().eq_ignore_ascii_case(b"chunked") {
                    return Err(Malformed::Encoding);
                }
                self.chunked = true;
            }
            header::CONNECTION => return Ok(!has_close(value.as_bytes())),
            _ => {}
        }
        Ok(true)
    }

    fn decide(&self, status: StatusCode, bodiless: bool) -> Framing {
        let never = [StatusCode::SWITCHING_PROTOCOLS, StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED];
        match self.length {
            _ if bodiless || never.contains(&status) => Framing::Length(0),
            _ if self.chunked => Framing::Chunked(Chunked::default()),
            Some(length) => Framing::Length(length),
            None => Framing::Close,
        }
    }
}

/// Digits alone: no sign, no blank, no list.
fn length(value: &[u8]) -> Option<u64> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(value).ok().filter(|_| digits)?.parse().ok()
}

fn has_close(value: &[u8]) -> bool {
    value.split(|byte| *byte == b',').any(|token| token.trim_ascii().eq_ignore_ascii_case(b"close"))
}

#[cfg(test)]
mod tests;
