//! Properties: what is known beside headers, by the names that other hosts of this ABI use.
//!
//! Numbers are 64 bits, little endian; times are nanoseconds since 1970; a truth value is one byte.

use crate::abi::Side;
use crate::abi::proxy_wasm::guest::Guest;
use crate::abi::proxy_wasm::maps::{self, Fields, Map};
use crate::abi::proxy_wasm::pairs;
use crate::abi::proxy_wasm::status::Status;
use crate::exchange::Exchange;
use crate::reads::{Kind, fixed};

/// Of a path, and of a value that a guest sets.
pub(super) const PATH_BYTES_MAX: usize = 1024;
pub(super) const VALUE_BYTES_MAX: usize = 4 << 10;
const NOTES_MAX: usize = 16;
/// Values that guests set are notes of the exchange under this prefix, so that native policies see them too.
const NOTE_PREFIX: &str = "wasm.";

type Found = Result<(), Status>;

/// The segments of a path: UTF-8, divided by NULs, of which one more may follow.
pub(super) fn segments(path: &[u8]) -> Option<Vec<&str>> {
    let path = path.strip_suffix(b"\0").unwrap_or(path);
    if path.is_empty() || path.len() > PATH_BYTES_MAX {
        return None;
    }
    Some(std::str::from_utf8(path).ok()?.split('\0').collect())
}

/// Adds the value of a property to `out`.
pub(super) fn get(guest: &Guest, path: &[u8], out: &mut Vec<u8>) -> Found {
    let segments = segments(path).ok_or(Status::NotFound)?;
    let name = segments.join(".");
    guest.base.reads.mark_name(&guest.base.shared.names, Kind::Attribute, &name);
    if let Some(found) = of_plugin(guest, &segments, out) {
        return found;
    }
    if !guest.has_exchange() {
        return Err(Status::NotFound);
    }
    let exchange = &guest.base.exchange;
    match segments.as_slice() {
        ["request", "headers"] => map(guest, Map::Headers(Side::Request), out),
        ["request", "headers", name] => header(guest, Map::Headers(Side::Request), name, out),
        ["response", "headers"] => map(guest, Map::Headers(Side::Response), out),
        ["response", "headers", name] => header(guest, Map::Headers(Side::Response), name, out),
        ["response", "trailers"] => map(guest, Map::Trailers(Side::Response), out),
        ["request", name] => of_request(guest, exchange, name, out),
        ["response", name] => of_response(guest, exchange, name, out),
        ["source" | "destination" | "connection" | "upstream" | "xds", ..] => of_connection(exchange, &name, out),
        ["cluster_name"] => text(exchange.backend.as_deref(), out),
        ["route_name"] => text(Some(&exchange.route), out),
        _ => note(exchange, &name, out),
    }
}

/// Sets a property of the exchange's own: visible to later policies and phases, and no input of the host.
pub(super) fn set(guest: &mut Guest, path: &[u8], value: &[u8]) -> Found {
    let segments = segments(path).ok_or(Status::BadArgument)?;
    let key = format!("{NOTE_PREFIX}{}", segments.join("."));
    let notes = &mut guest.base.exchange.notes;
    if value.len() > VALUE_BYTES_MAX || key.len() > 256 || guest.scene.at_hand != Some(guest.scene.effective) {
        return Err(Status::BadArgument);
    }
    let is_room = notes.len() < NOTES_MAX;
    match notes.iter_mut().find(|(known, _)| *known == key) {
        Some((_, old)) => *old = value.to_vec(),
        None if is_room => notes.push((key, value.to_vec())),
        None => return Err(Status::BadArgument),
    }
    Ok(())
}

/// What is known without an exchange; `None` if it is no such name.
fn of_plugin(guest: &Guest, segments: &[&str], out: &mut Vec<u8>) -> Option<Found> {
    let spec = &guest.spec;
    Some(match segments {
        ["plugin_name" | "plugin_vm_id"] => text(Some(&guest.base.shared.name), out),
        ["plugin_root_id"] => text(Some(guest.root_id()), out),
        ["node", "id"] => text(std::env::var("HOSTNAME").ok().as_deref().or(Some("cardea")), out),
        ["node", "metadata", "NAMESPACE"] => text(Some(&spec.origin.namespace), out),
        ["listener_direction"] => number(1, out),
        _ => return None,
    })
}

