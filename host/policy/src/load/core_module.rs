//! Core modules, which the adapter of their ABI links and starts.

use std::sync::Arc;

use cardea_model::config;
use wasmtime::Module;

use super::LoadError;
use super::limits::check_needs;
use crate::abi;
use crate::engine::Engine;
use crate::instance::one_line;
use crate::policy::{Kind, Policy, Shared};
use crate::state::State;

/// What an adapter does with a compiled module: checks its shape, links it, and starts it once.
type Load = fn(&Engine, &Arc<config::Policy>, &Arc<Shared>, &Module) -> Result<Box<dyn abi::Module>, LoadError>;

impl Engine {
    pub(super) fn load_core(
        &self,
        spec: &Arc<config::Policy>,
        state: &Arc<State>,
        bytes: &[u8],
        digest: String,
        load: Load,
    ) -> Result<Arc<Policy>, LoadError> {
        let module = self.cache().module(self.wasmtime(), bytes, &digest).map_err(|error| {
            let message = format!("the module does not compile: {}", one_line(&error));
            LoadError::new("compile", "spec.module", message, "build it again, for WebAssembly without extensions")
        })?;
        check_needs(&module.resources_required(), spec)?;
        let shared = self.shared(spec, state);
        let foreign = load(self, spec, &shared, &module)?;
        Ok(Arc::new(self.policy(spec, shared, digest, Kind::Foreign(foreign))))
    }
}
