//! Answers 503 with a page while work is being done, but for open paths and for those who do the work.

mod page;
mod time;

use std::time::Duration;

use cardea_policy_sdk::net::IpRange;
use cardea_policy_sdk::{Outcome, Policy, Reply, Request, Value, clock, path};
use page::Page;
use serde::Deserialize;
use subtle::ConstantTimeEq;
use time::Time;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    #[serde(default = "yes")]
    enabled: bool,
    /// The window; open on the side that is not given.
    from: Option<Time>,
    until: Option<Time>,
    /// What clients are told where no `until` is.
    #[serde(default = "ten_minutes", with = "cardea_policy_sdk::duration")]
    retry_after: Duration,
    #[serde(default)]
    page: Page,
    #[serde(default)]
    admit: Admit,
    /// Prefixes, by whole elements.
    #[serde(default)]
    open_paths: Vec<String>,
}

/// Who gets through.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Admit {
    clients: Vec<IpRange>,
    header: Option<Secret>,
    cookie: Option<Secret>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Secret {
    name: String,
    value: String,
}

fn yes() -> bool {
    true
}

fn ten_minutes() -> Duration {
    Duration::from_secs(600)
}

#[derive(Debug)]
pub struct Maintenance {
    config: Config,
}

impl Policy for Maintenance {
    type Config = Config;

    fn new(config: Config) -> Result<Self, String> {
        if let (Some(from), Some(until)) = (&config.from, &config.until)
            && from.ms >= until.ms
        {
            return Err("config.until: not after config.from".to_string());
        }
        let secrets = config.admit.header.iter().chain(&config.admit.cookie);
        if let Some(empty) = secrets.into_iter().find(|secret| secret.value.is_empty()) {
            return Err(format!("config.admit: {} has an empty value, which admits too many", empty.name));
        }
        Ok(Maintenance { config })
    }

    fn on_request(&mut self, request: &Request) -> Outcome {
        let Some(retry_after) = self.closed_for() else {
            return Outcome::next();
        };
        if self.admits(request) {
            return Outcome::next().label("maintenance", "admitted");
        }
        let reply = Reply::new(503)
            .header("content-type", self.config.page.content_type())
            .header("cache-control", "no-store")
            .header("retry-after", retry_after.as_secs().max(1).to_string())
            .body(self.config.page.body());
        Outcome::respond(reply).label("maintenance", "closed")
    }
}

impl Maintenance {
    /// `None`: open. The clock is read only where a window is given.
    fn closed_for(&self) -> Option<Duration> {
        let Config { enabled, from, until, retry_after, .. } = &self.config;
        if !enabled {
            return None;
        }
        if from.is_none() && until.is_none() {
            return Some(*retry_after);
        }
        let now_ms = clock::now_ms();
        if from.as_ref().is_some_and(|from| now_ms < from.ms) {
            return None;
        }
        match until {
            Some(until) if now_ms >= until.ms => None,
            Some(until) => Some(Duration::from_secs((until.ms - now_ms).div_ceil(1000))),
            None => Some(*retry_after),
        }
    }

    fn admits(&self, request: &Request) -> bool {
        let admit = &self.config.admit;
        let matches = |secret: &Secret, sent: Option<Value>| {
            sent.is_some_and(|sent| bool::from(secret.value.as_bytes().ct_eq(sent.as_bytes())))
        };
        let open = || {
            let asked = request.path();
            self.config.open_paths.iter().any(|prefix| path::under(&asked, prefix))
        };
        let inside = || {
            let client = request.client();
            admit.clients.iter().any(|range| range.contains(client))
        };
        (!self.config.open_paths.is_empty() && open())
            || (!admit.clients.is_empty() && inside())
            || admit.header.as_ref().is_some_and(|secret| matches(secret, request.header(&secret.name)))
            || admit.cookie.as_ref().is_some_and(|secret| matches(secret, request.cookie(&secret.name)))
    }
}

cardea_policy_sdk::export!(Maintenance);

#[cfg(test)]
mod tests;
