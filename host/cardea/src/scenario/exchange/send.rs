//! The `send` form of a request, and the exchange that it means.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use cardea_model::{host, path};
use cardea_policy::{Exchange, Peer, ResponseHead};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version, header};
use serde::Deserialize;

use super::fields::{Entries, Fields, Text};

const REQUEST_ID: &str = "00000000000000000000000000000001";

/// A request. Every key may be absent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Send {
    pub method: Option<String>,
    pub scheme: Option<Scheme>,
    pub host: Option<String>,
    pub path: Option<String>,
    pub client: Option<IpAddr>,
    pub headers: Fields,
    pub body: Option<String>,
    pub after: Option<String>,
    pub attributes: Entries<Text>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    Http,
    Https,
}

/// What the backend answers.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answer {
    pub status: Option<u16>,
    pub headers: Fields,
    pub body: Option<String>,
}

/// Fields that the ingress takes away or decides itself, so that no policy ever sees them.
const NOT_SEEN: [HeaderName; 8] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::EXPECT,
];

impl Send {
    /// How long the clock moves on before it.
    pub fn after(&self) -> Result<Duration, String> {
        self.after.as_deref().map_or(Ok(Duration::ZERO), duration)
    }

    /// The exchange as a policy meets it, or what is wrong with which key.
    pub fn exchange(&self) -> Result<Box<Exchange>, String> {
        let mut exchange = Box::new(Exchange::blank());
        let method = self.method.as_deref().unwrap_or("GET");
        exchange.request.method = Method::from_bytes(method.as_bytes())
            .map_err(|_| format!("method: {method:?} is not a method; write GET, POST, ..."))?;
        exchange.request.version = Version::HTTP_11;
        let authority = self.host.as_deref().unwrap_or("shop.test");
        let authority = host::authority(authority).map_err(|error| format!("host: {authority:?}: {error}"))?;
        exchange.authority = HeaderValue::from_str(&authority.text).map_err(|error| error.to_string())?;
        (exchange.request.uri, exchange.raw_path) = target(self.path.as_deref().unwrap_or("/"))?;
        exchange.client = self.client.unwrap_or(IpAddr::from([192, 0, 2, 1]));
        exchange.scheme = if self.scheme == Some(Scheme::Http) { "http" } else { "https" };
        exchange.route = Arc::from("default/policy-test");
        exchange.peer = Arc::new(self.peer(&authority.host, exchange.client));
        exchange.request.headers = self.headers()?;
        identify(&mut exchange)?;
        for (name, Text(value)) in &self.attributes.0 {
            attribute(&mut exchange, name, value).map_err(|error| format!("attributes.{name}: {error}"))?;
        }
        Ok(exchange)
    }

    fn headers(&self) -> Result<HeaderMap, String> {
        let headers = self.headers.to_map().map_err(|error| format!("headers: {error}"))?;
        match NOT_SEEN.iter().find(|name| headers.contains_key(*name)) {
            Some(name) if *name == header::HOST => {
                Err(String::from("headers: host is no header here; use the key `host`"))
            }
            Some(name) => Err(format!("headers: a policy never sees {name}; leave it out")),
            None => Ok(headers),
        }
    }

    fn peer(&self, host: &str, client: IpAddr) -> Peer {
        let tls = self.scheme != Some(Scheme::Http);
        let port = if tls { 443 } else { 80 };
        Peer {
            source: SocketAddr::new(client, 50_000),
            local: SocketAddr::from(([192, 0, 2, 254], port)),
            tls,
            sni: tls.then(|| Arc::from(host)),
            tls_version: tls.then_some("TLSv1_3"),
        }
    }
}

impl Answer {
    /// The head of the answer, or what is wrong with which key.
    pub fn head(&self) -> Result<ResponseHead, String> {
        let status = self.status.unwrap_or(200);
        let status =
            StatusCode::from_u16(status).map_err(|_| format!("status: {status} is not a status; write 200 to 599"))?;
        let headers = self.headers.to_map().map_err(|error| format!("headers: {error}"))?;
        let ended = self.body.as_ref().is_none_or(String::is_empty);
        Ok(ResponseHead { status, headers, ended })
    }
}

