//! Whose bucket a request takes from: a text made of the parts that the config names.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use cardea_policy_sdk::{Request, Value};
use serde::{Deserialize, Deserializer, de};

/// Longer parts are cut and marked with their hash, so that a client cannot fill the counters' memory with one header.
const PART_BYTES_MAX: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The address; of IPv6 its /64, since a client commonly owns that much.
    Client,
    Host,
    Method,
    Path,
    /// The first elements of the path.
    PathElements(usize),
    Header(String),
    Cookie(String),
}

/// Parts are separated by a byte that no header value and no path contains. What is absent is an empty part: all requests
/// without it share a bucket.
pub fn of(name: &str, parts: &[Part], request: &Request) -> String {
    let mut key = name.to_string();
    for part in parts {
        key.push('\n');
        let text = part.ask(request);
        match text.get(..PART_BYTES_MAX) {
            Some(start) if text.len() > PART_BYTES_MAX => {
                let mut hasher = DefaultHasher::new();
                text.hash(&mut hasher);
                let _ = write!(key, "{start}#{:016x}", hasher.finish());
            }
            _ => key.push_str(&text),
        }
    }
    key
}

impl Part {
    fn parse(text: &str) -> Option<Part> {
        Some(match text.split_once(':') {
            None => match text {
                "client" => Part::Client,
                "host" => Part::Host,
                "method" => Part::Method,
                "path" => Part::Path,
                _ => return None,
            },
            Some((_, "")) => return None,
            Some(("header", name)) => Part::Header(name.to_ascii_lowercase()),
            Some(("cookie", name)) => Part::Cookie(name.to_string()),
            Some(("path", count)) => Part::PathElements(count.parse().ok().filter(|count| *count > 0)?),
            Some(_) => return None,
        })
    }

    fn ask(&self, request: &Request) -> String {
        match self {
            Part::Client => network(request.client()),
            Part::Host => request.authority(),
            Part::Method => request.method(),
            Part::Path => request.path(),
            Part::PathElements(count) => {
                request.path().split('/').filter(|element| !element.is_empty()).take(*count).fold(
                    String::new(),
                    |mut path, element| {
                        path.push('/');
                        path.push_str(element);
                        path
                    },
                )
            }
            Part::Header(name) => printable(request.header(name)),
            Part::Cookie(name) => printable(request.cookie(name)),
        }
    }
}

fn network(client: IpAddr) -> String {
    match client.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// ASCII, one to one, so that a cut never splits a character.
fn printable(value: Option<Value>) -> String {
    let value = value.map(Vec::from).unwrap_or_default();
    value.iter().flat_map(|byte| std::ascii::escape_default(*byte)).map(char::from).collect()
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Part, D::Error> {
        let text = String::deserialize(deserializer)?;
        Part::parse(&text).ok_or_else(|| {
            de::Error::custom(format!(
                "\"{text}\" is no part of a key; there are client, host, method, path, path:COUNT, header:NAME, cookie:NAME"
            ))
        })
    }
}
