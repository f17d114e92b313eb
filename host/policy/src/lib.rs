//! The Wasm policy engine: the only crate that names wasmtime, and the only one with `unsafe`.
//!
//! Off the workers, [`Engine::load`] turns a module's bytes into a [`Policy`]: checked, compiled, linked within its
//! grants, initialised once. On a worker, a [`Run`] takes one exchange through the [`Chain`] of its route, calling
//! instances that the worker's [`Instances`] keeps. It opens no socket, and nothing that a guest does costs more than
//! the request in hand.

mod abi;
mod backtrace;
mod bindings;
mod chain;
mod copied;
mod deadline;
mod engine;
mod exchange;
mod failure;
pub mod fields;
mod host;
mod imports;
mod instance;
mod instances;
mod load;
mod outcome;
mod policy;
mod reads;
mod source;
mod state;

pub use abi::proxy_wasm::{HostCall, fuzz_proxy_wasm, proxy_wasm_host_calls};
pub use abi::wasi_http::{Answer, Callout, Event, Feed, Inflow, Outflow, Outgoing, Service, Timeouts, Unanswered};
pub use abi::{Abi, Call, CallFailure, CallReply, Caller, Request as CallRequest, Side};
pub use backtrace::{BACKTRACE, CALLED_BY};
pub use chain::{BodyStep, Chain, Decided, DecisionKind, Explained, Given, Member, ResponseStep, Run, Step};
pub use copied::Copied;
pub use engine::{Engine, EngineError, EngineOptions};
pub use exchange::{Beside, Exchange, Peer, ReadSet, ResponseHead};
pub use failure::Failure;
pub use instances::{Footprint, Instances};
pub use load::{LoadCost, LoadError, Slow, StartCost, digest};
pub use outcome::{BodyDemand, Reply, Summary, Target, fuzz_request_outcome};
pub use policy::Policy;
pub use source::{Clock, LogLevel, LogLine, LogSink, Random, Sources};
pub use state::{DURATION_BOUNDS_NS, PolicySnapshot, State, UserMetric, UserValue};
