//! The Wasm policy engine: the only crate that names wasmtime, and the only one with `unsafe`.
//!
//! Off the workers, [`Engine::load`] turns a module's bytes into a [`Policy`]: checked, compiled, linked within its
//! grants, initialised once. On a worker, a [`Run`] takes one exchange through the [`Chain`] of its route, calling
//! instances that the worker's [`Instances`] keeps. It opens no socket, and nothing that a guest does costs more than
//! the request in hand.

mod chain;
mod engine;
mod exchange;
mod failure;
mod outcome;
mod policy;

pub use chain::{Chain, Decided, DecisionKind, Instances, ResponseStep, Run, Step};
pub use engine::{Engine, EngineOptions, LoadError};
pub use exchange::{Exchange, Peer, ReadSet, ResponseHead};
pub use failure::Failure;
pub use outcome::{BodyDemand, Reply, Summary, Target};
pub use policy::{Policy, PolicyStats, State};
