//! Every interface beyond the exchange: log, metrics, clock, random, kept values, counters.

use std::time::Duration;

use cardea_policy_sdk::log::{self, Level};
use cardea_policy_sdk::metrics::{Counter, Gauge, Histogram};
use cardea_policy_sdk::{Outcome, Request, clock, counters, kv, random};

use crate::config::Config;
use crate::text::{absent, hex, number, parameter, text};

pub fn outcome(path: &str, request: &Request, config: &Config) -> Option<Outcome> {
    let outcome = match path {
        "/log" => text(write(&parameter(request, "text"))),
        "/metrics" => text(series()),
        "/clock" => time(),
        "/clock/since" => since(),
        "/random/u64" => text(random::next_u64().to_string()),
        "/random/bytes" => text(hex(&random::bytes(number(request, "len", 0)))),
        "/fail" => fail(),
        _ => return kept(path, request).or_else(|| counted(path, request, config)),
    };
    Some(outcome)
}

fn write(line: &str) -> String {
    let level = |level| {
        let enabled = log::enabled(level);
        if enabled {
            log::write(level, line);
        }
        if enabled { '1' } else { '0' }
    };
    [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error].into_iter().map(level).collect()
}

fn series() -> &'static str {
    Counter::new("conformance_calls").add(1);
    let level = Gauge::new("conformance_level");
    level.set(-5);
    level.add(3);
    Histogram::new("conformance_size").observe(42);
    Counter::new("conformance_calls").add(1);
    "measured"
}

fn time() -> Outcome {
    let (now, ticks) = (clock::now_ms(), clock::monotonic_us());
    let frozen = clock::now_ms() == now && clock::monotonic_us() == ticks;
    text(format!("{now} {}", if frozen { "frozen" } else { "moved" }))
}

fn since() -> Outcome {
    let now = clock::monotonic_us();
    let before = kv::get("since").and_then(|entry| String::from_utf8(entry.value).ok()?.parse::<u64>().ok());
    let _ = kv::set("since", now.to_string().as_bytes(), Duration::ZERO);
    text(before.map_or("first".to_string(), |before| now.saturating_sub(before).to_string()))
}

fn milliseconds(request: &Request, name: &str) -> Duration {
    Duration::from_millis(number(request, name, 0))
}

fn kept(path: &str, request: &Request) -> Option<Outcome> {
    let (operation, key) = (path.strip_prefix("/kv/")?, parameter(request, "key"));
    let outcome = match operation {
        "get" => match kv::get(&key) {
            Some(entry) => text([format!("{} ", entry.version).into_bytes(), entry.value].concat()),
            None => absent(),
        },
        "set" => {
            let value = match request.query_param("size").and_then(|size| size.parse().ok()) {
                Some(size) => vec![b'x'; size],
                None => parameter(request, "value").into_bytes(),
            };
            written(kv::set(&key, &value, milliseconds(request, "ttl")))
        }
        "cas" => {
            let (version, value) = (number(request, "version", 0), parameter(request, "value"));
            written(kv::compare_and_set(&key, version, value.as_bytes(), milliseconds(request, "ttl")))
        }
        "delete" => {
            kv::delete(&key);
            text("deleted")
        }
        _ => return None,
    };
    Some(outcome)
}

fn written(result: Result<u64, kv::Error>) -> Outcome {
    text(match result {
        Ok(version) => format!("version {version}"),
        Err(kv::Error::Denied) => "error denied".to_string(),
        Err(kv::Error::Quota) => "error quota".to_string(),
        Err(kv::Error::TooLarge) => "error too-large".to_string(),
        Err(kv::Error::Invalid) => "error invalid".to_string(),
        Err(kv::Error::Conflict) => "error conflict".to_string(),
    })
}

fn counted(path: &str, request: &Request, config: &Config) -> Option<Outcome> {
    let (operation, key) = (path.strip_prefix("/counters/")?, parameter(request, "key"));
    let outcome = match operation {
        "add" => counters::add(&key, number(request, "delta", 0), milliseconds(request, "ttl")).to_string(),
        "get" => counters::get(&key).to_string(),
        "take" => {
            let (cost, limit) = (number(request, "cost", 1), u32::try_from(config.limit).unwrap_or(u32::MAX));
            let bucket = counters::take(&key, cost, limit, milliseconds(request, "window"));
            let allowed = if bucket.allowed { "allowed" } else { "refused" };
            format!("{allowed} {} {}", bucket.remaining, bucket.retry_after_ms)
        }
        _ => return None,
    };
    Some(text(outcome))
}

#[expect(clippy::panic, reason = "to fail is what is asked")]
fn fail() -> Outcome {
    panic!("as asked")
}
