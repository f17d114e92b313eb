//! Which host names a rule means, and how a request's host is compared.
//!
//! Hosts compare without case, port and trailing dot. A wildcard stands for exactly one leftmost label
//! (Kubernetes API, IngressRule.host).

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// Longest host name that a request may carry; names of the DNS end at 253 (RFC 1035, 2.3.4).
pub const HOST_BYTES_MAX: usize = 255;

/// A checked `spec.rules[].host`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostPattern {
    /// Lower case, no trailing dot.
    Precise(Arc<str>),
    /// `*.foo.com` is kept as `foo.com`.
    Wildcard(Arc<str>),
    Any,
}

/// A request's Host field or `:authority`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority<'a> {
    /// What routes are found by: lower case, without port and trailing dot. An IPv6 address keeps its brackets.
    pub host: Cow<'a, str>,
    /// What the backend gets: as it came, in lower case.
    pub text: Cow<'a, str>,
    pub port: Option<u16>,
}

/// Why a host is refused: in a manifest a problem, in a request 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    #[error("the host is empty")]
    Empty,
    #[error("the host is longer than a host name can be")]
    TooLong,
    #[error("the host is an IP address, where only names are allowed")]
    Address,
    #[error("the host has a port, where only a name is allowed")]
    Port,
    #[error("a wildcard is not the whole leftmost label, followed by a name")]
    Wildcard,
    #[error("the host has a label that is empty, over 63 characters, or begins or ends with a hyphen")]
    Label,
    #[error("the host has a character that does not belong in a host name")]
    Character,
    #[error("the port is not a number from 0 to 65535")]
    PortNumber,
    #[error("the brackets do not hold an IPv6 address")]
    Bracket,
}

impl HostPattern {
    /// Checks a host as written in a manifest. Empty means every host. What the API server refuses is refused here
    /// (a name of RFC 1123; no address, no port, no trailing dot), except that upper case is folded.
    pub fn parse(host: &str) -> Result<Self, HostError> {
        if host.is_empty() {
            return Ok(Self::Any);
        }
        if host.parse::<Ipv4Addr>().is_ok() || host.starts_with('[') || host.parse::<Ipv6Addr>().is_ok() {
            return Err(HostError::Address);
        }
        match host.strip_prefix("*.") {
            Some(parent) => Ok(Self::Wildcard(declared_name(parent)?)),
            None => Ok(Self::Precise(declared_name(host)?)),
        }
    }

    /// Whether a request for `host` (as [`Authority::host`]) is meant.
    pub fn matches(&self, host: &str) -> bool {
        match self {
            Self::Precise(name) => **name == *host,
            Self::Wildcard(parent) => parent_domain(host).is_some_and(|name| *name == **parent),
            Self::Any => true,
        }
    }
}

impl std::fmt::Display for HostPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Precise(name) => f.write_str(name),
            Self::Wildcard(parent) => write!(f, "*.{parent}"),
            Self::Any => f.write_str("*"),
        }
    }
}

/// `foo.com` of `a.foo.com`: what a wildcard is compared with.
pub fn parent_domain(host: &str) -> Option<&str> {
    host.split_once('.').map(|(_, parent)| parent)
}

/// Checks a Host field or `:authority` (RFC 9110, 7.2; RFC 3986, 3.2.2 and 3.2.3): a name or an address, and a port.
///
/// Narrower than the grammar where two parsers may disagree: no user information, no percent-encoding, no comma and no
/// empty label. Wider than the DNS: an underscore is common in practice.
pub fn authority(text: &str) -> Result<Authority<'_>, HostError> {
    if is_plain_name(text.as_bytes()) {
        return Ok(Authority { host: Cow::Borrowed(text), text: Cow::Borrowed(text), port: None });
    }
    let (host, port) = split_port(text)?;
    // `example.com:` is allowed by the grammar, and means the same without its colon.
    let text = if port.is_none() { host } else { text };
    let name = match host.strip_prefix('[') {
        Some(rest) => {
            let address = rest.strip_suffix(']').ok_or(HostError::Bracket)?;
            address.parse::<Ipv6Addr>().map_err(|_| HostError::Bracket)?;
            host
        }
        None => requested_name(host)?,
    };
    Ok(Authority { host: lower(name), text: lower(text), port })
}

/// A name in lower case without port or trailing dot, which most are. Every byte is looked at, without a branch on what it
/// is: names differ from request to request, so that a processor guesses wrong.
fn is_plain_name(name: &[u8]) -> bool {
    const OTHER: u8 = 1;
    const DOT: u8 = 2;
    #[expect(clippy::indexing_slicing, reason = "while it is compiled")]
    const CLASSES: [u8; 256] = {
        let mut classes = [OTHER; 256];
        let mut at = 0;
        while at < classes.len() {
            match at as u8 {
                b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => classes[at] = 0,
                b'.' => classes[at] = DOT,
                _ => {}
            }
            at += 1;
        }
        classes
    };
    // As if a dot came before the first byte and after the last: no label is empty.
    let (mut seen, mut before) = (0, DOT);
    for byte in name {
        let class = CLASSES.get(usize::from(*byte)).copied().unwrap_or(OTHER);
        seen |= class & (OTHER | before);
        before = class;
    }
    (seen | before) == 0 && name.len() <= HOST_BYTES_MAX
}

fn split_port(text: &str) -> Result<(&str, Option<u16>), HostError> {
    // The colons of an IPv6 address are not the port's.
    let Some((host, port)) = text.rsplit_once(':').filter(|(_, port)| !port.contains(']')) else {
        return Ok((text, None));
    };
    match port {
        "" => Ok((host, None)),
        _ if port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            port.parse().map(|port| (host, Some(port))).map_err(|_| HostError::PortNumber)
        }
        _ => Err(HostError::PortNumber),
    }
}

fn requested_name(host: &str) -> Result<&str, HostError> {
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.is_empty() {
        return Err(HostError::Empty);
    }
    if name.len() > HOST_BYTES_MAX {
        return Err(HostError::TooLong);
    }
    let mut after_dot = true;
    for byte in name.bytes() {
        let dot = byte == b'.';
        if dot && after_dot {
            return Err(HostError::Label);
        }
        if !dot && !is_name_byte(byte) {
            return Err(HostError::Character);
        }
        after_dot = dot;
    }
    if after_dot { Err(HostError::Label) } else { Ok(name) }
}

/// RFC 3986: unreserved and sub-delims, without the comma.
fn is_name_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~')
        || matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b';' | b'=')
}

fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

fn declared_name(name: &str) -> Result<Arc<str>, HostError> {
    if name.contains('*') {
        return Err(HostError::Wildcard);
    }
    if name.contains(':') {
        return Err(HostError::Port);
    }
    if name.len() > 253 {
        return Err(HostError::TooLong);
    }
    if name.bytes().any(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'-' | b'.')) {
        return Err(HostError::Character);
    }
    let sound = |label: &str| matches!(label.len(), 1..=63) && !label.starts_with('-') && !label.ends_with('-');
    if !name.split('.').all(sound) {
        return Err(HostError::Label);
    }
    Ok(name.to_ascii_lowercase().into())
}

#[cfg(test)]
mod tests;
