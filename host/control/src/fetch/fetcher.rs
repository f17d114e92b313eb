//! What is wanted, what is known of it, and when it is asked for again.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use super::cache::{Cache, Place};
use super::client::{Client, Network, NetworkError};
use super::fault::Fault;
use super::image::Image;
use super::modules::Modules;
use super::pull::{Pull, Resolved};
use super::signature::SignaturePolicy;
use super::{Found, Good, Remote, Wanted};

/// How modules are fetched, as the operator said.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where good modules are kept for the next start; owned by this user alone.
    pub cache: Option<PathBuf>,
    /// Most bytes of modules in the cache.
    pub cache_bytes_max: u64,
    /// Most bytes of one module, packed or not.
    pub module_bytes_max: u64,
    pub network: Network,
    /// Without one, unsigned images are good.
    pub signatures: Option<SignaturePolicy>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache: None,
            cache_bytes_max: 1 << 30,
            module_bytes_max: 64 << 20,
            network: Network::default(),
            signatures: None,
        }
    }
}

/// Why there can be no fetcher.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("the module cache cannot be used: {0}")]
    Cache(String),
    #[error(transparent)]
    Network(#[from] NetworkError),
}

/// How long the first load may wait for modules.
const SETTLE_MAX: Duration = Duration::from_secs(10);
/// Tries at the same time: each may hold a module in memory.
const TRIES_MAX: usize = 4;
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// Cheap to clone; all clones share what is known. The last one to go ends the tries.
#[derive(Clone)]
pub struct Fetcher {
    shared: Arc<Shared>,
}

struct Shared {
    options: Options,
    client: Client,
    modules: Modules,
    handle: Handle,
    wake: Box<dyn Fn() + Send + Sync>,
    state: Mutex<State>,
    settled: Condvar,
    settled_once: AtomicBool,
    tries: Semaphore,
}

#[derive(Default)]
struct State {
    entries: HashMap<Wanted, Entry>,
    /// What each place that is wanted was last found to hold.
    known: HashMap<Place, Resolved>,
}

struct Entry {
    found: Found,
    /// Since the last [`Fetcher::forget_unasked`].
    asked: bool,
    task: AbortHandle,
}

