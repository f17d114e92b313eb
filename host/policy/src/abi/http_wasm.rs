//! Modules of the http-wasm handler ABI: middleware as Traefik and others run it, here within the bounds of every policy.
//!
//! A guest exports `handle_request` and `handle_response`, and asks for everything else through the functions of
//! `http_handler`. The text of the ABI is <https://http-wasm.io/http-handler-abi/>; docs/abi/http-wasm.md says what it leaves
//! open.

mod body;
mod guest;
mod imports;
mod memory;
mod pool;
mod session;
mod shape;
mod stage;
mod undo;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use cardea_model::config;
use wasmtime::{InstancePre, Linker, Module};

use self::guest::{Guest, Material, State};
use self::pool::{Kept, Pool};
use self::stage::Features;
use super::{Resident, wasi_p1};
use crate::engine::{Engine, Share};
use crate::failure::Failure;
use crate::host::Worker;
use crate::load::{LoadError, StartCost};
use crate::policy::{Policy, Shared};
use crate::source::Random;

const HANDLE_REQUEST: &str = "handle_request";
const HANDLE_RESPONSE: &str = "handle_response";

/// Of its ABI, by the names of its imports and exports. One that lacks something is told so when it is loaded.
pub(super) fn is_meant(names: &super::core_module::Names<'_>) -> bool {
    names.imports_from(imports::MODULE) || names.has_export(HANDLE_REQUEST) && names.has_export(HANDLE_RESPONSE)
}

/// A module that is linked, and of which one instance has started.
struct HttpWasm(Arc<Loaded>);

struct Loaded {
    pre: InstancePre<State>,
    /// What `get_config` gives.
    config: Arc<str>,
    /// It imports `read_body`.
    reads_bodies: bool,
    /// What it enables when it starts.
    features: Features,
    /// Of the places of instances.
    share: Arc<Share>,
}

/// Links the module, and starts one instance as a probe: what fails here would fail on every request.
pub(crate) fn load(
    engine: &Engine,
    spec: &Arc<config::Policy>,
    shared: &Arc<Shared>,
    module: &Module,
) -> Result<Box<dyn super::Module>, LoadError> {
    shape::check(module)?;
    let mut loaded = Loaded {
        pre: link(engine, module).map_err(|error| shape::mistyped(&error))?,
        config: config_text(&spec.config),
        reads_bodies: module.imports().any(|import| import.module() == imports::MODULE && import.name() == "read_body"),
        features: Features::default(),
        share: Arc::default(),
    };
    let worker = Rc::new(Worker::new(Random::System));
    let pulse = engine.pulse();
    pulse.begin();
    let guest = Guest::new(Material { engine, spec, shared, loaded: &loaded }, &worker, Instant::now());
    pulse.end();
    loaded.features = guest.map_err(|failure| probe_error(&failure))?.features;
    Ok(Box::new(HttpWasm(Arc::new(loaded))))
}

impl super::Module for HttpWasm {
    fn settle(&self, policy: &Arc<Policy>, worker: &Rc<Worker>) -> Box<dyn Resident> {
        Box::new(Kept(Rc::new(Pool::new(&self.0, policy, worker))))
    }

    fn time_start(&self, policy: &Policy, worker: &Rc<Worker>) -> Result<StartCost, Failure> {
        let Policy { engine, spec, shared, .. } = policy;
        Guest::time_start(Material { engine, spec, shared, loaded: &self.0 }, worker)
    }

    fn phases(&self) -> Vec<&'static str> {
        vec![HANDLE_REQUEST, HANDLE_RESPONSE]
    }
}

fn link(engine: &Engine, module: &Module) -> wasmtime::Result<InstancePre<State>> {
    let mut linker = Linker::new(engine.wasmtime());
    imports::link(&mut linker)?;
    wasi_p1::link(&mut linker)?;
    linker.instantiate_pre(module)
}

/// The guest's own format, where `spec.config` is a string; else JSON; nothing where it is absent.
fn config_text(json: &str) -> Arc<str> {
    match serde_json::from_str(json) {
        Ok(serde_json::Value::String(text)) => Arc::from(text),
        Ok(serde_json::Value::Null) => Arc::from(""),
        _ => Arc::from(json),
    }
}

fn probe_error(failure: &Failure) -> LoadError {
    if *failure == Failure::Memory {
        let message = "the module needs more memory than limits.memory to start";
        return LoadError::new("limits", "spec.limits.memory", message, "raise limits.memory");
    }
    let remedy = "see what the module does when it starts; a config that it refuses is in spec.config";
    LoadError::new("init", "spec.module", format!("the module does not start: it {failure}"), remedy)
}
