//! Backends by name, outliving every generation: what is known of their endpoints, process-wide and as one worker.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use cardea_model::endpoint::EndpointSet;
use cardea_model::snapshot::{Backend, BackendKey, Balance};

use super::pick::{Endpoint, Ring};
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

/// Every backend of the live generation. Written by the control plane only.
#[derive(Debug, Default)]
pub struct Registry {
    backends: Mutex<HashMap<Arc<str>, Arc<BackendState>>>,
}

impl Registry {
    /// The states of a snapshot's backends, in its order. Known ones keep what they have; others are forgotten once no
    /// generation holds them.
    pub fn adopt(&self, backends: &[Backend], workers: usize) -> Vec<Arc<BackendState>> {
        let mut known = self.backends.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = HashMap::with_capacity(backends.len());
        let adopted = backends.iter().map(|backend| {
            let state = known.get(&backend.name).or_else(|| next.get(&backend.name)).cloned().unwrap_or_else(|| {
                Arc::new(BackendState {
                    name: Arc::clone(&backend.name),
                    endpoints: ArcSwap::default(),
                    stats: Sharded::new(workers),
                })
            });
            next.insert(Arc::clone(&backend.name), Arc::clone(&state));
            state
        });
        let adopted = adopted.collect();
        *known = next;
        adopted
    }

    /// Publishes endpoints; an equal set is left alone, so that workers keep their connections and rounds.
    pub fn publish(backends: &[Backend], states: &[Arc<BackendState>], sets: &BTreeMap<BackendKey, EndpointSet>) {
        for (backend, state) in backends.iter().zip(states) {
            let set = sets.get(&backend.key).cloned().unwrap_or_default();
            if **state.endpoints.load() != set {
                state.endpoints.store(Arc::new(set));
            }
        }
    }

    pub fn all(&self) -> Vec<Arc<BackendState>> {
        self.backends.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
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
