//! Every counter of the data plane, with its exported name, in one file.
//!
//! A counter has one writer, its worker, so that adding is a load and a store; a scrape sums over workers.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::adopted::Adopted;

/// Written by one thread, read by any.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, amount: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
    }

    /// For gauges: the value now.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Upper bounds of the duration histograms, microseconds.
const BUCKETS_US: [u64; 13] =
    [500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 10_000_000];
const CLASSES: [&str; 6] = ["other", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// What one worker saw of one route or backend.
#[derive(Debug, Default)]
pub struct Shard {
    by_class: [Counter; CLASSES.len()],
    /// Not cumulative; the last counts what is above every bound.
    buckets: [Counter; BUCKETS_US.len() + 1],
    sum_us: Counter,
}

impl Shard {
    pub fn observe(&self, status: u16, duration: Duration) {
        let class = usize::from(status / 100);
        if let Some(counter) = self.by_class.get(class).or(self.by_class.first()) {
            counter.add(1);
        }
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS_US.iter().position(|bound| us <= *bound).unwrap_or(BUCKETS_US.len());
        if let Some(counter) = self.buckets.get(bucket) {
            counter.add(1);
        }
        self.sum_us.add(us);
    }
}

/// Counters of a route or backend, one shard a worker, made at its first use.
#[derive(Debug)]
pub struct Sharded {
    shards: Box<[OnceLock<Box<Shard>>]>,
}

impl Sharded {
    pub fn new(workers: usize) -> Self {
        Self { shards: (0..workers).map(|_| OnceLock::new()).collect() }
    }

    pub fn shard(&self, worker: usize) -> Option<&Shard> {
        self.shards.get(worker).map(|shard| &**shard.get_or_init(Box::default))
    }

    fn sum(&self, counter: impl Fn(&Shard) -> Option<&Counter>) -> u64 {
        self.shards.iter().filter_map(|shard| shard.get()).filter_map(|shard| counter(shard)).map(Counter::get).sum()
    }

    fn is_unused(&self) -> bool {
        self.shards.iter().all(|shard| shard.get().is_none())
    }
}

/// What one worker counts of itself.
#[derive(Debug, Default)]
pub struct WorkerCounters {
    pub connections_accepted: Counter,
    pub connections_open: Counter,
    pub accept_errors: Counter,
    pub tls_failures: Counter,
    /// By the order of [`PROXY_PROTOCOL`].
    proxy_protocol: [Counter; PROXY_PROTOCOL.len()],
    pub requests_in_flight: Counter,
    pub retries: Counter,
    pub log_lines_dropped: Counter,
    /// By the order of [`failure_labels`].
    failures: [Counter; OWN.len() + cardea_policy::Failure::LABELS.len()],
}

/// Labels of [`crate::failure::Failure`] that are the data plane's own; policies' follow them.
const OWN: [&str; 18] = [
    "bad_request",
    "uri_too_long",
    "header_too_large",
    "body_too_large",
    "request_timeout",
    "not_implemented",
    "expectation",
    "version",
    "no_route",
    "unavailable",
    "no_endpoints",
    "connect_failed",
    "connect_timeout",
    "upstream_timeout",
    "upstream_reset",
    "upstream_protocol",
    "client_gone",
    "draining",
];

fn failure_labels() -> impl Iterator<Item = &'static str> {
    OWN.into_iter().chain(cardea_policy::Failure::LABELS)
}

/// Why a connection that owed a PROXY protocol header was closed.
const PROXY_PROTOCOL: [&str; 5] = ["missing", "malformed", "too_long", "broken_off", "timeout"];

impl WorkerCounters {
    pub fn refuse_proxied(&self, label: &str) {
        let index = PROXY_PROTOCOL.iter().position(|known| *known == label);
        if let Some(counter) = index.and_then(|index| self.proxy_protocol.get(index)) {
            counter.add(1);
        }
    }

    pub fn fail(&self, label: &str) {
        let index = failure_labels().position(|known| known == label);
        if let Some(counter) = index.and_then(|index| self.failures.get(index)) {
            counter.add(1);
        }
    }
}

/// All counters of the process.
#[derive(Debug)]
pub struct Metrics {
    workers: Box<[Arc<WorkerCounters>]>,
    /// By route name.
    routes: Adopted<Sharded>,
    pub generation: Counter,
    pub generations_published: Counter,
    pub problems: Counter,
    pub policy_load_failures: Counter,
}

impl Metrics {
    pub fn new(workers: usize) -> Self {
        Self {
            workers: (0..workers).map(|_| Arc::default()).collect(),
            routes: Adopted::default(),
            generation: Counter::default(),
            generations_published: Counter::default(),
            problems: Counter::default(),
            policy_load_failures: Counter::default(),
        }
    }

    pub fn worker(&self, id: usize) -> Arc<WorkerCounters> {
        self.workers.get(id).cloned().unwrap_or_default()
    }

    pub fn workers(&self) -> usize {
        self.workers.len()
    }

    /// The counters of a route's name, from now on used once more.
    pub fn adopt_route(&self, name: &Arc<str>) -> Arc<Sharded> {
        self.routes.adopt(name, || Sharded::new(self.workers.len()))
    }

    /// Takes back one [`Metrics::adopt_route`].
    pub fn forget_route(&self, name: &str) {
        self.routes.forget(name);
    }
}

/// Prometheus text exposition, version 0.0.4.
pub struct Exposition {
    pub text: String,
}