fn of_request(guest: &Guest, exchange: &Exchange, name: &str, out: &mut Vec<u8>) -> Found {
    let uri = &exchange.request.uri;
    match name {
        "path" => text(uri.path_and_query().map(|target| target.as_str()), out),
        "url_path" => text(Some(uri.path()), out),
        "query" => text(uri.query(), out),
        "host" => text(Some(exchange.authority()), out),
        "scheme" => text(Some(exchange.scheme), out),
        "method" => text(Some(exchange.request.method.as_str()), out),
        "protocol" => text(Some(protocol(exchange.request.version)), out),
        "id" => text(exchange.request_id(), out),
        "referer" => header(guest, Map::Headers(Side::Request), "referer", out),
        "useragent" => header(guest, Map::Headers(Side::Request), "user-agent", out),
        "time" => {
            guest.base.reads.mark(fixed::CLOCK);
            number(guest.base.now().unix_ms.saturating_mul(1_000_000), out)
        }
        _ => Err(Status::NotFound),
    }
}

fn of_response(guest: &Guest, exchange: &Exchange, name: &str, out: &mut Vec<u8>) -> Found {
    let head = exchange.response.as_ref().ok_or(Status::NotFound)?;
    match name {
        "code" => {
            guest.base.reads.mark(fixed::RESPONSE_STATUS);
            number(u64::from(head.status.as_u16()), out)
        }
        _ => Err(Status::NotFound),
    }
}

fn of_connection(exchange: &Exchange, name: &str, out: &mut Vec<u8>) -> Found {
    let peer = &exchange.peer;
    match name {
        "source.address" => text(Some(&peer.source.to_string()), out),
        "source.port" => number(u64::from(peer.source.port()), out),
        "destination.address" => text(Some(&peer.local.to_string()), out),
        "destination.port" => number(u64::from(peer.local.port()), out),
        "connection.mtls" => {
            out.push(0);
            Ok(())
        }
        "connection.requested_server_name" => text(peer.sni.as_deref(), out),
        "connection.tls_version" => text(peer.tls_version, out),
        "upstream.cluster_name" | "xds.cluster_name" => text(exchange.backend.as_deref(), out),
        "xds.route_name" => text(Some(&exchange.route), out),
        "xds.listener_direction" => number(1, out),
        _ => Err(Status::NotFound),
    }
}

const fn protocol(version: http::Version) -> &'static str {
    match version {
        http::Version::HTTP_10 => "HTTP/1.0",
        http::Version::HTTP_2 => "HTTP/2",
        _ => "HTTP/1.1",
    }
}

fn text(value: Option<&str>, out: &mut Vec<u8>) -> Found {
    out.extend_from_slice(value.ok_or(Status::NotFound)?.as_bytes());
    Ok(())
}

fn number(value: u64, out: &mut Vec<u8>) -> Found {
    out.extend_from_slice(&value.to_le_bytes());
    Ok(())
}

fn header(guest: &Guest, map: Map, name: &str, out: &mut Vec<u8>) -> Found {
    maps::get(guest, map, name.as_bytes(), out)
}

fn map(guest: &Guest, map: Map, out: &mut Vec<u8>) -> Found {
    maps::mark_all(guest, map);
    pairs::encode(&Fields::of(guest, map).iter().collect::<Vec<_>>(), out);
    Ok(())
}

fn note(exchange: &Exchange, name: &str, out: &mut Vec<u8>) -> Found {
    let is_it = |key: &str| key.strip_prefix(NOTE_PREFIX).is_some_and(|rest| rest == name);
    let (_, value) = exchange.notes.iter().find(|(key, _)| is_it(key)).ok_or(Status::NotFound)?;
    out.extend_from_slice(value);
    Ok(())
}

#[cfg(test)]
mod tests;
