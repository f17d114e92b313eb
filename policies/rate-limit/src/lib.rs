//! Limits how often someone may call: one token bucket (GCRA) of this ingress process for each key.

mod key;

use std::time::Duration;

use cardea_policy_sdk::counters::{self, Bucket};
use cardea_policy_sdk::net::IpRange;
use cardea_policy_sdk::{Outcome, Policy, Request, path};
use key::Part;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Requests in each `window`.
    limit: u32,
    #[serde(with = "cardea_policy_sdk::duration")]
    window: Duration,
    /// Requests at once; `limit`, if not given.
    burst: Option<u32>,
    /// What a bucket is for.
    #[serde(default = "by_client")]
    key: Vec<Part>,
    #[serde(default)]
    exempt: Exempt,
    /// Of the quota, in the RateLimit headers and as a prefix of its keys.
    #[serde(default = "default_name")]
    name: String,
    /// Whether answers carry RateLimit and RateLimit-Policy.
    #[serde(default = "yes")]
    headers: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exempt {
    #[serde(default)]
    clients: Vec<IpRange>,
    /// Prefixes, by whole elements.
    #[serde(default)]
    paths: Vec<String>,
}

fn by_client() -> Vec<Part> {
    vec![Part::Client]
}

fn default_name() -> String {
    "default".to_string()
}

fn yes() -> bool {
    true
}

#[derive(Debug)]
pub struct RateLimit {
    config: Config,
    burst: u32,
    /// In which an empty bucket fills: `window` for `limit`, longer for a larger burst.
    refill: Duration,
    /// The value of RateLimit-Policy.
    announced: String,
}

impl Policy for RateLimit {
    type Config = Config;

    fn new(config: Config) -> Result<Self, String> {
        check(&config)?;
        let burst = config.burst.unwrap_or(config.limit);
        let refill_ms = config.window.as_millis() * u128::from(burst) / u128::from(config.limit);
        let refill_ms = u32::try_from(refill_ms).ok().filter(|ms| *ms > 0);
        let refill_ms = refill_ms.ok_or("config.window: the burst fills in less than 1ms or in more than 49 days")?;
        let window = config.window.as_secs().max(1).to_string();
        let announced = ["\"", &config.name, "\";q=", &config.limit.to_string(), ";w=", &window].concat();
        Ok(RateLimit { burst, refill: Duration::from_millis(refill_ms.into()), announced, config })
    }

    fn on_request(&mut self, request: &Request) -> Outcome {
        if self.exempts(request) {
            return Outcome::next();
        }
        let bucket = counters::take(&key::of(&self.config.name, &self.config.key, request), 1, self.burst, self.refill);
        if !bucket.allowed {
            let denial = Outcome::deny(429, "rate-limit").retry_after_ms(bucket.retry_after_ms);
            let after = u64::from(bucket.retry_after_ms).div_ceil(1000);
            return self.announce(denial, &bucket, after, Outcome::with_header);
        }
        let spent = u64::from(self.burst.saturating_sub(bucket.remaining));
        let full_again_ms = spent * self.refill.as_millis() as u64 / u64::from(self.burst);
        self.announce(Outcome::next(), &bucket, full_again_ms.div_ceil(1000), Outcome::set_response_header)
    }
}

fn check(config: &Config) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if config.limit == 0 {
        return Err("config.limit: at least 1; to refuse everything use access-control".to_string());
    }
    if config.burst == Some(0) {
        return Err("config.burst: at least 1".to_string());
    }
    if config.key.is_empty() {
        return Err("config.key: at least one part".to_string());
    }
    if !(1..=32).contains(&config.name.len()) || !config.name.bytes().all(is_plain) {
        return Err("config.name: 1 to 32 letters, digits, '-', '_' or '.'".to_string());
    }
    Ok(())
}

impl RateLimit {
    fn exempts(&self, request: &Request) -> bool {
        let exempt = &self.config.exempt;
        if !exempt.clients.is_empty() {
            let client = request.client();
            if exempt.clients.iter().any(|range| range.contains(client)) {
                return true;
            }
        }
        if exempt.paths.is_empty() {
            return false;
        }
        let asked = request.path();
        exempt.paths.iter().any(|prefix| path::under(&asked, prefix))
    }

    /// Adds the fields of draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4.
    fn announce(
        &self,
        outcome: Outcome,
        bucket: &Bucket,
        seconds: u64,
        add: fn(Outcome, &'static str, String) -> Outcome,
    ) -> Outcome {
        if !self.config.headers {
            return outcome;
        }
        let remaining = bucket.remaining.to_string();
        let left = ["\"", &self.config.name, "\";r=", &remaining, ";t=", &seconds.to_string()].concat();
        add(add(outcome, "ratelimit-policy", self.announced.clone()), "ratelimit", left)
    }
}

cardea_policy_sdk::export!(RateLimit);

#[cfg(test)]
mod tests;
