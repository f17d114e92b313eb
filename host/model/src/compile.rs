//! From what was declared to what is served. Total: a bad item becomes a [`Problem`] and the rest lives.

use std::sync::Arc;

use crate::config::Config;
use crate::problem::Problem;
use crate::snapshot::Snapshot;

/// What this process answers to.
#[derive(Debug, Clone)]
pub struct Options {
    /// `cardea.dev/ingress`: IngressClass.spec.controller values equal to this are ours.
    pub controller: Arc<str>,
    /// Serve Ingresses that name no class although no class of ours is the default.
    pub watch_ingress_without_class: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { controller: "cardea.dev/ingress".into(), watch_ingress_without_class: false }
    }
}

pub fn compile(_config: &Config, _options: &Options) -> (Snapshot, Vec<Problem>) {
    (Snapshot::default(), Vec::new())
}
