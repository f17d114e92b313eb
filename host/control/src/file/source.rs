//! When and what a directory of manifests declares: the one type that the binary holds.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cardea_model::config::Config;
use cardea_model::problem::Problem;

use super::assemble::{Known, assemble};
use super::module::Modules;
use super::store::Store;
use super::tree::Tree;
use super::watch::{Stopper, Waker, Watch, Woken};
use crate::fetch::Fetcher;

/// How often the disk is looked at without being told, for file systems that tell nothing.
const POLL: Duration = Duration::from_secs(2);
/// Looking may take this part of one thread's time at most.
const POLL_SHARE: u32 = 50;

/// Why a directory cannot be a source.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("cannot read the manifest directory {path}: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
}

/// What ended a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// What is declared changed: load again.
    Changed,
    /// The stopper was used; every later wait ends at once, too.
    Stopped,
}

/// A directory of manifests that is watched. Blocking: it belongs on a thread of its own.
#[derive(Debug)]
pub struct FileSource {
    root: PathBuf,
    store: Store,
    modules: Modules,
    fetcher: Option<Fetcher>,
    policies: Known,
    watch: Watch,
    /// How long the last look took.
    look: Duration,
    /// The wait that just ended has looked, so that loading need not.
    looked: bool,
}

impl FileSource {
    /// Starts to watch `directory`. Nothing is parsed before [`FileSource::load`].
    ///
    /// # Errors
    /// It is not a directory that can be listed.
    pub fn open(directory: &Path) -> Result<Self, SourceError> {
        Self::over(directory, Watch::new())
    }

    pub(super) fn over(directory: &Path, watch: Watch) -> Result<Self, SourceError> {
        let unreadable = |source| SourceError::Unreadable { path: directory.to_owned(), source };
        let root = std::path::absolute(directory).map_err(unreadable)?;
        std::fs::read_dir(&root).map_err(unreadable)?;
        Ok(Self {
            root,
            store: Store::default(),
            modules: Modules::default(),
            fetcher: None,
            policies: Known::default(),
            watch,
            look: Duration::ZERO,
            looked: false,
        })
    }

    /// Takes modules that are neither files nor in objects from `fetcher`, which must use this source's
    /// [`FileSource::waker`].
    pub fn fetch_with(&mut self, fetcher: Fetcher) {
        self.fetcher = Some(fetcher);
    }

    /// Everything that is declared now, and every mistake. Total: what is broken keeps its last good state.
    ///
    /// Objects that did not change are the same `Arc` as in the last answer.
    pub fn load(&mut self) -> (Config, Vec<Problem>) {
        if !std::mem::take(&mut self.looked) {
            self.refresh();
        }
        let mut loaded = self.assemble();
        if self.fetcher.as_ref().is_some_and(Fetcher::settle) {
            loaded = self.assemble();
        }
        // A module that was named for the first time may be in a directory that nobody watched yet.
        for directory in self.modules.directories() {
            self.watch.add(directory);
        }
        loaded
    }

    fn assemble(&mut self) -> (Config, Vec<Problem>) {
        let loaded = assemble(&self.store, &mut self.modules, self.fetcher.as_ref(), &mut self.policies);
        if let Some(fetcher) = &self.fetcher {
            fetcher.forget_unasked();
        }
        loaded
    }

    /// Blocks until what is declared has changed and the disk is quiet again, or until stopped.
    pub fn wait(&mut self) -> Change {
        loop {
            let woken = self.watch.wait(POLL.max(self.look * POLL_SHARE));
            if woken == Woken::Stopped {
                return Change::Stopped;
            }
            // Both, always: what is on disk has to be known before it is loaded.
            if self.refresh() | (woken == Woken::Told) {
                self.looked = true;
                return Change::Changed;
            }
        }
    }

    /// Ends a [`FileSource::wait`] on another thread.
    pub fn stopper(&self) -> Stopper {
        self.watch.stopper()
    }

    /// Ends a [`FileSource::wait`] on another thread with a change.
    pub fn waker(&self) -> Waker {
        self.watch.waker()
    }

    /// Reads again what changed on disk. True if that changes what is declared.
    fn refresh(&mut self) -> bool {
        let start = Instant::now();
        let tree = Tree::walk(&self.root, &mut |directory| self.watch.add(directory));
        let modules = self.modules.directories();
        self.watch.keep(tree.directories.iter().map(PathBuf::as_path).chain(modules));
        let writing = self.watch.writing();
        let is_writing = |path: &Path| writing.contains(path);
        self.look = start.elapsed();
        // Both, always: neither may hide the other's change.
        let manifests = self.store.refresh(&tree, &is_writing);
        let modules = self.modules.refresh(&is_writing);
        manifests || modules
    }
}
