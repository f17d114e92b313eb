//! The one path normaliser: what the router matches, policies see and the backend gets are these same bytes.
//!
//! RFC 3986, 6.2.2 and 5.2.4: percent-encoded unreserved octets are decoded, remaining escapes get upper-case hex, empty
//! segments are merged, then dot segments are removed. An escape is decoded once: `%252e` stays `%252e`.
//!
//! Refused, because two parsers may disagree about them: escapes that are not two hex digits, `%00`, `%2F`, `%5C`,
//! backslash, control and non-ASCII bytes, the bytes that no URI can carry (space, `<`, `>`, backtick, `?`, `#`), climbing
//! above the root, and a dot segment with parameters (`/..;x/`), which servlet containers read as `/../`. Other
//! `;parameters` are part of their segment and stay as they are.

use std::borrow::Cow;

/// Why a path is refused; the request is answered 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("the path does not begin with /")]
    NotAbsolute,
    #[error("the path has a % that two hexadecimal digits do not follow")]
    BadEscape,
    #[error("the path has an encoded slash or backslash")]
    EncodedSlash,
    #[error("the path has an encoded NUL")]
    EncodedNul,
    #[error("the path has a byte that does not belong in a path")]
    ForbiddenByte,
    #[error("the path climbs above the root")]
    AboveRoot,
    #[error("the path has a dot segment with parameters")]
    DotParameters,
}

/// Normalises an absolute path without its query. Borrows exactly when nothing changes, which is the common case.
pub fn normalize(path: &str) -> Result<Cow<'_, str>, PathError> {
    if !path.starts_with('/') {
        return Err(PathError::NotAbsolute);
    }
    if is_evidently_normal(path.as_bytes()) || is_plainly_normal(path.as_bytes())? {
        return Ok(Cow::Borrowed(path));
    }
    let normal = rebuild(path.as_bytes())?;
    Ok(if normal == path { Cow::Borrowed(path) } else { Cow::Owned(normal) })
}

/// Normalises a path that a person wrote in a manifest, where `/caf\u{e9} au lait` stands for its percent-encoded form.
pub fn normalize_declared(path: &str) -> Result<String, PathError> {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            0x80.. | b' ' | b'<' | b'>' | b'`' => push_escape(&mut encoded, byte),
            _ => encoded.push(char::from(byte)),
        }
    }
    normalize(&encoded).map(Cow::into_owned)
}

/// Whether `path` is `prefix`, or continues it at an element boundary. A trailing slash of `prefix` does not count
/// (Kubernetes API, HTTPIngressPath.pathType). Both are normalised.
pub fn has_element_prefix(path: &str, prefix: &str) -> bool {
    path.strip_prefix(without_trailing_slash(prefix)).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// `/a/` as `/a`, and `/` as the empty string.
pub fn without_trailing_slash(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

/// Plain bytes and slashes, and dots within segments, as most paths are. Every byte is looked at, without a branch on what it
/// is: paths differ from request to request, so that a processor guesses wrong.
fn is_evidently_normal(path: &[u8]) -> bool {
    const OTHER: u8 = 1;
    const SLASH: u8 = 2;
    const DOT: u8 = 4;
    #[expect(clippy::indexing_slicing, reason = "while it is compiled")]
    const CLASSES: [u8; 256] = {
        let mut classes = [OTHER; 256];
        let mut at = 0;
        while at < classes.len() {
            match at as u8 {
                b'/' => classes[at] = SLASH,
                b'.' => classes[at] = DOT,
                byte if is_plain(byte) => classes[at] = 0,
                _ => {}
            }
            at += 1;
        }
        classes
    };
    let (mut seen, mut after_slash) = (0, 0);
    for byte in path {
        let class = CLASSES.get(usize::from(*byte)).copied().unwrap_or(OTHER);
        seen |= class & (OTHER | after_slash);
        // After a slash, neither a slash nor a dot.
        after_slash = (class & SLASH) * 3;
    }
    seen == 0
}

/// One pass without allocation. `false` is "look closer", not "wrong": the path may still come out unchanged.
fn is_plainly_normal(path: &[u8]) -> Result<bool, PathError> {
    let mut rest = path;
    let mut after_slash = false;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let slash = byte == b'/';
        if is_plain(byte) {
            // Letters, digits and most punctuation: nothing to see.
        } else if slash || byte == b'.' {
            if after_slash && (slash || may_be_dot_segment(tail)) {
                return Ok(false);
            }
        } else if byte == b'%' {
            match Escape::read(tail)? {
                Escape::Keep { canonical: true, .. } => rest = tail.get(2..).unwrap_or_default(),
                _ => return Ok(false),
            }
        } else {
            return Err(PathError::ForbiddenByte);
        }
        after_slash = slash;
    }
    Ok(true)
}

/// What follows the first dot of a segment: could the whole be `.` or `..`, once escapes are decoded?
fn may_be_dot_segment(tail: &[u8]) -> bool {
    let tail = tail.strip_prefix(b".").unwrap_or(tail);
    matches!(tail.first(), None | Some(b'/' | b';' | b'%'))
}

/// Bytes that never need a closer look. Of those that RFC 3986 would want encoded, the ones that clients really send
/// (`"`, `[`, `]`, `^`, `{`, `|`, `}`) are passed on as they came.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~') && !matches!(byte, b'#' | b'%' | b'.' | b'/' | b'<' | b'>' | b'?' | b'\\' | b'`')
}

