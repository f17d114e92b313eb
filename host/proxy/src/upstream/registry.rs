//! Backends by name, outliving every generation: what is known of their endpoints, process-wide and as one worker.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use arc_swap::ArcSwap;
use cardea_model::endpoint::EndpointSet;
use cardea_model::snapshot::Balance;

use super::pick::{Endpoint, Ring};
use crate::adopted::Adopted;
use crate::metrics::Sharded;
use crate::worker;

/// One backend, shared by all workers.
#[derive(Debug)]
pub struct BackendState {
    /// `namespace/service:port`.
    pub name: Arc<str>,
    pub endpoints: ArcSwap<EndpointSet>,
    pub stats: Sharded,
}

/// Every backend of the live generation, by name. Written by the control plane only.
#[derive(Debug, Default)]
pub struct Registry {
    backends: Adopted<BackendState>,
}

impl Registry {
    /// The state of a backend by name, from now on used once more.
    pub fn adopt(&self, name: &Arc<str>, workers: usize) -> Arc<BackendState> {
        self.backends.adopt(name, || BackendState {
            name: Arc::clone(name),
            endpoints: ArcSwap::default(),
            stats: Sharded::new(workers),
        })
    }

    /// Takes back one [`Registry::adopt`]. After the last, the backend is forgotten once no generation holds it.
    pub fn forget(&self, name: &str) {
        self.backends.forget(name);
    }

    /// By name, in order.
    pub fn all(&self) -> Vec<Arc<BackendState>> {
        self.backends.all().into_iter().map(|(_, state)| state).collect()
    }
}

impl BackendState {
    /// Publishes endpoints; an equal set is left alone, so that workers keep their connections and rounds.
    pub fn publish(&self, set: EndpointSet) {
        if **self.endpoints.load() != set {
            self.endpoints.store(Arc::new(set));
        }
    }
}

/// A backend as one worker has it.
#[derive(Debug)]
pub struct Local {
    pub state: Arc<BackendState>,
    balance: Cell<Balance>,
    seen: RefCell<Arc<EndpointSet>>,
    ring: RefCell<Ring>,
}

impl Local {
    pub fn new(state: Arc<BackendState>, balance: Balance) -> Rc<Self> {
        let local = Self {
            state,
            balance: Cell::new(balance),
            seen: RefCell::new(Arc::new(EndpointSet::default())),
            ring: RefCell::default(),
        };
        Rc::new(local)
    }

    pub fn set_balance(&self, balance: Balance) {
        self.balance.set(balance);
    }

    pub fn pick(&self, subset: &[(String, String)], not: Option<&Rc<Endpoint>>) -> Option<Rc<Endpoint>> {
        self.refresh();
        let now = worker::with(|worker| worker.now_ms()).unwrap_or(0);
        self.ring.borrow().pick(self.balance.get(), subset, not, now)
    }

    /// Takes a new set of endpoints over, keeping those that stay, with their connections.
    fn refresh(&self) {
        let live = self.state.endpoints.load();
        if Arc::ptr_eq(&live, &self.seen.borrow()) {
            return;
        }
        let old: HashMap<_, _> =
            self.ring.borrow().endpoints.iter().map(|endpoint| (endpoint.address, Rc::clone(endpoint))).collect();
        let endpoints: Vec<_> = live
            .endpoints
            .iter()
            .map(|endpoint| match old.get(&endpoint.address) {
                Some(kept) if kept.labels == endpoint.labels => Rc::clone(kept),
                _ => Endpoint::new(endpoint),
            })
            .collect();
        // Workers start at different places, so that few requests still spread.
        let start = worker::with(|worker| worker.id).unwrap_or(0) % endpoints.len().max(1);
        *self.ring.borrow_mut() = Ring::new(endpoints, start);
        *self.seen.borrow_mut() = Arc::clone(&live);
    }

    pub fn sweep(&self, since: u64) {
        for endpoint in &self.ring.borrow().endpoints {
            endpoint.sweep(since);
        }
    }
}
