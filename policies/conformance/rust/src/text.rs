//! Words of the specification: text, maybe, absent, hex, and parameters.

use std::str::FromStr;

use cardea_policy_sdk::{Outcome, Reply, Request};

pub fn text(body: impl Into<Vec<u8>>) -> Outcome {
    Outcome::respond(Reply::new(200).header("content-type", "text/plain").body(body))
}

pub fn absent() -> Outcome {
    Outcome::respond(Reply::new(404))
}

pub fn maybe(body: Option<impl Into<Vec<u8>>>) -> Outcome {
    body.map_or_else(absent, text)
}

pub fn parameter(request: &Request, name: &str) -> String {
    request.query_param(name).unwrap_or_default()
}

pub fn number<N: FromStr>(request: &Request, name: &str, otherwise: N) -> N {
    request.query_param(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect()
}
