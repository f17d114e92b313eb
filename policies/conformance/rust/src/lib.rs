//! The conformance policy: what each path does is said in `../README.md`.

mod ask;
mod config;
mod decide;
mod later;
mod services;
mod text;

use cardea_policy_sdk::{Body, Outcome, Policy, Request, Response, ResponseOutcome, Summary};

use config::Config;

pub struct Conformance {
    config: Config,
}

impl Policy for Conformance {
    type Config = Config;

    fn new(config: Config) -> Result<Self, String> {
        config.check()?;
        Ok(Conformance { config })
    }

    fn on_request(&mut self, request: &Request) -> Outcome {
        let path = request.path();
        let found = ask::outcome(&path, request)
            .or_else(|| decide::outcome(&path, request, &self.config))
            .or_else(|| services::outcome(&path, request, &self.config));
        found.unwrap_or_else(|| self.otherwise(request))
    }

    fn on_request_body(&mut self, request: &Request, body: Body) -> Outcome {
        later::body(request, &body)
    }

    fn on_response(&mut self, request: &Request, response: &Response, carry: &[u8]) -> ResponseOutcome {
        later::response(request, response, carry)
    }

    fn on_complete(&mut self, _: &Request, summary: &Summary, carry: &[u8]) {
        later::complete(summary, carry);
    }
}

impl Conformance {
    fn otherwise(&self, request: &Request) -> Outcome {
        match request.header("x-canary") {
            Some(value) if value == "1" => Outcome::to(&self.config.backend),
            _ => Outcome::next().set_header("x-policy", self.config.mark.as_str()),
        }
    }
}

cardea_policy_sdk::export!(Conformance: request_body, response, complete);

#[cfg(test)]
mod tests;
