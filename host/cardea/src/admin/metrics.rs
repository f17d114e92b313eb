//! The scrape: what the data plane counts, then what policies did.

use std::collections::BTreeMap;

use cardea_policy::{DURATION_BOUNDS_NS, PolicySnapshot, UserValue};
use cardea_proxy::metrics::{Exposition, render as render_data_plane};

use super::Admin;

pub fn render(admin: &Admin) -> String {
    let mut out = render_data_plane(&admin.shared);
    out.family("cardea_event_lines_dropped_total", "counter", "Lines of events that nobody took from stderr in time.");
    out.sample("cardea_event_lines_dropped_total", &[], crate::event::lines_dropped());
    let policies = admin.state.stats();
    counts(&mut out, &policies);
    durations(&mut out, &policies);
    user(&mut out, &policies);
    if let Some(source) = &admin.source {
        super::source::metrics(&mut out, &source.seen());
    }
    if let Some(counters) = &admin.admission {
        super::admission::metrics(&mut out, counters);
    }
    out.text
}

fn counts(out: &mut Exposition, policies: &[PolicySnapshot]) {
    let mut one = |name: &str, kind: &str, help: &str, value: fn(&PolicySnapshot) -> u64| {
        out.family(name, kind, help);
        for policy in policies {
            out.sample(name, &[("policy", &policy.name)], value(policy));
        }
    };
    one("cardea_policy_instances_created_total", "counter", "Instances made.", |p| p.instances_created);
    one("cardea_policy_instances_recycled_total", "counter", "Instances retired.", |p| p.instances_recycled);
    one("cardea_policy_log_lines_dropped_total", "counter", "Log lines over the bounds.", |p| p.logs_dropped);
    one("cardea_policy_kv_entries", "gauge", "Entries kept in kv-local.", |p| p.kv_entries);
    one("cardea_policy_kv_bytes", "gauge", "Bytes kept in kv-local.", |p| p.kv_bytes);
    one("cardea_policy_counters", "gauge", "Counters kept.", |p| p.counters);
    one("cardea_policy_counters_evicted_total", "counter", "Counters that went before their time.", |p| {
        p.counters_evicted
    });
    one("cardea_policy_series_refused_total", "counter", "User series over the bound.", |p| p.series_refused);
    out.family("cardea_policy_decisions_total", "counter", "Decisions by kind.");
    for policy in policies {
        for (kind, count) in policy.decisions.iter().filter(|(_, count)| *count > 0) {
            out.sample("cardea_policy_decisions_total", &[("policy", &policy.name), ("decision", kind.label())], count);
        }
    }
    out.family("cardea_policy_failures_total", "counter", "Failed calls by reason.");
    for policy in policies {
        for (label, count) in policy.failures.iter().filter(|(_, count)| *count > 0) {
            out.sample("cardea_policy_failures_total", &[("policy", &policy.name), ("reason", label)], count);
        }
    }
}

/// The sum of the histogram is the time that a policy took of its workers: calls are synchronous.
fn durations(out: &mut Exposition, policies: &[PolicySnapshot]) {
    const FAMILY: &str = "cardea_policy_call_duration_seconds";
    out.family(FAMILY, "histogram", "Time of a worker that guest calls took, instantiation included.");
    for policy in policies {
        let bounds = DURATION_BOUNDS_NS.map(|bound| seconds(bound).to_string());
        let pairs = bounds.iter().map(String::as_str).zip(policy.durations);
        histogram(out, FAMILY, &policy.name, pairs, policy.calls, seconds(policy.nanoseconds));
    }
}

fn seconds(nanoseconds: u64) -> f64 {
    std::time::Duration::from_nanos(nanoseconds).as_secs_f64()
}

fn histogram<'a>(
    out: &mut Exposition,
    family: &str,
    policy: &str,
    buckets: impl Iterator<Item = (&'a str, u64)>,
    count: u64,
    sum: impl std::fmt::Display,
) {
    let name = format!("{family}_bucket");
    let mut cumulative = 0;
    for (bound, bucket) in buckets {
        cumulative += bucket;
        out.sample(&name, &[("policy", policy), ("le", bound)], cumulative);
    }
    out.sample(&name, &[("policy", policy), ("le", "+Inf")], count);
    out.sample(&format!("{family}_sum"), &[("policy", policy)], sum);
    out.sample(&format!("{family}_count"), &[("policy", policy)], count);
}

/// Series that policies made, by family: two policies may use one name, even for different kinds.
fn user(out: &mut Exposition, policies: &[PolicySnapshot]) {
    let mut families: BTreeMap<(String, &str), Vec<(&str, &UserValue)>> = BTreeMap::new();
    for policy in policies {
        for metric in &policy.user_metrics {
            let (suffix, kind) = match metric.value {
                UserValue::Counter(_) => ("_total", "counter"),
                UserValue::Gauge(_) => ("", "gauge"),
                UserValue::Histogram { .. } => ("_distribution", "histogram"),
            };
            let family = format!("cardea_policy_user_{}{suffix}", metric.name);
            families.entry((family, kind)).or_default().push((&policy.name, &metric.value));
        }
    }
    for ((family, kind), samples) in families {
        out.family(&family, kind, "A series of a policy's own.");
        for (policy, value) in samples {
            match value {
                UserValue::Counter(value) => out.sample(&family, &[("policy", policy)], value),
                UserValue::Gauge(value) => out.sample(&family, &[("policy", policy)], value),
                UserValue::Histogram { buckets, above, sum } => {
                    let bounds: Vec<_> = buckets.iter().map(|(bound, count)| (bound.to_string(), *count)).collect();
                    let count = buckets.iter().map(|(_, count)| count).sum::<u64>() + above;
                    let pairs = bounds.iter().map(|(bound, count)| (bound.as_str(), *count));
                    histogram(out, &family, policy, pairs, count, sum);
                }
            }
        }
    }
}
