//! Which replica writes: the one that holds the Lease, as client-go's elections do it.
//!
//! Nobody's wall clock is compared with anybody else's. A holder leads for [`Settings::renew_deadline`] from the moment
//! at which it *sent* its last successful write; another may take the Lease when it has itself watched it stand still
//! for the duration that the holder wrote there, which begins later and is longer. Pure: requests and answers are values,
//! `lease` carries them.

mod lease;

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::LeaseSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;

pub use lease::{Identity, Leadership, elect};

/// How often and how long. A leader that vanishes is replaced after at most `duration` and two `retry`s.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What we write as `leaseDurationSeconds`: others wait this long after the last change that they see.
    pub duration: Duration,
    /// A leader that could not renew for this long stops leading. Shorter than `duration`, so that clocks may differ in
    /// speed and a write that is on its way may end.
    pub renew_deadline: Duration,
    /// Between two tries, of a leader and of those who would be.
    pub retry: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            duration: Duration::from_secs(9),
            renew_deadline: Duration::from_secs(6),
            retry: Duration::from_millis(1500),
        }
    }
}

/// The Lease as it was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    pub resource_version: String,
    pub spec: LeaseSpec,
}

/// What to ask of the API server.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    Read,
    Create(LeaseSpec),
    /// On condition that nobody wrote in between.
    Replace(Held),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The Lease, as read or as written.
    Found(Held),
    Absent,
    /// 409: somebody wrote first.
    Conflict,
    /// Anything else, a lost answer too: it may have been done or not.
    Failed,
}

/// One replica in an election.
#[derive(Debug)]
pub struct Election {
    identity: String,
    settings: Settings,
    seen: Seen,
    /// When the last write was sent that made or kept us the holder.
    renewed: Option<Instant>,
}

/// What the last answer said of the Lease.
#[derive(Debug)]
enum Seen {
    /// Nothing, or what was seen may be out of date.
    Nothing,
    Absent,
    /// And since when it says the same.
    Held(Held, Instant),
    /// As `Held`, but somebody may have written since.
    Stale(Held, Instant),
}

impl Election {
    pub fn new(identity: impl Into<String>, settings: Settings) -> Self {
        Self { identity: identity.into(), settings, seen: Seen::Nothing, renewed: None }
    }

    /// Until when we may act as the leader, if nothing more succeeds.
    pub fn leads_until(&self) -> Option<Instant> {
        self.renewed.map(|renewed| renewed + self.settings.renew_deadline)
    }

    pub fn leads(&self, now: Instant) -> bool {
        self.leads_until().is_some_and(|until| now < until)
    }

    /// The next request; `wall` is only written, for people to read.
    pub fn ask(&self, now: Instant, wall: Timestamp) -> Ask {
        match &self.seen {
            Seen::Absent => Ask::Create(self.claim(None, wall)),
            Seen::Held(held, since) if self.may_have(held, *since, now) => {
                Ask::Replace(Held { spec: self.claim(Some(&held.spec), wall), ..held.clone() })
            }
            _ => Ask::Read,
        }
    }

    /// Gives the Lease up at once, for the next replica to take; `None` if it is not ours to give.
    pub fn release(&mut self, wall: Timestamp) -> Option<Ask> {
        self.renewed.take()?;
        let (Seen::Held(held, _) | Seen::Stale(held, _)) = &self.seen else { return None };
        let spec = LeaseSpec {
            holder_identity: None,
            lease_duration_seconds: Some(1),
            renew_time: Some(MicroTime(wall)),
            ..held.spec.clone()
        };
        Some(Ask::Replace(Held { spec, ..held.clone() }))
    }

    /// Takes the answer to a request that was sent at `sent`.
    pub fn hear(&mut self, asked: &Ask, sent: Instant, now: Instant, answer: Answer) {
        match (asked, answer) {
            (_, Answer::Failed | Answer::Conflict) => self.doubt(),
            (_, Answer::Absent) => {
                self.seen = Seen::Absent;
                self.renewed = None;
            }
            (Ask::Read, Answer::Found(held)) => self.read(held, now),
            (Ask::Create(_) | Ask::Replace(_), Answer::Found(held)) => {
                self.renewed = self.is_ours(&held).then_some(sent);
                self.seen = Seen::Held(held, now);
            }
        }
        if !self.leads(now) {
            self.renewed = None;
        }
    }

    /// How long to wait before the next request; `chance` is between 0 and 1, so that replicas do not step together.
    pub fn pause(&self, now: Instant, chance: f64) -> Duration {
        let jitter = self.settings.retry.mul_f64(0.2 * chance);
        match &self.seen {
            Seen::Absent => jitter,
            // A leader in doubt has no time to lose; others wait their turn, as the server may be in trouble.
            Seen::Stale(..) if self.renewed.is_some() => self.settings.retry / 3 + jitter,
            Seen::Held(held, since) if self.renewed.is_none() => {
                let left = (*since + self.patience(held)).saturating_duration_since(now);
                left.min(self.settings.retry) + jitter
            }
            _ => self.settings.retry + jitter,
        }
    }

    fn read(&mut self, held: Held, now: Instant) {
        let since = match &self.seen {
            Seen::Held(before, since) | Seen::Stale(before, since)
                if before.resource_version == held.resource_version =>
            {
                *since
            }
            _ => now,
        };
        // A write of ours whose answer was lost shows here; it does not prolong, since nobody knows when it was done.
        if !self.is_ours(&held) {
            self.renewed = None;
        }
        self.seen = Seen::Held(held, since);
    }

    fn doubt(&mut self) {
        self.seen = match std::mem::replace(&mut self.seen, Seen::Nothing) {
            Seen::Held(held, since) | Seen::Stale(held, since) => Seen::Stale(held, since),
            Seen::Absent | Seen::Nothing => Seen::Nothing,
        };
    }

    fn is_ours(&self, held: &Held) -> bool {
        held.spec.holder_identity.as_deref() == Some(&self.identity)
    }

    fn may_have(&self, held: &Held, since: Instant, now: Instant) -> bool {
        let is_free = held.spec.holder_identity.as_deref().is_none_or(str::is_empty);
        is_free || self.is_ours(held) || now >= since + self.patience(held)
    }

    /// How long the Lease must stand still before it may be taken: what its holder wrote, within reason.
    fn patience(&self, held: &Held) -> Duration {
        if held.spec.holder_identity.as_deref().is_none_or(str::is_empty) || self.is_ours(held) {
            return Duration::ZERO;
        }
        let written = held.spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        written.map_or(self.settings.duration, |seconds| Duration::from_secs(seconds.clamp(1, 3600)))
    }

    /// The Lease with us as its holder.
    fn claim(&self, before: Option<&LeaseSpec>, wall: Timestamp) -> LeaseSpec {
        let ours = before.filter(|spec| spec.holder_identity.as_deref() == Some(&self.identity));
        let transitions = before.and_then(|spec| spec.lease_transitions).unwrap_or_default();
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(self.settings.duration.as_secs()).ok(),
            acquire_time: ours.map_or(Some(MicroTime(wall)), |spec| spec.acquire_time.clone()),
            renew_time: Some(MicroTime(wall)),
            lease_transitions: Some(if before.is_some() && ours.is_none() {
                transitions.saturating_add(1)
            } else {
                transitions
            }),
            ..before.cloned().unwrap_or_default()
        }
    }
}
