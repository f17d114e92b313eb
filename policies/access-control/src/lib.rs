//! Decides who may come in. The checks run in a fixed order, and the first that fails answers:
//!
//! 1. `except`: these paths are not checked at all;
//! 2. `deny` addresses: 403;
//! 3. `methods`: 405;
//! 4. `paths`, denied ones first: 403;
//! 5. `headers`: 403;
//! 6. `allow` addresses: 403, and `basic`: 401; with `satisfy: any` one of these two is enough.

mod basic;
mod config;
mod password;

use cardea_policy_sdk::net::IpRange;
use cardea_policy_sdk::{Outcome, Policy, Request, path};

use basic::Basic;
pub use config::Config;
use config::{Required, Satisfy};

#[derive(Debug)]
pub struct AccessControl {
    config: Config,
    basic: Option<Basic>,
    /// The value of Allow.
    allowed_methods: String,
}

impl Policy for AccessControl {
    type Config = Config;

    fn new(mut config: Config) -> Result<Self, String> {
        config.check()?;
        let basic = config.basic.take().map(Basic::new).transpose()?;
        if config.satisfy == Satisfy::Any && (config.allow.is_empty() || basic.is_none()) {
            return Err("config.satisfy: `any` needs both `allow` and `basic`".to_string());
        }
        let allowed_methods = config.methods.join(", ");
        Ok(AccessControl { config, basic, allowed_methods })
    }

    fn on_request(&mut self, request: &Request) -> Outcome {
        let asked = if self.config.asks_path() { request.path() } else { String::new() };
        if self.config.except.iter().any(|prefix| path::under(&asked, prefix)) {
            return Outcome::next();
        }
        match self.refusal(request, &asked) {
            Some(refusal) => refusal,
            None => self.identify(request),
        }
    }
}

impl AccessControl {
    /// The checks that need nobody's identity.
    fn refusal(&self, request: &Request, asked: &str) -> Option<Outcome> {
        let Config { deny, methods, paths, headers, .. } = &self.config;
        if !deny.is_empty() && in_any(deny, request) {
            return Some(Outcome::deny(403, "address"));
        }
        if !methods.is_empty() && !methods.contains(&request.method()) {
            return Some(Outcome::deny(405, "method").with_header("allow", self.allowed_methods.as_str()));
        }
        if !paths.admit(asked) {
            return Some(Outcome::deny(403, "path"));
        }
        let missing = headers.iter().find(|required| !holds(required, request))?;
        Some(Outcome::deny(403, "header").label("missing-header", &missing.name))
    }

    fn identify(&mut self, request: &Request) -> Outcome {
        let by_address = self.config.allow.is_empty() || in_any(&self.config.allow, request);
        let any = self.config.satisfy == Satisfy::Any;
        match &mut self.basic {
            _ if !by_address && !any => Outcome::deny(403, "address"),
            Some(basic) if by_address && any => basic.anonymous(),
            Some(basic) => basic.authenticate(request),
            None => Outcome::next(),
        }
    }
}

fn in_any(ranges: &[IpRange], request: &Request) -> bool {
    let client = request.client();
    ranges.iter().any(|range| range.contains(client))
}

fn holds(required: &Required, request: &Request) -> bool {
    request.header(&required.name).is_some_and(|value| required.accepts(value.as_bytes()))
}

cardea_policy_sdk::export!(AccessControl);

#[cfg(test)]
mod tests;
