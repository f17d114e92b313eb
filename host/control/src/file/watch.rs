//! When the disk has changed and come to rest.
//!
//! Events only say that it is time to look; what changed is found by looking. So a lost or foreign event costs a look
//! and nothing else. Memory is bounded whatever happens on disk: events are counted, not kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// No event for so long means that the change is over.
const QUIET: Duration = Duration::from_millis(20);
/// A change that does not end is looked at anyway.
const SETTLE_MAX: Duration = Duration::from_millis(150);
/// How long a file that is open for writing counts as half-written.
const WRITING_MAX: Duration = Duration::from_secs(2);
/// Files that may count as half-written at once.
const WRITING_FILES_MAX: usize = 10_000;

/// Wakes the waiting thread for good, from any thread.
#[derive(Debug, Clone)]
pub struct Stopper(Arc<Signals>);

impl Stopper {
    pub fn stop(&self) {
        self.0.lock().stopped = true;
        self.0.wake.notify_all();
    }
}

/// Says, from any thread, that something beside the disk changed what is declared.
#[derive(Debug, Clone)]
pub struct Waker(Arc<Signals>);

impl Waker {
    pub fn wake(&self) {
        self.0.lock().told = true;
        self.0.wake.notify_all();
    }
}

/// Why the wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Woken {
    /// Something happened, and it is quiet again.
    Settled,
    /// Nothing happened for as long as the caller would wait.
    Idle,
    /// Something other than the disk changed: see [`Waker`].
    Told,
    Stopped,
}

/// The directories watched, and what was heard from them.
#[derive(Debug)]
pub(super) struct Watch {
    signals: Arc<Signals>,
    /// Absent where the system has no events to give; looking now and then must do.
    watcher: Option<RecommendedWatcher>,
    directories: BTreeMap<PathBuf, Identity>,
}

/// Device, inode and birth of a directory: one that was removed and made again needs a new watch.
type Identity = (u64, u64, Option<SystemTime>);

impl Watch {
    pub(super) fn new() -> Self {
        let mut watch = Self::deaf();
        let signals = Arc::clone(&watch.signals);
        watch.watcher = notify::recommended_watcher(move |event| signals.hear(event)).ok();
        watch
    }

    /// Without events: as on a system that has none to give.
    pub(super) fn deaf() -> Self {
        Self { signals: Arc::default(), watcher: None, directories: BTreeMap::new() }
    }

    pub(super) fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.signals))
    }

    pub(super) fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.signals))
    }

    /// Watches one more directory. Errors are ignored: the caller also looks without being told.
    pub(super) fn add(&mut self, directory: &Path) {
        let Some(watcher) = &mut self.watcher else { return };
        let Some(identity) = identity(directory) else { return };
        match self.directories.get(directory) {
            Some(known) if *known == identity => return,
            // Its watch went with the directory that was there before, or was moved with it.
            Some(_) => _ = watcher.unwatch(directory),
            None => {}
        }
        if watcher.watch(directory, RecursiveMode::NonRecursive).is_ok() {
            self.directories.insert(directory.to_owned(), identity);
        }
    }

    /// Watches these and no others.
    pub(super) fn keep<'a>(&mut self, wanted: impl Iterator<Item = &'a Path>) {
        let wanted: BTreeSet<&Path> = wanted.collect();
        for directory in &wanted {
            self.add(directory);
        }
        let Some(watcher) = &mut self.watcher else { return };
        self.directories.retain(|directory, _| {
            let keep = wanted.contains(directory.as_path());
            if !keep {
                // It may be gone already, and its watch with it.
                let _ = watcher.unwatch(directory);
            }
            keep
        });
    }

    /// Blocks until a change has settled, `patience` is over, or the stopper was used.
    pub(super) fn wait(&self, patience: Duration) -> Woken {
        self.signals.wait(patience)
    }

    /// The files that are open for writing, each for no longer than a bound.
    pub(super) fn writing(&self) -> BTreeSet<PathBuf> {
        let mut heard = self.signals.lock();
        heard.writing.retain(|_, since| since.elapsed() < WRITING_MAX);
        heard.writing.keys().cloned().collect()
    }
}

#[derive(Debug, Default)]
struct Signals {
    heard: Mutex<Heard>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Heard {
    /// Of the first and last event since the last wait ended.
    first: Option<Instant>,
    last: Option<Instant>,
    /// Written to and not closed yet, with the time of the last write.
    writing: HashMap<PathBuf, Instant>,
    told: bool,
    stopped: bool,
}

impl Signals {
    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, event: notify::Result<Event>) {
        let event = event.unwrap_or_else(|_| Event::new(EventKind::Any));
        let mut heard = self.lock();
        if heard.note(&event) {
            let now = Instant::now();
            heard.first.get_or_insert(now);
            heard.last = Some(now);
            self.wake.notify_all();
        }
    }

    fn wait(&self, patience: Duration) -> Woken {
        let until = Instant::now() + patience;
        let mut heard = self.lock();
        loop {
            if heard.stopped {
                return Woken::Stopped;
            }
            if std::mem::take(&mut heard.told) {
                return Woken::Told;
            }
            let now = Instant::now();
            let settled = heard.settled_at();
            if settled.is_some_and(|settled| settled <= now) {
                (heard.first, heard.last) = (None, None);
                return Woken::Settled;
            }
            if settled.is_none() && until <= now {
                return Woken::Idle;
            }
            let next = settled.unwrap_or(until).saturating_duration_since(now);
            heard = self.wake.wait_timeout(heard, next).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Heard {
    /// When the change may be looked at: once quiet and no file is half-written, or at the bound.
    fn settled_at(&self) -> Option<Instant> {
        let (first, last) = (self.first?, self.last?);
        let bound = first + SETTLE_MAX;
        match self.writing.values().any(|since| *since >= first) {
            true => Some(bound),
            false => Some(bound.min(last + QUIET)),
        }
    }

    /// Takes in one event. False if it cannot matter.
    fn note(&mut self, event: &Event) -> bool {
        match event.kind {
            EventKind::Modify(ModifyKind::Data(_)) => {
                for path in event.paths.iter().take(WRITING_FILES_MAX.saturating_sub(self.writing.len())) {
                    self.writing.insert(path.clone(), Instant::now());
                }
            }
            EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Remove(_)
            | EventKind::Modify(ModifyKind::Name(_)) => {
                event.paths.iter().for_each(|path| _ = self.writing.remove(path));
            }
            EventKind::Access(_) => return false,
            _ => {}
        }
        event.paths.is_empty() || event.need_rescan() || event.paths.iter().any(|path| may_matter(path))
    }
}

fn identity(directory: &Path) -> Option<Identity> {
    let metadata = std::fs::metadata(directory).ok()?;
    Some((metadata.dev(), metadata.ino(), metadata.created().ok()))
}

/// Editors' own files change all the time and mean nothing; `..data` is how kubelet swaps a mounted ConfigMap.
fn may_matter(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    (!name.starts_with('.') || name.starts_with("..")) && !name.ends_with(['~', '#'])
}
