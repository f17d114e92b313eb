//! From a declared policy to one that can run: digest, shape, grants, compile, link, and one `init` as a probe.
//!
//! Every stage has its own label and says what was found, what was expected, and what to do. Blocking and slow: the
//! caller is never a worker.

mod core_module;
mod cost;
mod limits;
mod probe;
mod shape;
mod snapshot;
mod start;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use cost::{LoadCost, Slow};
use probe::{measured, not_started, probe};
pub use start::StartCost;

use cardea_model::config::{self, Isolation, ModuleSource};
use sha2::{Digest, Sha256};
use wasmtime::component::{Component, InstancePre};

use crate::abi::wasi_http::{self, WasiHttp};
use crate::abi::{self, Abi};
use crate::engine::Engine;
use crate::host::Host;
use crate::imports;
use crate::instance::one_line;
use crate::policy::{Kind, Native, Policy, Shared};
use crate::reads::NameTable;
use crate::state::State;

/// Of a module's bytes. SpiderMonkey components have 12 MB, Python's 18.
const MODULE_BYTES_MAX: usize = 64 << 20;

/// Why a module does not go live. The message says what was found and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LoadError {
    /// `module`, `digest`, `compile`, `imports`, `exports`, `limits`, `init`: the stage, and the label of the counter.
    pub stage: &'static str,
    /// The field of the Policy at fault, such as `spec.module` or `spec.grants`.
    pub field: &'static str,
    pub message: String,
    pub remedy: String,
}

impl LoadError {
    pub(crate) fn new(
        stage: &'static str,
        field: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { stage, field, message: message.into(), remedy: remedy.into() }
    }
}

impl Engine {
    /// Compiles, links within the grants, and initialises one instance. Blocking, and slow: never on a worker.
    /// Returns `previous` where the module and all that is declared of it are the same.
    pub fn load(
        &self,
        spec: &Arc<config::Policy>,
        state: &Arc<State>,
        previous: Option<&Arc<Policy>>,
    ) -> Result<Arc<Policy>, LoadError> {
        let bytes = module_bytes(spec)?;
        let digest = digest(bytes);
        if let Some(previous) = previous.filter(|previous| is_same(previous, spec, &digest)) {
            return Ok(Arc::clone(previous));
        }
        expect_digest(spec, &digest)?;
        self.check_limits(spec)?;
        let abi = Abi::of(bytes)?;
        if spec.proxy_wasm.is_some() && abi != Abi::ProxyWasm {
            let message = "the module is not of the proxy-wasm ABI, which alone has root contexts and a VM's config";
            return Err(LoadError::new("abi", "spec.proxyWasm", message, "remove it; spec.config is for every module"));
        }
        match abi {
            Abi::Cardea => self.load_native(spec, state, bytes, digest),
            Abi::HttpWasm => self.load_core(spec, state, bytes, digest, abi::http_wasm::load),
            Abi::ProxyWasm => self.load_core(spec, state, bytes, digest, abi::proxy_wasm::load),
        }
    }

    fn load_native(
        &self,
        spec: &Arc<config::Policy>,
        state: &Arc<State>,
        bytes: &[u8],
        digest: String,
    ) -> Result<Arc<Policy>, LoadError> {
        let begun = Instant::now();
        let component = self.compile(bytes, &digest)?;
        let compile = begun.elapsed();
        self.check_resources(&component, spec)?;
        if wasi_http::is_ours(&component, self.wasmtime()) {
            shape::only_wasi_http(&component, self.wasmtime())?;
            return self.load_server(spec, state, (&component, compile), digest);
        }
        let native = self.native(&component, spec)?;
        let mut policy = self.policy(spec, self.shared(spec, state), digest, Kind::Native(native));
        policy.cost = LoadCost::of(&component, compile, measured(|| probe(&policy))?);
        if spec.isolation == Isolation::Request
            && let Some(native) = self.snapshot(&policy, bytes)
        {
            let old = std::mem::replace(&mut policy.kind, Kind::Native(native));
            match measured(|| probe(&policy)) {
                Ok((start, memory_bytes)) => policy.cost = LoadCost { start, memory_bytes, ..policy.cost },
                Err(_) => policy.kind = old,
            }
        }
        Ok(Arc::new(policy))
    }

    /// A component of wasi:http, which the first eight bytes do not tell from one of ours.
    fn load_server(
        &self,
        spec: &Arc<config::Policy>,
        state: &Arc<State>,
        (component, compile): (&Component, Duration),
        digest: String,
    ) -> Result<Arc<Policy>, LoadError> {
        let is_granted = |name: &str| spec.grants.interfaces.iter().any(|known| known == name);
        let granted = imports::wasi::Granted { log: is_granted("log"), random: is_granted("random") };
        let server = WasiHttp::load(self, component, &spec.config, granted)?;
        let mut policy = self.policy(spec, self.shared(spec, state), digest, Kind::Server(Box::new(server)));
        if let Kind::Server(server) = &policy.kind {
            let start = || server.probe(self, &policy.spec, &policy.shared).map_err(not_started);
            policy.cost = LoadCost::of(component, compile, measured(start)?);
        }
        Ok(Arc::new(policy))
    }

