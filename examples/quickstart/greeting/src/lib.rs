//! The quickstart's policy. Change something here, run `cardea policy build`, and ask the running ingress again.

use cardea_policy_sdk::{Outcome, Policy, Request};

pub struct Greeting {
    config: Config,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What every answer says in `x-greeting`.
    greeting: String,
}

impl Policy for Greeting {
    type Config = Config;

    fn new(config: Config) -> Result<Self, String> {
        Ok(Greeting { config })
    }

    fn on_request(&mut self, request: &Request) -> Outcome {
        // Try another path here.
        if request.path_under("/private") {
            return Outcome::deny(403, "private");
        }
        Outcome::next().set_response_header("x-greeting", self.config.greeting.as_str())
    }
}

cardea_policy_sdk::export!(Greeting);
