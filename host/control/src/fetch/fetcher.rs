//! What is wanted, what is known of it, and when it is asked for again.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::{Found, Wanted};

/// How modules are fetched, as the operator said.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where good modules are kept for the next start; owned by this user alone.
    pub cache: Option<PathBuf>,
}

/// Why there can be no fetcher.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("--module-cache {path}: {message}")]
    Cache { path: PathBuf, message: String },
}

/// Cheap to clone; all clones share what is known.
#[derive(Clone)]
pub struct Fetcher {
    shared: Arc<Shared>,
}

struct Shared {
    handle: Handle,
    wake: Box<dyn Fn() + Send + Sync>,
    entries: Mutex<HashMap<Wanted, Entry>>,
    settled: Condvar,
}

struct Entry {
    found: Found,
    /// Since the last [`Fetcher::forget_unasked`].
    asked: bool,
}

impl Fetcher {
    /// `wake` is called, from any thread, when the answer to something that was asked for has changed.
    ///
    /// # Errors
    /// The cache directory cannot be used.
    pub fn start(
        options: Options,
        handle: Handle,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, FetchError> {
        let _ = options;
        let entries = Mutex::default();
        Ok(Self { shared: Arc::new(Shared { handle, wake: Box::new(wake), entries, settled: Condvar::new() }) })
    }

    /// What is known of this module now. Never waits for the network.
    pub fn find(&self, wanted: &Wanted) -> Found {
        let mut entries = self.shared.lock();
        let entry = entries.entry(wanted.clone()).or_insert_with(|| {
            self.shared.handle.spawn(std::future::ready(()));
            Entry { found: Found::Pending { path: Arc::clone(wanted.remote.path()) }, asked: true }
        });
        entry.asked = true;
        entry.found.clone()
    }

    /// Forgets what was not asked for since the last call of this: call it at the end of each load.
    pub fn forget_unasked(&self) {
        self.shared.lock().retain(|_, entry| std::mem::take(&mut entry.asked));
    }

    /// Blocks until nothing is pending, or until `patience` is over: for the first load, so that a replica does not
    /// turn ready before its policies can be there. Not for a thread that drives the runtime.
    pub fn settle(&self, patience: Duration) {
        let until = Instant::now() + patience;
        let mut entries = self.shared.lock();
        while entries.values().any(|entry| matches!(entry.found, Found::Pending { .. })) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            entries = self.shared.settled.wait_timeout(entries, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        (self.shared.wake)();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, HashMap<Wanted, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
