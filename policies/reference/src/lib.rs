//! The benchmarks' policy: `x-canary: 1` goes to backend `canary`; `/admin` without authorization is answered 401; all
//! else is marked `x-policy: cardea`.

use cardea_policy_sdk::{Outcome, Policy, Request};

pub struct Reference;

impl Policy for Reference {
    type Config = ();

    fn new(_: ()) -> Result<Self, String> {
        Ok(Reference)
    }

    fn on_request(&mut self, request: &Request) -> Outcome {
        if request.header("x-canary").is_some_and(|value| value == "1") {
            return Outcome::to("canary");
        }
        if request.path_under("/admin") && request.header("authorization").is_none() {
            return Outcome::deny(401, "no-authorization");
        }
        Outcome::next().set_header("x-policy", "cardea")
    }
}

cardea_policy_sdk::export!(Reference);

#[cfg(test)]
mod tests;
