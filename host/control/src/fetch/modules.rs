//! The modules that are at hand: those that somebody holds in memory, and those on disk.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::cache::{Cache, Place};
use super::pull::Resolved;

#[derive(Debug)]
pub(super) struct Modules {
    cache: Option<Cache>,
    /// By digest.
    held: Mutex<HashMap<Arc<str>, Weak<[u8]>>>,
}

impl Modules {
    pub fn new(cache: Option<Cache>) -> Self {
        Self { cache, held: Mutex::default() }
    }

    /// The module of this digest.
    pub fn at_hand(&self, digest: &str) -> Option<Arc<[u8]>> {
        let held = self.held().get(digest).and_then(Weak::upgrade);
        held.or_else(|| self.cache.as_ref()?.module(digest))
    }

    /// What the disk has of a place.
    pub fn find(&self, place: &Place) -> Option<Resolved> {
        self.cache.as_ref()?.find(place)
    }

    pub fn hold(&self, resolved: &Resolved) {
        self.held().insert(Arc::clone(&resolved.good.digest), Arc::downgrade(&resolved.good.bytes));
    }

    /// Writes to disk: blocking.
    pub fn keep(&self, place: &Place, resolved: &Resolved) {
        let Some(cache) = &self.cache else { return };
        let in_use: HashSet<Arc<str>> = self.held().keys().cloned().collect();
        cache.keep(place, resolved, &in_use);
    }

    pub fn has_disk(&self) -> bool {
        self.cache.is_some()
    }

    pub fn forget_unheld(&self) {
        self.held().retain(|_, module| module.strong_count() > 0);
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Arc<str>, Weak<[u8]>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