/// An octet after `%`, by what becomes of it.
enum Escape {
    /// An unreserved octet: written plainly.
    Decode(u8),
    /// Anything else stays encoded; `canonical`: its hex is upper case already.
    Keep { octet: u8, canonical: bool },
}

impl Escape {
    /// Reads the two digits after a `%`.
    fn read(digits: &[u8]) -> Result<Self, PathError> {
        let [high, low] = *digits.first_chunk::<2>().ok_or(PathError::BadEscape)?;
        let value = |digit: u8| char::from(digit).to_digit(16).ok_or(PathError::BadEscape);
        let octet = u8::try_from(value(high)? * 16 + value(low)?).map_err(|_| PathError::BadEscape)?;
        match octet {
            0 => Err(PathError::EncodedNul),
            b'/' | b'\\' => Err(PathError::EncodedSlash),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => Ok(Self::Decode(octet)),
            _ => Ok(Self::Keep { octet, canonical: !high.is_ascii_lowercase() && !low.is_ascii_lowercase() }),
        }
    }
}

/// The slow way: writes the path anew, segment by segment.
fn rebuild(path: &[u8]) -> Result<String, PathError> {
    let mut out = String::with_capacity(path.len());
    let mut segments = path.split(|&byte| byte == b'/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        let start = out.len();
        out.push('/');
        decode_segment(segment, &mut out)?;
        match out.get(start + 1..).unwrap_or_default() {
            "" | "." => out.truncate(start),
            ".." => {
                out.truncate(start);
                let parent = out.rfind('/').ok_or(PathError::AboveRoot)?;
                out.truncate(parent);
            }
            written if has_dot_parameters(written) => return Err(PathError::DotParameters),
            _ => continue,
        }
        if last {
            out.push('/');
        }
    }
    Ok(out)
}

fn decode_segment(segment: &[u8], out: &mut String) -> Result<(), PathError> {
    let mut rest = segment;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'%' {
            match Escape::read(tail)? {
                Escape::Decode(octet) => out.push(char::from(octet)),
                Escape::Keep { octet, .. } => push_escape(out, octet),
            }
            rest = tail.get(2..).unwrap_or_default();
        } else if is_plain(byte) || byte == b'.' {
            out.push(char::from(byte));
        } else {
            return Err(PathError::ForbiddenByte);
        }
    }
    Ok(())
}

/// `.;a`, `..;a`, and the same with the semicolon encoded.
fn has_dot_parameters(segment: &str) -> bool {
    let rest = segment.strip_prefix("..").or_else(|| segment.strip_prefix('.')).unwrap_or_default();
    rest.starts_with(';') || rest.starts_with("%3B")
}

fn push_escape(out: &mut String, octet: u8) {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0').to_ascii_uppercase();
    out.extend(['%', digit(octet >> 4), digit(octet & 15)]);
}

#[cfg(test)]
mod tests;
