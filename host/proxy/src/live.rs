//! What is being served: one immutable generation, published by one pointer swap, pinned by each request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use cardea_model::paged::Paged;
use cardea_model::snapshot::{BackendId, Route, RouteId, Snapshot};
use cardea_policy::Chain;

use crate::metrics::Sharded;
use crate::upstream::registry::BackendState;

/// A snapshot with everything loaded that serving it needs. It shares with the one before what did not change, so that
/// dropping it costs the worker that does no more than the change.
#[derive(Debug, Default)]
pub struct Generation {
    /// From 1; 0 is the empty one before the first.
    pub number: u64,
    pub snapshot: Snapshot,
    /// By [`RouteId`]; routes of one Ingress share one.
    pub route_stats: Paged<Arc<Sharded>>,
    /// By [`BackendId`].
    pub backends: Paged<Arc<BackendState>>,
    /// By `ChainId`.
    pub chains: Paged<Arc<Chain>>,
}

impl Generation {
    pub fn route(&self, id: RouteId) -> Option<&Route> {
        self.snapshot.routes.get(id.0 as usize).map(|route| &**route)
    }

    pub fn chain(&self, route: &Route) -> Option<&Arc<Chain>> {
        route.chain.and_then(|id| self.chains.get(id.0 as usize))
    }

    pub fn backend(&self, id: BackendId) -> Option<&cardea_model::snapshot::Backend> {
        self.snapshot.backends.get(id.0 as usize)
    }
}

/// The pointer that is swapped.
#[derive(Debug, Default)]
pub struct Live {
    current: ArcSwap<Generation>,
    version: AtomicU64,
}

impl Live {
    pub fn publish(&self, generation: Generation) {
        let number = generation.number;
        self.current.store(Arc::new(generation));
        self.version.store(number, Ordering::Release);
    }

    /// Changes with each generation; cheap to look at.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub fn load(&self) -> Arc<Generation> {
        self.current.load_full()
    }
}
