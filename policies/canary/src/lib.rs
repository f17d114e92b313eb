//! Sends some requests to another backend: by header, then by cookie, then a share of the rest.

mod share;

use cardea_policy_sdk::{Outcome, Policy, Request, Value};
use serde::Deserialize;
use share::{Share, Sticky};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// A backend that the route declares.
    backend: String,
    header: Option<Mark>,
    cookie: Option<Mark>,
    /// 0 to 100, fractions allowed.
    #[serde(default)]
    percent: f64,
    sticky: Option<Sticky>,
}

/// A header or cookie that decides.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    name: String,
    /// With a value: exactly this one chooses the canary, any other says nothing. Without: `always` and `never` decide.
    value: Option<String>,
}

impl Mark {
    /// `None` where the value says nothing.
    fn decides(&self, value: Option<Value>) -> Option<bool> {
        let value = value?;
        match &self.value {
            Some(wanted) => (value == wanted.as_str()).then_some(true),
            None if value == "always" => Some(true),
            None if value == "never" => Some(false),
            None => None,
        }
    }
}

#[derive(Debug)]
pub struct Canary {
    backend: String,
    header: Option<Mark>,
    cookie: Option<Mark>,
    share: Share,
}

impl Policy for Canary {
    type Config = Config;

    fn new(config: Config) -> Result<Self, String> {
        if config.backend.is_empty() {
            return Err("config.backend: name a backend that the route declares".to_string());
        }
        let share = Share::new(config.percent, config.sticky, &config.backend)?;
        Ok(Canary { backend: config.backend, header: config.header, cookie: config.cookie, share })
    }

    fn on_request(&mut self, request: &Request) -> Outcome {
        if let Some(mark) = &self.header
            && let Some(chosen) = mark.decides(request.header(&mark.name))
        {
            return self.outcome(chosen, "header");
        }
        if let Some(mark) = &self.cookie
            && let Some(chosen) = mark.decides(request.cookie(&mark.name))
        {
            return self.outcome(chosen, "cookie");
        }
        let draw = self.share.draw(request);
        let outcome = self.outcome(draw.chosen, "percent");
        match draw.cookie {
            Some(cookie) => outcome.append_response_header("set-cookie", cookie),
            None => outcome,
        }
    }
}

impl Canary {
    fn outcome(&self, chosen: bool, by: &str) -> Outcome {
        if chosen { Outcome::to(&self.backend).label("canary", by) } else { Outcome::next() }
    }
}

cardea_policy_sdk::export!(Canary);

#[cfg(test)]
mod tests;
