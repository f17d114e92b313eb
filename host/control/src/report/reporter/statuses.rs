//! Writes the status of Ingresses and Policies: what differs, one after the other, no faster than the bucket allows.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use serde_json::json;
use tokio::sync::watch;

use super::Common;
use super::api::{Refused, Server};
use crate::kube::policy::{Policy, PolicyStatus};
use crate::report::bucket::Bucket;
use crate::report::ledger::Ledger;
use crate::report::publish::Published;
use crate::report::status::{self, Wanted};
use crate::report::{Applied, AppliedPolicy, KnownIngress, KnownObject, ObjectName, conditions};

/// Writes a second, and at once. 5,000 Ingresses of a new installation take 100 s.
const RATE: f64 = 50.0;
const BURST: u32 = 100;
/// Writes before it is looked at again what is to be written.
const BATCH: usize = 50;
/// Changes that come together are looked at together.
const SETTLE: Duration = Duration::from_millis(100);
/// After a write that failed for a reason that has nothing to do with its object.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

pub(super) struct Statuses {
    common: Common,
    server: Server,
    published: watch::Receiver<Published>,
    bucket: Bucket,
    ingresses: Ledger<Wanted>,
    policies: Ledger<AppliedPolicy>,
    /// Ingresses that are of our classes or once were, since the process began.
    was_served: HashSet<ObjectName>,
    /// Of the generation that was looked at last.
    generation: u64,
}

/// Why a round of writes ended.
enum Round {
    /// There is nothing to write before this moment, if ever.
    Done(Option<Instant>),
    /// There is more; it may have changed.
    Full,
    /// Not the leader any more.
    Lost,
}

impl Statuses {
    pub fn new(common: Common, server: Server, published: watch::Receiver<Published>) -> Self {
        Self {
            common,
            server,
            published,
            bucket: Bucket::new(RATE, BURST, Instant::now()),
            ingresses: Ledger::default(),
            policies: Ledger::default(),
            was_served: HashSet::new(),
            generation: 0,
        }
    }

