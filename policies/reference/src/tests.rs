use cardea_policy_sdk::Outcome;
use cardea_policy_sdk::testing::{Exchange, json};

use crate::Reference;

fn decide(exchange: Exchange) -> Outcome {
    exchange.run::<Reference>(json!(null))
}

#[test]
fn a_request_with_the_canary_header_goes_to_canary() {
    assert_eq!(decide(Exchange::get("/admin").header("x-canary", "1")), Outcome::to("canary"));
    assert_ne!(decide(Exchange::get("/").header("x-canary", "0")), Outcome::to("canary"));
}

#[test]
fn admin_needs_authorization() {
    assert_eq!(decide(Exchange::get("/admin/users")), Outcome::deny(401, "no-authorization"));
    let marked = Outcome::next().set_header("x-policy", "cardea");
    assert_eq!(decide(Exchange::get("/admin").header("authorization", "Basic eA==")), marked);
    assert_eq!(decide(Exchange::get("/administer")), marked);
}
