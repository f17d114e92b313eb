//! One loaded policy: its component, its limits, and what outlives its versions.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use cardea_model::config;

/// A version of a policy that compiled, linked and initialised. Shared by all workers; immutable.
#[derive(Debug)]
pub struct Policy {
    /// `namespace/name`.
    pub name: Arc<str>,
    /// `sha256:...` of the module.
    pub digest: Arc<str>,
    pub spec: Arc<config::Policy>,
    pub stats: Arc<PolicyStats>,
}

/// Counters of a policy by name; they outlive its versions. Written by workers with relaxed adds.
#[derive(Debug, Default)]
pub struct PolicyStats {
    pub calls: AtomicU64,
    pub nanoseconds: AtomicU64,
}

/// Kept kv values, counters and user metrics, by policy name: what survives a swap. One a process.
#[derive(Debug, Default)]
pub struct State {}