    pub async fn run(mut self) {
        let mut stopped = self.common.stopped.clone();
        // A write that is cut short was done or was not; the status is good either way.
        tokio::select! {
            () = self.follow() => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    }

    async fn follow(&mut self) {
        let mut changes = self.common.known.changes();
        let (mut due, mut leads) = (None, false);
        loop {
            // Nothing is lost where one of them is dropped: each only says that it is time to look.
            let goes_on = tokio::select! {
                changed = self.common.applied.changed() => changed.is_ok(),
                changed = changes.changed() => changed.is_ok(),
                changed = self.published.changed() => changed.is_ok(),
                goes_on = self.common.leadership.turned(&mut leads) => goes_on,
                () = sleep_until(due) => true,
            };
            if !goes_on {
                return;
            }
            tokio::time::sleep(SETTLE).await;
            changes.mark_unchanged();
            due = match self.round().await {
                Round::Done(due) => due,
                Round::Full => Some(Instant::now()),
                Round::Lost => None,
            };
        }
    }

    async fn round(&mut self) -> Round {
        let applied = Arc::clone(&self.common.applied.borrow_and_update());
        self.remember(&applied);
        if applied.generation == 0 || !self.common.leadership.is_held() {
            return Round::Lost;
        }
        let mut work = Work { left: BATCH, due: None };
        for policy in &applied.policies {
            if let Err(round) = self.policy(policy, &mut work).await {
                return round;
            }
        }
        let published = self.published.borrow_and_update().clone();
        let known = self.common.known.ingresses();
        for ingress in &known {
            if let Err(round) = self.ingress(ingress, &applied, &published, &mut work).await {
                return round;
            }
        }
        self.forget(&known, &applied);
        Round::Done(work.due)
    }

    fn remember(&mut self, applied: &Applied) {
        if std::mem::replace(&mut self.generation, applied.generation) != applied.generation {
            self.was_served.extend(applied.served.iter().cloned());
        }
    }

    /// Objects that are gone.
    fn forget(&mut self, known: &[KnownIngress], applied: &Applied) {
        let known: HashSet<&ObjectName> = known.iter().map(|ingress| &ingress.name).collect();
        self.was_served.retain(|name| known.contains(name) || applied.served.contains(name));
        self.ingresses.retain(|name| known.contains(name));
        let declared: HashSet<&ObjectName> = applied.policies.iter().map(|policy| &policy.object).collect();
        self.policies.retain(|name| declared.contains(name));
    }

    async fn policy(&mut self, policy: &AppliedPolicy, work: &mut Work) -> Result<(), Round> {
        let Some(known) = self.common.known.policy(&policy.object) else { return Ok(()) };
        let Some(next) = conditions::next(policy, &known.status, Timestamp::now()) else { return Ok(()) };
        let may = self.policies.may_write(&policy.object, &known.object.resource_version, policy, Instant::now());
        if !work.may(may) {
            return Ok(());
        }
        self.token(work).await?;
        let done = match is_for_anybody_to_say(policy, &known.status) || self.is_ours(&policy.object).await? {
            true => self.write_policy(&policy.object, &known.object, &known.status, &next).await,
            false => Ok(Some(Arc::clone(&known.object.resource_version))),
        };
        let base = known.object.resource_version;
        self.settle(done, |ledgers, made| match made {
            Ok(made) => ledgers.policies.wrote(policy.object.clone(), base, made, policy.clone(), Instant::now()),
            Err(Lost) => ledgers.policies.lost(policy.object.clone(), base),
        })
    }

    /// Whether the conditions are of our writing.
    async fn is_ours(&self, name: &ObjectName) -> Result<bool, Round> {
        match self.server.find::<Policy>(name).await {
            Ok(policy) => Ok(status::is_written_by(&self.server.manager, status::CONDITIONS, policy.managed_fields())),
            Err(Refused::ForNow) => Err(later()),
            Err(_) => Ok(false),
        }
    }

    async fn write_policy(
        &self,
        name: &ObjectName,
        known: &KnownObject,
        before: &PolicyStatus,
        next: &PolicyStatus,
    ) -> Result<Option<Arc<str>>, Refused> {
        let patch = json!({
            "metadata": { "resourceVersion": &*known.resource_version },
            "status": conditions::replacing(before, next),
        });
        self.server.patch_status::<Policy>(name, &patch).await.map(|policy| version(&policy))
    }

    async fn ingress(
        &mut self,
        ingress: &KnownIngress,
        applied: &Applied,
        published: &Published,
        work: &mut Work,
    ) -> Result<(), Round> {
        let name = &ingress.name;
        let (is_served, was_served) = (applied.served.contains(name), self.was_served.contains(name));
        let wanted = status::wanted(ingress, is_served, was_served, published.as_ref());
        if wanted == Wanted::AsItIs {
            return Ok(());
        }
        let base = Arc::clone(&ingress.object.resource_version);
        if !work.may(self.ingresses.may_write(name, &base, &wanted, Instant::now())) {
            return Ok(());
        }
        self.token(work).await?;
        let done = match &wanted {
            Wanted::Publish(addresses) => {
                let patch = status::patch(&base, addresses);
                self.server.patch_status::<Ingress>(name, &patch).await.map(|ingress| version(&ingress))
            }
            _ => self.remove_ours(name).await,
        };
        self.settle(done, |ledgers, made| match made {
            Ok(made) => ledgers.ingresses.wrote(name.clone(), base, made, wanted, Instant::now()),
            Err(Lost) => ledgers.ingresses.lost(name.clone(), base),
        })
    }

    /// Looks first who wrote what is there.
    async fn remove_ours(&self, name: &ObjectName) -> Result<Option<Arc<str>>, Refused> {
        let ingress: Ingress = self.server.find(name).await?;
        if !status::is_written_by(&self.server.manager, status::ADDRESSES, ingress.managed_fields()) {
            return Ok(version(&ingress));
        }
        let patch = status::patch(&ingress.resource_version().unwrap_or_default(), &[]);
        self.server.patch_status::<Ingress>(name, &patch).await.map(|ingress| version(&ingress))
    }

    /// One token, and the right to use it.
    async fn token(&mut self, work: &mut Work) -> Result<(), Round> {
        if work.left == 0 {
            return Err(Round::Full);
        }
        work.left -= 1;
        while let Err(wait) = self.bucket.take(Instant::now()) {
            tokio::time::sleep(wait).await;
        }
        if self.common.leadership.is_held() { Ok(()) } else { Err(Round::Lost) }
    }

    fn settle(
        &mut self,
        done: Result<Option<Arc<str>>, Refused>,
        record: impl FnOnce(&mut Self, Result<Option<Arc<str>>, Lost>),
    ) -> Result<(), Round> {
        match done {
            Ok(made) => record(self, Ok(made)),
            Err(Refused::Conflict) => record(self, Err(Lost)),
            Err(Refused::Gone | Refused::ForGood) => record(self, Ok(None)),
            Err(Refused::ForNow) => return Err(later()),
        }
        Ok(())
    }
}

fn later() -> Round {
    Round::Done(Some(Instant::now() + AFTER_FAILURE))
}

/// A Policy that we do not use may be used by another installation, which then knows better.
fn is_for_anybody_to_say(policy: &AppliedPolicy, status: &PolicyStatus) -> bool {
    policy.used || policy.fault.is_some() || status.conditions.is_empty()
}

/// Somebody else wrote first.
struct Lost;

/// What is left of a round.
struct Work {
    left: usize,
    due: Option<Instant>,
}

impl Work {
    fn may(&mut self, may: Result<(), Option<Instant>>) -> bool {
        if let Err(Some(later)) = may {
            self.due = Some(self.due.map_or(later, |due| due.min(later)));
        }
        may.is_ok()
    }
}

fn version(object: &impl ResourceExt) -> Option<Arc<str>> {
    object.resource_version().map(Arc::from)
}

/// Never, where there is no moment.
pub(super) async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}
