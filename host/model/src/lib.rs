//! What the ingress knows, and the compiler from what was declared to what is served.
//!
//! Pure: no I/O, no clock, no async; it names neither Kubernetes types, nor wasmtime, nor hyper. Sources declare a
//! [`config::Config`]; [`compile::compile`] turns it into an immutable [`snapshot::Snapshot`] and a list of
//! [`problem::Problem`]s; it is total: a bad item becomes a problem and the rest lives.

pub mod compile;
pub mod config;
pub mod difference;
pub mod endpoint;
pub mod host;
pub mod lookup;
pub mod names;
pub mod paged;
pub mod path;
pub mod problem;
pub mod service;
pub mod shards;
pub mod snapshot;
pub mod units;