/// A path with its query, normalised as the router does, and the path as it came where that was another.
fn target(text: &str) -> Result<(Uri, Option<Box<str>>), String> {
    let (raw, query) = match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    };
    let normal = path::normalize(raw).map_err(|error| format!("path: {raw:?}: {error}; the ingress answers it 400"))?;
    let target = match query {
        Some(query) => format!("{normal}?{query}"),
        None => normal.to_string(),
    };
    let uri = Uri::try_from(target).map_err(|error| format!("path: {text:?}: {error}; percent-encode it"))?;
    Ok((uri, (normal != raw).then(|| Box::from(raw))))
}

/// The fields that the ingress adds before policies run.
fn identify(exchange: &mut Exchange) -> Result<(), String> {
    let value = |text: &str| HeaderValue::from_str(text).map_err(|error| error.to_string());
    let (client, authority) = (value(&exchange.client.to_string())?, exchange.authority.clone());
    let headers = &mut exchange.request.headers;
    headers.entry("x-forwarded-for").or_insert(client);
    headers.entry("x-forwarded-proto").or_insert(HeaderValue::from_static(exchange.scheme));
    headers.entry("x-forwarded-host").or_insert(authority);
    headers.entry("x-request-id").or_insert(HeaderValue::from_static(REQUEST_ID));
    Ok(())
}

fn attribute(exchange: &mut Exchange, name: &str, value: &str) -> Result<(), String> {
    let peer = Arc::make_mut(&mut exchange.peer);
    match name {
        "route.name" | "route.namespace" => {
            let (namespace, route) = exchange.route.split_once('/').unwrap_or(("default", &exchange.route));
            let route = if name == "route.name" { format!("{namespace}/{value}") } else { format!("{value}/{route}") };
            exchange.route = Arc::from(route);
        }
        "tls.sni" => peer.sni = Some(Arc::from(value)),
        "tls.version" => peer.tls_version = Some(one_of(value, &["TLSv1_2", "TLSv1_3"])?),
        "http.version" => {
            let versions = [("1.0", Version::HTTP_10), ("1.1", Version::HTTP_11), ("2", Version::HTTP_2)];
            let wanted = one_of(value, &["1.0", "1.1", "2"])?;
            let found = versions.into_iter().find(|(known, _)| *known == wanted);
            exchange.request.version = found.map_or(Version::HTTP_11, |(_, version)| version);
        }
        "source.address" => {
            let address = value.parse().map_err(|_| format!("{value:?} is not an IP address"))?;
            peer.source.set_ip(address);
        }
        "source.port" => peer.source.set_port(value.parse().map_err(|_| format!("{value:?} is not a port"))?),
        "request.id" => {
            let id = HeaderValue::from_str(value).map_err(|error| error.to_string())?;
            exchange.request.headers.insert("x-request-id", id);
        }
        "backend.name" => exchange.backend = Some(Arc::from(value)),
        _ => {
            return Err(String::from(
                "the ingress has no such attribute; it has route.name, route.namespace, tls.sni, tls.version, \
                 http.version, source.address, source.port, request.id and backend.name",
            ));
        }
    }
    Ok(())
}

fn one_of(value: &str, known: &[&'static str]) -> Result<&'static str, String> {
    let found = known.iter().find(|known| **known == value);
    found.copied().ok_or_else(|| format!("{value:?} is none of {}", known.join(", ")))
}

/// `250ms`, `2s`, `5m`, `1h`
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let microseconds = match unit {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        _ => 0,
    };
    let all = number.parse::<u64>().ok().and_then(|number| number.checked_mul(microseconds));
    match all {
        Some(all) if microseconds > 0 => Ok(Duration::from_micros(all)),
        _ => Err(format!("after: {text:?} is not a duration; write a whole number and us, ms, s, m or h")),
    }
}
