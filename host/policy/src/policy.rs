//! One loaded version of a policy: its component, linked and initialised once, and its limits.

use std::fmt;
use std::sync::Arc;

use cardea_model::config;
use wasmtime::component::{ComponentExportIndex, InstancePre};

use crate::abi;
use crate::engine::{Engine, Slot};
use crate::exchange::ReadSet;
use crate::host::Host;
use crate::load::LoadCost;
use crate::reads::NameTable;
use crate::source::Sources;
use crate::state::PolicyState;

/// A version of a policy that compiled, linked and initialised. Shared by all workers; immutable.
pub struct Policy {
    /// `namespace/name`.
    pub name: Arc<str>,
    /// `sha256:...` of the module.
    pub digest: Arc<str>,
    pub spec: Arc<config::Policy>,
    pub(crate) engine: Engine,
    pub(crate) shared: Arc<Shared>,
    pub(crate) slot: Slot,
    pub(crate) kind: Kind,
    /// Measured when it loaded; nothing for modules of other ABIs.
    pub cost: LoadCost,
}

/// By ABI.
pub(crate) enum Kind {
    Native(Native),
    Foreign(Box<dyn abi::Module>),
    /// A component of wasi:http.
    Server(Box<abi::wasi_http::WasiHttp>),
}

/// A component of `cardea:policy`.
pub(crate) struct Native {
    pub pre: InstancePre<Host>,
    pub exports: Exports,
    /// The snapshot was taken after `init`, so that instances of it need none.
    pub initialised: bool,
}

/// What the instances of a policy use: they hold this and not the policy, which so shows when it is no longer live.
pub(crate) struct Shared {
    pub name: Arc<str>,
    pub memory_bytes_max: usize,
    pub names: NameTable,
    pub state: Arc<PolicyState>,
    pub sources: Sources,
}

/// Where the phases are among the component's exports. The optional ones are absent when it does not export them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exports {
    pub init: ComponentExportIndex,
    pub request: ComponentExportIndex,
    pub request_body: Option<ComponentExportIndex>,
    pub response: Option<ComponentExportIndex>,
    pub complete: Option<ComponentExportIndex>,
}

impl Policy {
    /// The questions of a decision, as text: `path`, `header:x-canary`.
    pub fn reads(&self, reads: &ReadSet) -> Vec<String> {
        self.shared.names.describe(reads)
    }

    /// Whether instances begin after `init`, from a snapshot: with `isolation: request`, where the module allows it.
    pub fn is_snapshot(&self) -> bool {
        self.native().is_some_and(|native| native.initialised)
    }

    /// Whether it works without exchanges too: it is to be made on each worker before it is live ([`crate::Instances::warm`]).
    pub fn is_eager(&self) -> bool {
        matches!(&self.kind, Kind::Foreign(module) if module.is_eager())
    }

    /// What the module hears of an exchange: the later phases that it exports, by interface name, or another ABI's own.
    pub fn phases(&self) -> Vec<&'static str> {
        let exports = match &self.kind {
            Kind::Native(native) => &native.exports,
            Kind::Foreign(module) => return module.phases(),
            Kind::Server(_) => return vec!["incoming-handler"],
        };
        let optional = [
            (exports.request_body.is_some(), "on-request-body"),
            (exports.response.is_some(), "on-response"),
            (exports.complete.is_some(), "on-complete"),
        ];
        optional.into_iter().filter_map(|(is_there, name)| is_there.then_some(name)).collect()
    }
}

impl Policy {
    pub(crate) fn native(&self) -> Option<&Native> {
        match &self.kind {
            Kind::Native(native) => Some(native),
            Kind::Foreign(_) | Kind::Server(_) => None,
        }
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").field("name", &self.name).field("digest", &self.digest).finish_non_exhaustive()
    }
}
