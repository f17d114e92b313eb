//! What the operator asked of the cluster source, and what it tells the operator as it goes.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use cardea_model::compile;

use crate::fetch::Fetcher;

/// How a cluster is watched.
#[derive(Clone)]
pub struct Options {
    /// `None`: the service account of the pod; outside of a cluster `$KUBECONFIG` or `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// Only this namespace is watched; nothing namespaced is listed in the whole cluster.
    pub namespace: Option<Arc<str>>,
    /// Only this class is served, whatever other classes name our controller.
    pub class: Option<Arc<str>>,
    /// The rule of classes, as `compile` has it.
    pub compile: compile::Options,
    /// Prefer endpoints that are hinted for this zone.
    pub zone: Option<Arc<str>>,
    /// The Node that we run on, which has the zone as a label. Not asked if the zone is given.
    pub node: Option<Arc<str>>,
    /// Services of type ExternalName are resolved and served.
    pub allow_external_name: bool,
    /// Where the last good state is kept for the next start.
    pub snapshot: Option<PathBuf>,
    /// Fetches modules that are neither in a file nor in an object.
    pub fetcher: Option<Fetcher>,
    /// Told as it happens, from any thread; must not block.
    pub notice: Arc<dyn Fn(Notice) + Send + Sync>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            kubeconfig: None,
            namespace: None,
            class: None,
            compile: compile::Options::default(),
            zone: None,
            node: None,
            allow_external_name: false,
            snapshot: None,
            fetcher: None,
            notice: Arc::new(|_| {}),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("namespace", &self.namespace)
            .field("class", &self.class)
            .finish_non_exhaustive()
    }
}

/// Something that an operator may want to know as it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Watching began, at this server.
    Watching { server: String, namespace: Option<Arc<str>> },
    /// The first complete state of a kind is there, or it is there again after a failure.
    Synced { kind: &'static str, objects: usize },
    /// Told once a failure of its kind, not at each try.
    WatchFailed { kind: &'static str, object: Option<String>, message: String, remedy: String },
    /// The state of the last run serves until the API server answers.
    SnapshotLoaded { objects: usize, saved: SystemTime },
    /// The state of the last run cannot be used, or the present one not kept.
    SnapshotFailed { message: String },
}