impl Exposition {
    pub fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.text.push_str(name);
        for (index, (key, value)) in labels.iter().enumerate() {
            let _ = write!(self.text, "{}{key}=\"{}\"", if index == 0 { '{' } else { ',' }, escape(value));
        }
        let _ = writeln!(self.text, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn seconds(us: u64) -> f64 {
    std::time::Duration::from_micros(us).as_secs_f64()
}

/// Everything that the data plane counts, ready for a scrape.
pub fn render(shared: &crate::worker::Shared) -> Exposition {
    let mut out = Exposition { text: String::new() };
    let metrics = &shared.metrics;
    process(&mut out, metrics);
    let routes = metrics.routes.all();
    group(&mut out, "route", "requests by route", routes.iter().map(|(name, sharded)| (&**name, &**sharded)));
    let backends = shared.registry.all();
    group(&mut out, "backend", "requests by backend", backends.iter().map(|state| (&*state.name, &state.stats)));
    out.family("cardea_backend_endpoints", "gauge", "Endpoints that a backend has now.");
    for state in &backends {
        out.sample("cardea_backend_endpoints", &[("backend", &state.name)], state.endpoints.load().endpoints.len());
    }
    out
}

fn process(out: &mut Exposition, metrics: &Metrics) {
    let sum = |counter: fn(&WorkerCounters) -> &Counter| {
        metrics.workers.iter().map(|worker| counter(worker).get()).sum::<u64>()
    };
    let mut one = |name: &str, kind: &str, help: &str, value: u64| {
        out.family(name, kind, help);
        out.sample(name, &[], value);
    };
    one(
        "cardea_connections_accepted_total",
        "counter",
        "Client connections accepted.",
        sum(|c| &c.connections_accepted),
    );
    one("cardea_connections_open", "gauge", "Client connections open now.", sum(|c| &c.connections_open));
    one("cardea_accept_errors_total", "counter", "Failed or postponed accepts.", sum(|c| &c.accept_errors));
    one("cardea_tls_handshake_failures_total", "counter", "TLS handshakes that failed.", sum(|c| &c.tls_failures));
    one("cardea_requests_in_flight", "gauge", "Requests being served now.", sum(|c| &c.requests_in_flight));
    one("cardea_upstream_retries_total", "counter", "Requests sent to a backend again.", sum(|c| &c.retries));
    one(
        "cardea_access_log_lines_dropped_total",
        "counter",
        "Access lines lost to a slow reader.",
        sum(|c| &c.log_lines_dropped),
    );
    one("cardea_config_generation", "gauge", "Number of the live generation.", metrics.generation.get());
    one("cardea_config_generations_total", "counter", "Generations published.", metrics.generations_published.get());
    one("cardea_config_problems", "gauge", "Problems in the declared objects.", metrics.problems.get());
    one(
        "cardea_policy_load_failures_total",
        "counter",
        "Policy versions that did not go live.",
        metrics.policy_load_failures.get(),
    );
    out.family(
        "cardea_proxy_protocol_failures_total",
        "counter",
        "Connections closed for want of a valid PROXY protocol header, by reason.",
    );
    for (index, label) in PROXY_PROTOCOL.iter().enumerate() {
        let counters = metrics.workers.iter().filter_map(|worker| worker.proxy_protocol.get(index));
        let value: u64 = counters.map(Counter::get).sum();
        out.sample("cardea_proxy_protocol_failures_total", &[("reason", label)], value);
    }
    out.family("cardea_failures_total", "counter", "Requests that the ingress itself failed, by reason.");
    for (index, label) in failure_labels().enumerate() {
        let value: u64 = metrics.workers.iter().filter_map(|worker| worker.failures.get(index)).map(Counter::get).sum();
        out.sample("cardea_failures_total", &[("reason", label)], value);
    }
}

fn group<'a>(out: &mut Exposition, noun: &str, what: &str, items: impl Iterator<Item = (&'a str, &'a Sharded)>) {
    let used: Vec<_> = items.filter(|(_, sharded)| !sharded.is_unused()).collect();
    let total = format!("cardea_{noun}_requests_total");
    out.family(&total, "counter", &format!("Finished {what} and status class."));
    for (name, sharded) in &used {
        for (index, class) in CLASSES.iter().enumerate() {
            let value = sharded.sum(|shard| shard.by_class.get(index));
            if value > 0 {
                out.sample(&total, &[(noun, name), ("class", class)], value);
            }
        }
    }
    let duration = format!("cardea_{noun}_request_duration_seconds");
    out.family(&duration, "histogram", &format!("Duration of {what}."));
    for (name, sharded) in used {
        histogram(out, &duration, noun, name, sharded);
    }
}

fn histogram(out: &mut Exposition, family: &str, noun: &str, name: &str, sharded: &Sharded) {
    let mut count = 0;
    let bucket = format!("{family}_bucket");
    for (index, bound) in BUCKETS_US.iter().enumerate() {
        count += sharded.sum(|shard| shard.buckets.get(index));
        out.sample(&bucket, &[(noun, name), ("le", &seconds(*bound).to_string())], count);
    }
    count += sharded.sum(|shard| shard.buckets.get(BUCKETS_US.len()));
    out.sample(&bucket, &[(noun, name), ("le", "+Inf")], count);
    out.sample(&format!("{family}_sum"), &[(noun, name)], seconds(sharded.sum(|shard| Some(&shard.sum_us))));
    out.sample(&format!("{family}_count"), &[(noun, name)], count);
}

#[cfg(test)]
mod tests;
