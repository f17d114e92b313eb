//! The process-wide engine: how modules are compiled, cached and limited.

use std::path::PathBuf;
use std::sync::Arc;

use cardea_model::config;

use crate::failure::Failure;
use crate::policy::{Policy, State};

#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Compiled modules by digest; `None` compiles each time. Made with mode 0700 and refused if anybody else may
    /// write there.
    pub cache: Option<PathBuf>,
    /// Most linear memory of any policy, bytes.
    pub memory_bytes_max: u32,
    /// Most instances alive at once, over all workers and policies.
    pub instances_max: u32,
}

/// Why a module does not go live. The message says what was found and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LoadError {
    /// `digest`, `compile`, `imports`, `exports`, `limits`, `init`: the stage, and the label of the counter.
    pub stage: &'static str,
    /// The field of the Policy at fault, such as `spec.module` or `spec.grants`.
    pub field: &'static str,
    pub message: String,
    pub remedy: String,
}

#[derive(Debug, Clone)]
pub struct Engine {}

impl Engine {
    pub fn new(_options: EngineOptions) -> Result<Self, Failure> {
        Ok(Self {})
    }

    /// Compiles, links within the grants, and initialises one instance. Blocking, and slow: never on a worker.
    /// Returns a previous result where digest, config, grants and limits are the same as `previous`.
    pub fn load(
        &self,
        _spec: &Arc<config::Policy>,
        _state: &Arc<State>,
        _previous: Option<&Arc<Policy>>,
    ) -> Result<Arc<Policy>, LoadError> {
        Err(LoadError { stage: "compile", field: "spec.module", message: String::new(), remedy: String::new() })
    }
}
