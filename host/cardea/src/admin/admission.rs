//! What the admin listener says of the webhook: what it answered, and how long the checks took.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use cardea_proxy::metrics::Exposition;

use crate::admission::Counters;

pub(super) fn metrics(out: &mut Exposition, counters: &Counters) {
    const REVIEWS: &str = "cardea_admission_reviews_total";
    let count = |counter: &AtomicU64| counter.load(Relaxed);
    out.family(REVIEWS, "counter", "Reviews by what became of them; malformed ones got an HTTP error.");
    let outcomes = [("allowed", &counters.allowed), ("refused", &counters.refused), ("malformed", &counters.malformed)];
    for (outcome, counter) in outcomes {
        out.sample(REVIEWS, &[("outcome", outcome)], count(counter));
    }
    out.family("cardea_admission_warnings_total", "counter", "Warnings told to those who wrote objects.");
    out.sample("cardea_admission_warnings_total", &[], count(&counters.warnings));
    out.family("cardea_admission_check_seconds_total", "counter", "Time that checks took, without the network.");
    let spent = Duration::from_nanos(count(&counters.nanoseconds)).as_secs_f64();
    out.sample("cardea_admission_check_seconds_total", &[], spent);
}
