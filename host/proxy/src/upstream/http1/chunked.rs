//! The chunked coding of an answer's body, read strictly: what two parsers could read in two ways is refused
//! (RFC 9112, 7.1).

use bytes::{Buf, Bytes};
use http::header::{HeaderMap, HeaderName, HeaderValue};

/// The longest chunk-size line: extensions are skipped, within reason.
const LINE_BYTES_MAX: usize = 4 << 10;
/// The most bytes of a trailer section.
const TRAILER_BYTES_MAX: usize = 16 << 10;
const TRAILERS_MAX: usize = 64;

/// Where a body stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Chunked {
    #[default]
    Size,
    /// Bytes of the chunk still to come.
    Data(u64),
    /// The line end after a chunk's data.
    DataEnd,
    Trailers,
    End,
}

/// What the bytes at hand gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    Data(Bytes),
    Trailers(HeaderMap),
    End,
    /// More bytes are needed.
    More,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the chunked body is malformed: {0}")]
pub struct Malformed(&'static str);

impl Chunked {
    /// Takes the next piece off `bytes`.
    pub fn read(&mut self, bytes: &mut Bytes) -> Result<Read, Malformed> {
        loop {
            match *self {
                Self::Size => match size(bytes)? {
                    None => return Ok(Read::More),
                    Some(0) => *self = Self::Trailers,
                    Some(size) => *self = Self::Data(size),
                },
                Self::Data(left) => {
                    if bytes.is_empty() {
                        return Ok(Read::More);
                    }
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    let left = left - here as u64;
                    *self = if left == 0 { Self::DataEnd } else { Self::Data(left) };
                    return Ok(Read::Data(bytes.split_to(here)));
                }
                Self::DataEnd => match bytes.get(..2) {
                    Some(b"\r\n") => {
                        bytes.advance(2);
                        *self = Self::Size;
                    }
                    Some(_) => return Err(Malformed("a chunk is longer than its size")),
                    None => return Ok(Read::More),
                },
                Self::Trailers => return self.trailers(bytes),
                Self::End => return Ok(Read::End),
            }
        }
    }

    fn trailers(&mut self, bytes: &mut Bytes) -> Result<Read, Malformed> {
        if bytes.starts_with(b"\r\n") {
            bytes.advance(2);
            *self = Self::End;
            return Ok(Read::End);
        }
        let mut fields = [httparse::EMPTY_HEADER; TRAILERS_MAX];
        let (length, trailers) = match httparse::parse_headers(bytes, &mut fields) {
            Ok(httparse::Status::Complete((length, fields))) => (length, collect(fields)?),
            Ok(httparse::Status::Partial) if bytes.len() < TRAILER_BYTES_MAX => return Ok(Read::More),
            Ok(httparse::Status::Partial) => return Err(Malformed("the trailer section is too long")),
            Err(_) => return Err(Malformed("the trailer section cannot be read")),
        };
        bytes.advance(length);
        *self = Self::End;
        Ok(Read::Trailers(trailers))
    }
}

/// The size of the next chunk, once its whole line is here.
fn size(bytes: &mut Bytes) -> Result<Option<u64>, Malformed> {
    let Some(end) = bytes.iter().take(LINE_BYTES_MAX).position(|byte| *byte == b'\n') else {
        return if bytes.len() < LINE_BYTES_MAX { Ok(None) } else { Err(Malformed("a chunk's size line is too long")) };
    };
    let line = bytes.get(..end).and_then(|line| line.strip_suffix(b"\r")).ok_or(Malformed("a bare line feed"))?;
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (number, rest) = line.split_at_checked(digits).unwrap_or((line, &[]));
    let after = rest.trim_ascii_start();
    // Blanks may stand before an extension, and there alone.
    if !(rest.is_empty() || after.starts_with(b";")) || rest.contains(&b'\r') {
        return Err(Malformed("a chunk's size is not a hexadecimal number"));
    }
    let size = std::str::from_utf8(number).ok().and_then(|text| u64::from_str_radix(text, 16).ok());
    let size = size.ok_or(Malformed("a chunk's size is not a hexadecimal number"))?;
    bytes.advance(end + 1);
    Ok(Some(size))
}

fn collect(fields: &[httparse::Header<'_>]) -> Result<HeaderMap, Malformed> {
    let mut trailers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| Malformed("a trailer's name"))?;
        let value = HeaderValue::from_bytes(field.value).map_err(|_| Malformed("a trailer's value"))?;
        trailers.append(name, value);
    }
    Ok(trailers)
}

#[cfg(test)]
mod tests;
