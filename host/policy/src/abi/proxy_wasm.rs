//! proxy-wasm, the ABI of plugins for Envoy and its kind: versions 0.1.0, 0.2.0 and 0.2.1, as core modules.
//!
//! A worker has one VM for a policy version, from before that is live until after its last exchange; all exchanges share it, each as
//! a context. Waiting is by callbacks alone, so
//! guest calls are plain calls under the deadline of every policy. Whatever ends a guest early ends its VM: its streams fail by
//! the policy's failure mode, and the VM starts again, at first at once and then with growing pauses.

mod backoff;
mod body;
mod calls;
mod functions;
mod grpc;
mod guest;
mod home;
mod known;
mod load;
mod maps;
mod memory;
mod pairs;
mod property;
mod session;
mod status;
mod stream;
mod vm;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use wasmtime::InstancePre;

pub use known::{HostCall, proxy_wasm_host_calls};
pub(crate) use load::load;

use crate::abi::core_module::Names;
use crate::abi::{CallFailure, CallReply, Module, Outside, Resident, Session, Turn};
use crate::failure::Failure;
use crate::host::Worker;
use crate::instances::Footprint;
use crate::load::StartCost;
use crate::policy::Policy;
use functions::Version;
use guest::Guest;
use home::Home;
use session::Stay;
use vm::{Making, Vm};

/// By the marker of a version.
pub(super) fn is_meant(names: &Names<'_>) -> bool {
    Version::ALL.into_iter().any(|(marker, _)| names.has_export(marker))
}

/// The markers of the versions that there are, for messages.
pub(super) fn markers() -> [String; 3] {
    Version::ALL.map(|(marker, _)| format!("`{marker}`"))
}

/// A module that was linked, and started once.
struct ProxyWasm(Arc<Loaded>);

struct Loaded {
    pre: InstancePre<Guest>,
    version: Version,
    /// `spec.config` as the plugin reads it.
    config: Arc<[u8]>,
    /// `spec.proxyWasm.vmConfig`, likewise.
    vm_config: Arc<[u8]>,
    /// Of the request and the response: whether some callback of the body or of trailers is exported.
    hears_body: [bool; 2],
    phases: Vec<&'static str>,
}

impl Module for ProxyWasm {
    fn settle(&self, policy: &Arc<Policy>, worker: &Rc<Worker>) -> Box<dyn Resident> {
        Box::new(Plugin(Rc::new(Home::new(Arc::clone(&self.0), making(policy, worker)))))
    }

    fn time_start(&self, policy: &Policy, worker: &Rc<Worker>) -> Result<StartCost, Failure> {
        Vm::time_start(&self.0, &making(policy, worker))
    }

    fn phases(&self) -> Vec<&'static str> {
        self.0.phases.clone()
    }

    /// Plugins fetch what they need with their first ticks, before there is a request.
    fn is_eager(&self) -> bool {
        true
    }
}

fn making(policy: &Policy, worker: &Rc<Worker>) -> Making {
    Making {
        engine: policy.engine.clone(),
        shared: Arc::clone(&policy.shared),
        spec: Arc::clone(&policy.spec),
        worker: Rc::clone(worker),
    }
}

/// The plugin of a worker.
struct Plugin(Rc<Home>);

impl Resident for Plugin {
    fn open(&mut self, turn: &mut Turn<'_>) -> Result<Box<dyn Session>, Failure> {
        self.0.wake(turn.start)?;
        Ok(Box::new(Stay::new(&self.0, turn.policy.spec.limits.body_bytes_max as usize)))
    }

    fn footprint(&self) -> Option<Footprint> {
        self.0.footprint()
    }

    fn wake(&mut self, outside: &mut Outside<'_>) {
        self.0.wake_alone(outside, Instant::now());
    }

    fn leave(&mut self, outside: &mut Outside<'_>) -> bool {
        self.0.leave(outside, Instant::now())
    }

    fn next_tick(&self) -> Option<Instant> {
        self.0.next_tick()
    }

    fn tick(&mut self, outside: &mut Outside<'_>) {
        self.0.tick(outside);
    }

    fn called(&mut self, outside: &mut Outside<'_>, id: u32, reply: Result<CallReply, CallFailure>) {
        self.0.called(outside, id, reply);
    }
}

/// For fuzzing: what decodes as a map encodes to the same bytes, and no bytes break the readers of maps and properties.
pub fn fuzz_proxy_wasm(bytes: &[u8]) {
    if let Ok(pairs) = pairs::decode(bytes)
        && !pairs.is_empty()
    {
        let mut again = Vec::new();
        pairs::encode(&pairs, &mut again);
        assert_eq!(again, bytes, "a map encodes to what it was decoded from");
    }
    if let Some(segments) = property::segments(bytes) {
        assert!(!segments.is_empty(), "a path has segments");
    }
}
