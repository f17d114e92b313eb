//! How well the API server is heard: for readiness, metrics and whoever asks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::fault::Fault;
use super::kind::Kind;
use crate::report::ObjectName;

/// Written by the watches, read by the admin listener.
#[derive(Debug)]
pub struct Health(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    kinds: BTreeMap<Kind, KindState>,
    contact: Option<SystemTime>,
    /// Since when the server does not answer.
    away_since: Option<SystemTime>,
    /// When the state was saved that serves until the server answers.
    saved: Option<SystemTime>,
    complete: bool,
}

#[derive(Debug, Default)]
struct KindState {
    synced: bool,
    objects: usize,
    failures: u64,
    trouble: Option<(String, SystemTime)>,
    /// Objects that are watched by name and have trouble of their own.
    names: BTreeSet<ObjectName>,
}

/// What was known at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Every kind was heard of.
    pub synced: bool,
    /// What serves may be out of date since then.
    pub stale_since: Option<SystemTime>,
    /// The server does not answer, since then.
    pub away_since: Option<SystemTime>,
    /// What serves is the state of the last run, saved then.
    pub snapshot: Option<SystemTime>,
    /// The last word of the API server.
    pub contact: Option<SystemTime>,
    pub kinds: Vec<KindSeen>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindSeen {
    pub kind: &'static str,
    pub synced: bool,
    pub objects: usize,
    pub failures: u64,
    /// What is wrong now.
    pub trouble: Option<String>,
}

impl Default for Health {
    fn default() -> Self {
        let kinds = Kind::ALL.into_iter().map(|kind| {
            // Nothing needs to be heard of what nothing names.
            (kind, KindState { synced: kind.is_named(), ..KindState::default() })
        });
        Self(Mutex::new(State { kinds: kinds.collect(), ..State::default() }))
    }
}

impl Health {
    pub fn seen(&self) -> Seen {
        let state = self.lock();
        // Classes may be forbidden, which makes nothing older: stores/problems.rs tells of them where they are missed.
        let lists = state.kinds.iter().filter(|(kind, known)| **kind != Kind::IngressClass && known.names.is_empty());
        let troubles = lists.filter_map(|(_, known)| known.trouble.as_ref());
        let stale_since = troubles.map(|(_, since)| *since).chain(state.away_since).chain(state.saved).min();
        let kinds = state.kinds.iter().map(|(kind, known)| KindSeen {
            kind: kind.name(),
            synced: known.synced,
            objects: known.objects,
            failures: known.failures,
            trouble: known.trouble.as_ref().map(|(message, _)| message.clone()),
        });
        Seen {
            synced: state.complete,
            stale_since,
            away_since: state.away_since,
            snapshot: state.saved,
            contact: state.contact,
            kinds: kinds.collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn contact(&self) {
        let mut state = self.lock();
        state.contact = Some(SystemTime::now());
        state.away_since = None;
    }

    /// The server did not answer.
    pub(super) fn away(&self) {
        self.lock().away_since.get_or_insert_with(SystemTime::now);
    }

    pub(super) fn is_away(&self) -> bool {
        self.lock().away_since.is_some()
    }

    /// Everything is from the state of the last run, saved then.
    pub(super) fn serves_snapshot(&self, saved: SystemTime) {
        self.lock().saved = Some(saved);
    }

    /// Every kind was heard of.
    pub(super) fn complete(&self) {
        let mut state = self.lock();
        state.complete = true;
        state.saved = None;
    }

    pub(super) fn objects(&self, kind: Kind, count: usize) {
        self.lock().kinds.entry(kind).or_default().objects = count;
    }

    /// True if the kind was not in order before.
    pub(super) fn succeeded(&self, kind: Kind, only: Option<&ObjectName>) -> bool {
        let mut state = self.lock();
        state.contact = Some(SystemTime::now());
        state.away_since = None;
        let known = state.kinds.entry(kind).or_default();
        only.map(|only| known.names.remove(only));
        let was_synced = std::mem::replace(&mut known.synced, true);
        let had_trouble = known.trouble.is_some();
        if known.names.is_empty() {
            known.trouble = None;
        }
        !was_synced || had_trouble
    }

    /// True if the kind was in order before.
    pub(super) fn failed(&self, kind: Kind, only: Option<&ObjectName>, fault: &Fault) -> bool {
        let mut state = self.lock();
        if *fault == Fault::Absent {
            // An answer, and no failure: what is not there cannot be out of date.
            let known = state.kinds.entry(kind).or_default();
            (known.synced, known.trouble) = (true, None);
            state.contact = Some(SystemTime::now());
            return true;
        }
        let known = state.kinds.entry(kind).or_default();
        known.failures += 1;
        known.names.extend(only.cloned());
        let before = known.trouble.take();
        let is_first = before.is_none();
        known.trouble = Some((fault.message(), before.map_or_else(SystemTime::now, |(_, since)| since)));
        is_first
    }

    /// The object is not watched any more.
    pub(super) fn forget(&self, kind: Kind, only: &ObjectName) {
        let mut state = self.lock();
        let known = state.kinds.entry(kind).or_default();
        known.names.remove(only);
        if known.names.is_empty() && kind.is_named() {
            known.trouble = None;
        }
    }
}