    fn compile(&self, bytes: &[u8], digest: &str) -> Result<Component, LoadError> {
        self.cache().component(self.wasmtime(), bytes, digest).map_err(|error| {
            let message = format!("the module does not compile: {}", one_line(&error));
            LoadError::new(
                "compile",
                "spec.module",
                message,
                "build it again with `cardea policy build`; a copy or a download may have been cut short",
            )
        })
    }

    fn check_resources(&self, component: &Component, spec: &config::Policy) -> Result<(), LoadError> {
        // Absent where a component imports or takes apart modules: `link` refuses that.
        component.resources_required().map_or(Ok(()), |needs| limits::check_needs(&needs, spec))
    }

    fn link(&self, component: &Component, spec: &config::Policy) -> Result<InstancePre<Host>, LoadError> {
        let granted = &spec.grants.interfaces;
        if let Some(unknown) = granted.iter().find(|name| !imports::is_known(name)) {
            let message = format!("`{unknown}` is not an interface of cardea:policy");
            let remedy = "grant log, metrics, clock, random, kv-local or counters";
            return Err(LoadError::new("imports", "spec.grants.interfaces", message, remedy));
        }
        shape::imports(component, self.wasmtime(), granted)?;
        let is_granted = |name: &str| granted.iter().any(|known| known == name);
        let linker = imports::linker(self.wasmtime(), component, is_granted, self.options().measures)
            .map_err(|error| shape::mistyped(&error))?;
        linker
            .instantiate_pre(component)
            .map_err(|error| shape::lacking(component, &linker).unwrap_or_else(|| shape::mistyped(&error)))
    }

    fn native(&self, component: &Component, spec: &config::Policy) -> Result<Native, LoadError> {
        let pre = self.link(component, spec)?;
        Ok(Native { pre, exports: shape::exports(component, self.wasmtime())?, initialised: false })
    }

    /// The component as it is after `init`, where it allows that; else each instance runs `init` itself.
    fn snapshot(&self, policy: &Policy, bytes: &[u8]) -> Option<Native> {
        let component = snapshot::take(self, policy, bytes)?;
        Some(Native { initialised: true, ..self.native(&component, &policy.spec).ok()? })
    }

    fn shared(&self, spec: &config::Policy, state: &State) -> Arc<Shared> {
        let name: Arc<str> = Arc::from(format!("{}/{}", spec.origin.namespace, spec.origin.name));
        Arc::new(Shared {
            memory_bytes_max: spec.limits.memory_bytes_max as usize,
            names: NameTable::default(),
            state: state.of(&name),
            sources: self.sources().clone(),
            name,
        })
    }

    fn policy(&self, spec: &Arc<config::Policy>, shared: Arc<Shared>, digest: String, kind: Kind) -> Policy {
        Policy {
            name: Arc::clone(&shared.name),
            digest: Arc::from(digest),
            spec: Arc::clone(spec),
            engine: self.clone(),
            shared,
            slot: self.take_slot(),
            cost: LoadCost::default(),
            kind,
        }
    }
}

fn module_bytes(spec: &config::Policy) -> Result<&[u8], LoadError> {
    let bytes = match &spec.module {
        ModuleSource::Bytes { bytes, .. } => bytes,
        ModuleSource::Missing { path, message } => {
            let message = format!("the module {path} cannot be read: {message}");
            return Err(LoadError::new(
                "module",
                "spec.module.file",
                message,
                "put the module where the manifest says",
            ));
        }
    };
    if bytes.len() > MODULE_BYTES_MAX {
        let message = format!("the module has {} bytes, and may have {MODULE_BYTES_MAX}", bytes.len());
        return Err(LoadError::new("module", "spec.module", message, "build a smaller module"));
    }
    Ok(bytes)
}

/// Of a module: `sha256:` and 64 lower case hex digits.
pub fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::from("sha256:");
    for byte in Sha256::digest(bytes) {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn expect_digest(spec: &config::Policy, found: &str) -> Result<(), LoadError> {
    match &spec.digest {
        Some(expected) if !expected.eq_ignore_ascii_case(found) => {
            let message = format!("the module's digest is {found}, and spec.module.digest says {expected}");
            let remedy = "restore the module that the digest names, or change the digest with it";
            Err(LoadError::new("digest", "spec.module.digest", message, remedy))
        }
        _ => Ok(()),
    }
}

fn is_same(previous: &Policy, spec: &config::Policy, digest: &str) -> bool {
    let old = &previous.spec;
    *previous.digest == *digest
        && old.digest == spec.digest
        && old.config == spec.config
        && old.grants == spec.grants
        && old.limits == spec.limits
        && old.failure_mode == spec.failure_mode
        && old.isolation == spec.isolation
        && old.proxy_wasm == spec.proxy_wasm
}
