//! From a core module to one that can run: its version, its memory and allocator, its imports, and one start as a probe.

use std::rc::Rc;
use std::sync::Arc;

use cardea_model::config;
use wasmtime::{InstancePre, Module};

use crate::abi;
use crate::abi::proxy_wasm::functions::{HEARD, Version};
use crate::abi::proxy_wasm::guest::Guest;
use crate::abi::proxy_wasm::vm::{Making, StartError, VM_START, Vm};
use crate::abi::proxy_wasm::{Loaded, ProxyWasm, calls};
use crate::engine::Engine;
use crate::failure::Failure;
use crate::host::Worker;
use crate::instance::one_line;
use crate::load::LoadError;
use crate::policy::Shared;
use crate::source::Random;

const REBUILD: &str = "build it with an SDK of proxy-wasm 0.2.1";

/// Blocking, and slow: never on a worker.
pub(crate) fn load(
    engine: &Engine,
    spec: &Arc<config::Policy>,
    shared: &Arc<Shared>,
    module: &Module,
) -> Result<Box<dyn abi::Module>, LoadError> {
    let no_version = || LoadError::new("exports", "spec.module", "the module exports no proxy_abi_version_*", REBUILD);
    let version = Version::of(module).ok_or_else(no_version)?;
    let exports = |name: &str| module.get_export(name).is_some();
    let hears = |side: &str| ["body", "trailers"].iter().any(|what| exports(&format!("proxy_on_{side}_{what}")));
    let loaded = Loaded {
        pre: link(engine, module)?,
        version,
        config: config_bytes(&spec.config),
        vm_config: spec.proxy_wasm.as_ref().map_or_else(Arc::default, |declared| config_bytes(&declared.vm_config)),
        hears_body: [hears("request"), hears("response")],
        phases: HEARD.into_iter().filter(|name| exports(name)).collect(),
    };
    let making = Making {
        engine: engine.clone(),
        shared: Arc::clone(shared),
        spec: Arc::clone(spec),
        worker: Rc::new(Worker::new(Random::System)),
    };
    probe(&loaded, &making)?;
    Ok(Box::new(ProxyWasm(Arc::new(loaded))))
}

/// The text of a JSON string; nothing for `null`; of anything else its JSON text.
fn config_bytes(json: &str) -> Arc<[u8]> {
    match serde_json::from_str(json) {
        Ok(serde_json::Value::Null) => Arc::default(),
        Ok(serde_json::Value::String(text)) => Arc::from(text.into_bytes()),
        _ => Arc::from(json.as_bytes()),
    }
}

fn link(engine: &Engine, module: &Module) -> Result<InstancePre<Guest>, LoadError> {
    let linked = calls::linker(engine.wasmtime()).and_then(|linker| linker.instantiate_pre(module));
    linked.map_err(|error| {
        let message = format!("the module imports what proxy-wasm does not have: {}", one_line(&error));
        LoadError::new(
            "imports",
            "spec.module",
            message,
            "see docs/abi/proxy-wasm.md for the host calls that there are",
        )
    })
}

/// Starts one VM and throws it away: what fails here would fail on every worker.
fn probe(loaded: &Loaded, making: &Making) -> Result<(), LoadError> {
    let pulse = making.engine.pulse();
    pulse.begin();
    let started = Vm::start(loaded, making, 1);
    pulse.end();
    let (stage, field, message, remedy) = match started {
        Ok(_) => return Ok(()),
        Err(StartError::Refused(name)) => {
            let field = if name == VM_START { "spec.proxyWasm.vmConfig" } else { "spec.config" };
            ("init", field, format!("{name} returned false"), "correct it; the module's log says more")
        }
        Err(StartError::Mistyped("memory")) => {
            ("exports", "spec.module", String::from("the module exports no memory"), REBUILD)
        }
        Err(StartError::Mistyped(name)) => (
            "exports",
            "spec.module",
            format!("the export `{name}` is absent, or not of the type that proxy-wasm says"),
            REBUILD,
        ),
        Err(StartError::Failed(Failure::Memory)) => (
            "limits",
            "spec.limits.memory",
            String::from("the module needs more memory than limits.memory to start"),
            "raise limits.memory",
        ),
        Err(StartError::Failed(failure)) => {
            ("init", "spec.module", format!("the start of the module {failure}"), "see what it does when it starts")
        }
    };
    Err(LoadError::new(stage, field, message, remedy))
}
