//! Who asks, by the `x-forwarded-for` that a trusted proxy sent: the last entry that is no trusted proxy itself.
//!
//! Each proxy adds at the end whom it saw, so the list is believed from its end, and only as far as trusted proxies wrote
//! it. What stands before that is what a client says of itself, and is passed on but never used. Entries are bytes: one
//! that is no text does not hide those after it.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// What the fields of a trusted peer come to.
#[derive(Debug, PartialEq, Eq)]
pub struct ForwardedFor {
    pub client: IpAddr,
    /// The field that goes on: the entries as they came, and the peer.
    pub field: Vec<u8>,
}

/// Reads the fields of `peer`, in their order.
pub fn read<'a>(fields: impl Iterator<Item = &'a [u8]>, peer: IpAddr, trusted: &[IpNet]) -> ForwardedFor {
    // Empty elements of a list are no elements (RFC 9110, 5.6.1.2).
    let entries: Vec<&[u8]> = fields
        .flat_map(|field| field.split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|entry| !entry.is_empty())
        .collect();
    let mut client = peer;
    for entry in entries.iter().rev() {
        let Some(seen) = address(entry) else { break };
        client = seen;
        if !trusted.iter().any(|net| net.contains(&seen)) {
            break;
        }
    }
    let mut field = entries.join(&b", "[..]);
    if !field.is_empty() {
        field.extend_from_slice(b", ");
    }
    field.extend_from_slice(peer.to_string().as_bytes());
    ForwardedFor { client, field }
}

/// An address, as load balancers write it: with or without a port, IPv6 with or without brackets.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?;
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let address = text.parse().ok().or_else(|| text.parse().ok().map(|address: SocketAddr| address.ip()));
    address.or_else(bracketed).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests;
