//! Where generations come from: a directory or a cluster, behind the same three calls.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use cardea_control::cluster::{self, ClusterSource, Health, Notice};
use cardea_control::fetch::{self, Fetcher};
use cardea_control::file::{self, Change, FileSource};
use cardea_model::config::Config;
use cardea_model::problem::Problem;
use serde_json::json;
use tokio::runtime::Handle;

use crate::event::{Level, emit};

/// What the operator chose.
#[derive(Debug, Clone)]
pub enum Origin {
    Manifests(PathBuf),
    Cluster(Box<cluster::Options>),
}

pub enum Source {
    Files(Box<FileSource>),
    Cluster(Box<ClusterSource>),
}

/// Ends a wait on another thread.
pub enum Stopper {
    Files(file::Stopper),
    Cluster(cluster::Stopper),
}

impl Stopper {
    pub fn stop(&self) {
        match self {
            Self::Files(stopper) => stopper.stop(),
            Self::Cluster(stopper) => stopper.stop(),
        }
    }
}

impl Source {
    pub fn open(origin: Origin, fetch: fetch::Options, control: &Handle) -> anyhow::Result<Self> {
        // The source has the fetcher, and the fetcher wakes the source: one of the two comes later.
        let wake = Arc::new(OnceLock::<Box<dyn Fn() + Send + Sync>>::new());
        let late = Arc::clone(&wake);
        let fetcher = Fetcher::start(fetch, control.clone(), move || {
            if let Some(wake) = late.get() {
                wake();
            }
        })?;
        let (source, waker): (Self, Box<dyn Fn() + Send + Sync>) = match origin {
            Origin::Manifests(directory) => {
                let mut source = FileSource::open(&directory)?;
                source.fetch_with(fetcher);
                let waker = source.waker();
                (Self::Files(Box::new(source)), Box::new(move || waker.wake()))
            }
            Origin::Cluster(options) => {
                let options = cluster::Options { notice: Arc::new(tell), fetcher: Some(fetcher), ..*options };
                let source = ClusterSource::start(options, control.clone())?;
                let waker = source.waker();
                (Self::Cluster(Box::new(source)), Box::new(waker))
            }
        };
        // It is set once, here.
        let _ = wake.set(waker);
        Ok(source)
    }

    /// Blocks until there is something to load: at once for files, which load whatever there is.
    pub fn begin(&mut self) -> Change {
        match self {
            Self::Files(_) => Change::Changed,
            Self::Cluster(source) => source.wait(),
        }
    }

    pub fn load(&mut self) -> (Config, Vec<Problem>) {
        match self {
            Self::Files(source) => source.load(),
            Self::Cluster(source) => source.load(),
        }
    }

    pub fn wait(&mut self) -> Change {
        match self {
            Self::Files(source) => source.wait(),
            Self::Cluster(source) => source.wait(),
        }
    }

    pub fn stopper(&self) -> Stopper {
        match self {
            Self::Files(source) => Stopper::Files(source.stopper()),
            Self::Cluster(source) => Stopper::Cluster(source.stopper()),
        }
    }

    /// How well the API server is heard; files need none.
    pub fn health(&self) -> Option<Arc<Health>> {
        match self {
            Self::Files(_) => None,
            Self::Cluster(source) => Some(source.health()),
        }
    }
}

fn tell(notice: Notice) {
    match notice {
        Notice::Watching { server, namespace } => emit(
            Level::Info,
            "watching",
            json!({ "source": "kubernetes", "server": server, "namespace": namespace.as_deref() }),
        ),
        Notice::Synced { kind, objects } => emit(Level::Info, "synced", json!({ "kind": kind, "objects": objects })),
        Notice::WatchFailed { kind, object, message, remedy } => emit(
            Level::Warn,
            "watch_failed",
            json!({ "kind": kind, "object": object, "message": message, "remedy": remedy }),
        ),
        Notice::SnapshotLoaded { objects, saved } => {
            let saved = jiff::Timestamp::try_from(saved).map(|saved| format!("{saved:.0}")).ok();
            emit(Level::Warn, "snapshot_loaded", json!({ "objects": objects, "saved": saved }));
        }
        Notice::SnapshotFailed { message } => emit(Level::Warn, "snapshot_failed", json!({ "message": message })),
    }
}
