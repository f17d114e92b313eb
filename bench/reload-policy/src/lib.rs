//! Writes into `x-policy` which version it is: the config's mark, and a mark of the module itself. The benchmark replaces
//! the latter in the built module's bytes, so that each replacement is a module that was never compiled before.

use cardea_policy_sdk::{Outcome, Policy, Request};
use serde::Deserialize;

/// Long, so that it lies in the module in one piece and only once.
static MODULE: &str = "module-mark-0000000000-which-the-benchmark-replaces-in-the-bytes-of-the-built-module";

pub struct Marked {
    mark: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    mark: String,
}

impl Policy for Marked {
    type Config = Config;

    fn new(config: Config) -> Result<Self, String> {
        Ok(Marked { mark: format!("{MODULE} {}", config.mark) })
    }

    fn on_request(&mut self, _: &Request) -> Outcome {
        Outcome::next().set_header("x-policy", self.mark.as_str())
    }
}

cardea_policy_sdk::export!(Marked);
