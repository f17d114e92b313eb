use cardea_policy_sdk::testing::{Exchange, json};
use cardea_policy_sdk::{Outcome, Reply};

use crate::Conformance;
use crate::text::{from_hex, hex};

fn decide(exchange: Exchange) -> Outcome {
    exchange.run::<Conformance>(json!({ "backend": "canary" }))
}

#[test]
fn the_canary_header_decides_by_default() {
    assert_eq!(decide(Exchange::get("/").header("x-canary", "1")), Outcome::to("canary"));
    assert_eq!(decide(Exchange::get("/")), Outcome::next().set_header("x-policy", "cardea"));
}

#[test]
fn an_empty_header_is_there() {
    let text = |body: &str| Outcome::respond(Reply::new(200).header("content-type", "text/plain").body(body));
    assert_eq!(decide(Exchange::get("/ask/header?name=x-a").header("x-a", "")), text(""));
    assert_eq!(decide(Exchange::get("/ask/header?name=x-a")), Outcome::respond(Reply::new(404)));
}

#[test]
fn hex_is_bytes_and_back() {
    assert_eq!(from_hex("00ff7f"), [0, 255, 127]);
    assert_eq!(hex(&[0, 255, 127]), "00ff7f");
}