impl std::fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetcher").field("options", &self.shared.options).finish_non_exhaustive()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fetcher {
    /// `wake` is called, from any thread, when the answer to something that was asked for has changed.
    ///
    /// # Errors
    /// The cache directory or the certificate authorities cannot be used.
    pub fn start(
        options: Options,
        handle: Handle,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, FetchError> {
        let cache = options.cache.as_deref().map(|root| Cache::open(root, options.cache_bytes_max)).transpose();
        let shared = Shared {
            client: Client::new(options.network.clone())?,
            modules: Modules::new(cache.map_err(FetchError::Cache)?),
            options,
            handle,
            wake: Box::new(wake),
            state: Mutex::default(),
            settled: Condvar::new(),
            settled_once: AtomicBool::new(false),
            tries: Semaphore::new(TRIES_MAX),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// What is known of this module now. Never waits for the network; the disk cache is read once for a new question.
    pub fn find(&self, wanted: &Wanted) -> Found {
        if let Some(entry) = self.shared.lock().entries.get_mut(wanted) {
            entry.asked = true;
            return entry.found.clone();
        }
        let found = self.shared.first_answer(wanted);
        let task = self.shared.handle.spawn(follow(Arc::downgrade(&self.shared), wanted.clone())).abort_handle();
        let entry = Entry { found: found.clone(), asked: true, task };
        self.shared.lock().entries.insert(wanted.clone(), entry);
        found
    }

    /// Forgets what was not asked for since the last call of this: call it at the end of each load.
    pub fn forget_unasked(&self) {
        let mut state = self.shared.lock();
        let State { entries, known } = &mut *state;
        entries.retain(|_, entry| std::mem::take(&mut entry.asked));
        let places: HashSet<Place> = entries.keys().map(place).collect();
        known.retain(|place, _| places.contains(place));
        drop(state);
        self.shared.modules.forget_unheld();
    }

    /// For the first load: waits a while for what is pending, so that a replica does not turn ready before its
    /// policies can be there. True if it waited, and what was found may differ now. Later calls return at once.
    /// Not for a thread that drives the runtime.
    pub fn settle(&self) -> bool {
        if self.shared.settled_once.swap(true, Ordering::Relaxed) {
            return false;
        }
        let until = Instant::now() + SETTLE_MAX;
        let (mut state, mut waited) = (self.shared.lock(), false);
        while state.entries.values().any(|entry| matches!(entry.found, Found::Pending { .. })) {
            waited = true;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.shared.settled.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        waited
    }
}

/// Asks for one module until there is nothing more to ask. It holds nothing alive while it rests.
async fn follow(shared: Weak<Shared>, wanted: Wanted) {
    let mut failures = 0_u32;
    loop {
        let Some(here) = shared.upgrade() else { return };
        let outcome = here.attempt(&wanted).await;
        let pause = match &outcome {
            Ok(_) => again(&wanted.remote),
            Err(_) => Some(backoff(failures, &wanted.remote)),
        };
        failures = if outcome.is_ok() { 0 } else { failures.saturating_add(1) };
        here.settle(&wanted, outcome);
        drop(here);
        match pause {
            Some(pause) => tokio::time::sleep(jittered(pause)).await,
            None => return,
        }
    }
}

/// When a good answer is asked for again; a digest stands for the same bytes for ever.
fn again(remote: &Remote) -> Option<Duration> {
    match remote {
        Remote::Oci { image, interval } => {
            Image::parse(image).is_ok_and(|image| image.digest.is_none()).then_some(*interval)
        }
        Remote::Http { .. } => None,
    }
}

/// Twice as long after each failure, up to a bound, which is the interval if that is shorter.
pub(super) fn backoff(failures: u32, remote: &Remote) -> Duration {
    let longest = again(remote).unwrap_or(PAUSE_MAX).clamp(PAUSE_MIN, PAUSE_MAX);
    PAUSE_MIN.saturating_mul(1 << failures.min(16)).min(longest)
}

/// 0.8 to 1.2 of it, so that replicas do not ask all at once.
pub(super) fn jittered(pause: Duration) -> Duration {
    let draw = getrandom::u32().unwrap_or(u32::MAX / 2);
    pause.mul_f64(0.8 + 0.4 * f64::from(draw) / f64::from(u32::MAX))
}

fn place(wanted: &Wanted) -> Place {
    Place { namespace: Arc::clone(&wanted.namespace), path: Arc::clone(wanted.remote.path()) }
}

fn ready(wanted: &Wanted, good: &Good) -> Found {
    let path = Arc::clone(wanted.remote.path());
    Found::Ready { bytes: Arc::clone(&good.bytes), digest: Arc::clone(&good.digest), path }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of the place already serves at once, and is asked for again behind it.
    fn first_answer(&self, wanted: &Wanted) -> Found {
        let place = place(wanted);
        let known = self.known(&place);
        let pull = self.pull(wanted, None);
        match known.filter(|known| pull.may_serve(known)) {
            Some(known) => ready(wanted, &known.good),
            None => Found::Pending { path: place.path },
        }
    }

    fn known(&self, place: &Place) -> Option<Resolved> {
        if let Some(known) = self.lock().known.get(place) {
            return Some(known.clone());
        }
        let found = self.modules.find(place)?;
        self.remember(place.clone(), found.clone());
        Some(found)
    }

    fn remember(&self, place: Place, resolved: Resolved) {
        self.modules.hold(&resolved);
        self.lock().known.insert(place, resolved);
    }

    fn pull<'a>(&'a self, wanted: &'a Wanted, known: Option<&'a Resolved>) -> Pull<'a> {
        Pull {
            client: &self.client,
            signatures: self.options.signatures.as_ref(),
            module_bytes_max: self.options.module_bytes_max,
            wanted,
            known,
            modules: &self.modules,
        }
    }

    async fn attempt(self: &Arc<Self>, wanted: &Wanted) -> Result<Good, Fault> {
        // Never closed; a failure would only mean one try more than wanted.
        let _permit = self.tries.acquire().await;
        let place = place(wanted);
        let known = self.known(&place);
        let resolved = self.pull(wanted, known.as_ref()).run().await?;
        let good = resolved.good.clone();
        if known.as_ref() != Some(&resolved) {
            self.remember(place.clone(), resolved.clone());
            self.keep(place, resolved);
        }
        Ok(good)
    }

    /// On disk, off this thread.
    fn keep(self: &Arc<Self>, place: Place, resolved: Resolved) {
        if self.modules.has_disk() {
            let shared = Arc::clone(self);
            self.handle.spawn_blocking(move || shared.modules.keep(&place, &resolved));
        }
    }

    fn settle(&self, wanted: &Wanted, outcome: Result<Good, Fault>) {
        let mut state = self.lock();
        let Some(entry) = state.entries.get_mut(wanted) else { return };
        let found = match outcome {
            Ok(good) => ready(wanted, &good),
            Err(fault) => entry.failed(wanted, fault),
        };
        let changed = entry.found != found;
        entry.found = found;
        drop(state);
        self.settled.notify_all();
        if changed {
            (self.wake)();
        }
    }
}

impl Entry {
    fn failed(&self, wanted: &Wanted, fault: Fault) -> Found {
        let last_good = match &self.found {
            Found::Ready { bytes, digest, .. } => Some(Good { bytes: Arc::clone(bytes), digest: Arc::clone(digest) }),
            Found::Failed { last_good, .. } => last_good.clone(),
            Found::Pending { .. } => None,
        };
        let Fault { field, message, remedy } = fault;
        Found::Failed { path: Arc::clone(wanted.remote.path()), field, message, remedy, last_good }
    }
}
