//! Tells problems as Events, slowly: they are for people.

use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::events::v1::Event;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::Common;
use super::api::{Refused, Server};
use super::statuses::sleep_until;
use crate::report::bucket::Bucket;
use crate::report::events::{Due, Reporter, Told};
use crate::report::{Applied, ObjectName};

/// Events a second, and at once.
const RATE: f64 = 5.0;
const BURST: u32 = 50;
/// Events before it is looked at again what is the matter.
const BATCH: usize = 50;
/// What is wrong for less than this is often only on its way, such as an Ingress whose Service comes with it.
const SETTLE: Duration = Duration::from_secs(1);
const AFTER_FAILURE: Duration = Duration::from_secs(10);

pub(super) struct Teller {
    common: Common,
    server: Server,
    reporter: Reporter,
    bucket: Bucket,
    told: Told,
}

impl Teller {
    pub fn new(common: Common, server: Server, reporter: Reporter) -> Self {
        Self { common, server, reporter, bucket: Bucket::new(RATE, BURST, Instant::now()), told: Told::default() }
    }

    pub async fn run(mut self) {
        let mut stopped = self.common.stopped.clone();
        // An Event that is cut short was made or was not; the next leader finds out.
        tokio::select! {
            () = self.follow() => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    }

    async fn follow(&mut self) {
        let (mut due, mut leads) = (None, false);
        loop {
            // Nothing is lost where one of them is dropped: each only says that it is time to look.
            let goes_on = tokio::select! {
                changed = self.common.applied.changed() => changed.is_ok(),
                goes_on = self.common.leadership.turned(&mut leads) => goes_on,
                () = sleep_until(due) => true,
            };
            if !goes_on {
                return;
            }
            tokio::time::sleep(SETTLE).await;
            let applied = Arc::clone(&self.common.applied.borrow_and_update());
            due = match self.common.leadership.is_held() {
                true => self.round(&applied).await,
                false => None,
            };
        }
    }

    /// Tells what is due, and when to look again.
    async fn round(&mut self, applied: &Applied) -> Option<Instant> {
        let due = self.told.due(&applied.problems, &*self.common.known, Instant::now());
        let has_more = due.len() > BATCH;
        for due in due.into_iter().take(BATCH) {
            while let Err(wait) = self.bucket.take(Instant::now()) {
                tokio::time::sleep(wait).await;
            }
            if !self.common.leadership.is_held() {
                return None;
            }
            if self.tell(&due).await == Err(Refused::ForNow) {
                return Some(Instant::now() + AFTER_FAILURE);
            }
            self.told.tell(due.problem.clone(), Instant::now());
        }
        if has_more { Some(Instant::now()) } else { self.told.next(&applied.problems) }
    }

    async fn tell(&self, due: &Due<'_>) -> Result<(), Refused> {
        let now = Timestamp::now();
        let event = due.event(&self.reporter, now);
        let name = ObjectName::new(due.namespace(), event.metadata.name.as_deref().unwrap_or_default());
        match self.server.create(&name, &event).await {
            Err(Refused::Conflict) => match self.told.times(due.problem) {
                // A leader before us told it, and not long ago: the server forgets Events.
                0 => Ok(()),
                times => self.server.patch::<Event>(&name, &again(times, now)).await.map(|_| ()),
            },
            done => done.map(|_| ()),
        }
    }
}

/// One more occurrence of the series, of which the Event itself was the first.
fn again(times: u32, now: Timestamp) -> Value {
    json!({ "series": { "count": times.saturating_add(1), "lastObservedTime": format!("{now:.6}") } })
}
