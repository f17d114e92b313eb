//! What the admin listener says of the cluster source: whether what serves may be out of date.

use std::time::{SystemTime, UNIX_EPOCH};

use cardea_control::cluster::{KindSeen, Seen};
use cardea_proxy::metrics::Exposition;

/// One line for a person; empty where all is well.
pub fn detail(seen: &Seen) -> String {
    let mut lines = String::new();
    if let Some(saved) = seen.snapshot {
        lines.push_str(&format!("serving the snapshot of {}: the API server has not answered yet\n", moment(saved)));
    } else if let Some(since) = seen.away_since {
        lines.push_str(&format!("the API server does not answer since {}: what was known serves\n", moment(since)));
    } else if let Some(since) = seen.stale_since {
        lines.push_str(&format!("may be out of date since {}\n", moment(since)));
    }
    for kind in &seen.kinds {
        if let Some(trouble) = &kind.trouble {
            lines.push_str(&format!("{}: {trouble}\n", kind.kind));
        }
    }
    lines
}

/// The kinds that nothing was heard of, while nothing serves.
pub fn missing(seen: &Seen) -> String {
    let missing: Vec<&str> = seen.kinds.iter().filter(|kind| !kind.synced).map(|kind| kind.kind).collect();
    match missing.as_slice() {
        [] => detail(seen),
        missing => format!("waiting for {}\n{}", missing.join(", "), detail(seen)),
    }
}

fn moment(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map_or_else(|_| "an unknown time".to_owned(), |time| format!("{time:.0}"))
}

pub fn metrics(out: &mut Exposition, seen: &Seen) {
    out.family("cardea_source_synced", "gauge", "1 once every kind was listed.");
    out.sample("cardea_source_synced", &[], u64::from(seen.synced));
    out.family("cardea_source_stale", "gauge", "1 while what serves may be out of date.");
    out.sample("cardea_source_stale", &[], u64::from(seen.stale_since.is_some()));
    out.family("cardea_source_last_contact_timestamp_seconds", "gauge", "The last word of the API server.");
    out.sample("cardea_source_last_contact_timestamp_seconds", &[], seen.contact.map_or(0, seconds));
    let mut of_kind = |name: &str, kind: &str, help: &str, value: fn(&KindSeen) -> u64| {
        out.family(name, kind, help);
        for seen in &seen.kinds {
            out.sample(name, &[("kind", seen.kind)], value(seen));
        }
    };
    of_kind("cardea_source_objects", "gauge", "Objects that are known.", |kind| kind.objects as u64);
    of_kind("cardea_source_kind_synced", "gauge", "1 once the kind was listed.", |kind| u64::from(kind.synced));
    of_kind("cardea_source_watch_failures_total", "counter", "Lists and watches that failed.", |kind| kind.failures);
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
