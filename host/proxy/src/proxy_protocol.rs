//! What a PROXY protocol header says, version 1 or 2, read from the first bytes of a connection
//! (HAProxy, "The PROXY protocol", versions 1 and 2, 2.1 and 2.2).
//!
//! Pure and strict: what the text calls a MUST for the sender is asked for here, so that one header is read in one way.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The longest line of version 1, its line end included (2.1).
pub const V1_BYTES_MAX: usize = 107;
/// The longest header of version 2 that is taken, with its TLVs; what nginx takes. The format itself allows 65,551.
pub const V2_BYTES_MAX: usize = 4096;
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, command, family, length.
const V2_FIXED: usize = 16;

/// What the bytes so far are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsed {
    /// The beginning of a header: all of these bytes are part of it.
    Partial,
    Whole(Header),
}

/// A header that was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Its bytes; what follows belongs to the connection that it announces.
    pub length: usize,
    /// Where the connection really comes from. `None` keeps the socket's addresses: LOCAL, UNKNOWN, or no TCP over IP.
    pub addresses: Option<Addresses>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    pub source: SocketAddr,
    pub destination: SocketAddr,
}

/// Why bytes are no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    #[error("no PROXY protocol header")]
    Missing,
    #[error("a PROXY protocol header that is malformed")]
    Malformed,
    #[error("a PROXY protocol header that is too long")]
    TooLong,
}

/// Reads the header at the start of `bytes`.
///
/// # Errors
/// When no further byte could make a header of them; a line of version 1 is judged at its end.
pub fn read(bytes: &[u8]) -> Result<Parsed, Invalid> {
    let begins = |with: &[u8]| bytes.iter().zip(with).all(|(byte, wanted)| byte == wanted);
    if begins(SIGNATURE) {
        if bytes.len() < V2_FIXED { Ok(Parsed::Partial) } else { binary(bytes) }
    } else if begins(b"PROXY ") {
        if bytes.len() < b"PROXY ".len() { Ok(Parsed::Partial) } else { line(bytes) }
    } else {
        Err(Invalid::Missing)
    }
}

/// Version 1: one line of text.
fn line(bytes: &[u8]) -> Result<Parsed, Invalid> {
    let Some(end) = bytes.iter().take(V1_BYTES_MAX).position(|byte| *byte == b'\n') else {
        return if bytes.len() < V1_BYTES_MAX { Ok(Parsed::Partial) } else { Err(Invalid::TooLong) };
    };
    let text = bytes.get(..end).and_then(|line| line.strip_suffix(b"\r")).ok_or(Invalid::Malformed)?;
    let text = text.strip_prefix(b"PROXY ").ok_or(Invalid::Malformed)?;
    let addresses = if text == b"UNKNOWN" || text.starts_with(b"UNKNOWN ") {
        None
    } else {
        Some(words(std::str::from_utf8(text).map_err(|_| Invalid::Malformed)?).ok_or(Invalid::Malformed)?)
    };
    Ok(Parsed::Whole(Header { length: end + 1, addresses }))
}

/// `TCP4 192.0.2.1 192.0.2.2 56324 443`, with single spaces.
fn words(text: &str) -> Option<Addresses> {
    let mut words = text.split(' ');
    let family = words.next()?;
    let (source, destination) = (words.next()?, words.next()?);
    let address = |text: &str| match family {
        "TCP4" => text.parse().ok().map(IpAddr::V4),
        "TCP6" => text.parse().ok().map(IpAddr::V6),
        _ => None,
    };
    let source = SocketAddr::new(address(source)?, port(words.next()?)?);
    let destination = SocketAddr::new(address(destination)?, port(words.next()?)?);
    words.next().is_none().then_some(Addresses { source, destination })
}

/// Digits without a leading zero; `parse` alone would take `+80` and `080`.
fn port(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// Version 2: a fixed part, addresses of its family, then TLVs, which are skipped.
fn binary(bytes: &[u8]) -> Result<Parsed, Invalid> {
    let [version_command, family, high, low] = *fixed::<4>(bytes, SIGNATURE.len())?;
    let length = V2_FIXED + usize::from(u16::from_be_bytes([high, low]));
    let proxied = match version_command {
        0x20 => false,
        0x21 => true,
        _ => return Err(Invalid::Malformed),
    };
    // What a sender must not send is refused even where it would be ignored (2.2).
    let needed = match (proxied, family) {
        (false, _) | (true, 0x00) => 0,
        (true, 0x11 | 0x12) => 12,
        (true, 0x21 | 0x22) => 36,
        (true, 0x31 | 0x32) => 216,
        _ => return Err(Invalid::Malformed),
    };
    if length < V2_FIXED + needed {
        return Err(Invalid::Malformed);
    }
    if length > V2_BYTES_MAX {
        return Err(Invalid::TooLong);
    }
    if bytes.len() < length {
        return Ok(Parsed::Partial);
    }
    let addresses = match (proxied, family) {
        (true, 0x11) => Some(ipv4(bytes)?),
        (true, 0x21) => Some(ipv6(bytes)?),
        _ => None,
    };
    Ok(Parsed::Whole(Header { length, addresses }))
}

fn ipv4(bytes: &[u8]) -> Result<Addresses, Invalid> {
    let address = |at: usize| Ok(Ipv4Addr::from(*fixed::<4>(bytes, V2_FIXED + at)?));
    let port = |at: usize| Ok(u16::from_be_bytes(*fixed::<2>(bytes, V2_FIXED + at)?));
    Ok(Addresses { source: (address(0)?, port(8)?).into(), destination: (address(4)?, port(10)?).into() })
}

fn ipv6(bytes: &[u8]) -> Result<Addresses, Invalid> {
    let address = |at: usize| Ok(Ipv6Addr::from(*fixed::<16>(bytes, V2_FIXED + at)?));
    let port = |at: usize| Ok(u16::from_be_bytes(*fixed::<2>(bytes, V2_FIXED + at)?));
    Ok(Addresses { source: (address(0)?, port(32)?).into(), destination: (address(16)?, port(34)?).into() })
}

fn fixed<const N: usize>(bytes: &[u8], at: usize) -> Result<&[u8; N], Invalid> {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).ok_or(Invalid::Malformed)
}

#[cfg(test)]
mod tests;
