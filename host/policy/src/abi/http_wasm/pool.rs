//! A worker's idle instances of a module. An instance is here, or with one exchange, or gone.
//!
//! One that failed is not put back, and neither is one whose exchange ended between its two calls.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cardea_model::config::Isolation;

use super::Loaded;
use super::guest::{Guest, Material};
use super::session::Visit;
use crate::abi::{Outside, Resident, Session, Turn};
use crate::failure::Failure;
use crate::host::Worker;
use crate::instances::Footprint;
use crate::policy::Policy;
use crate::state::TallyGuard;

/// Kept for the next exchanges; more are dropped when their exchange ends. One alone where places are scarce.
const IDLE_MAX: usize = 32;
/// After which an instance beyond the first gives up its place among those of all policies.
const IDLE_TIME: Duration = Duration::from_secs(30);

pub(super) struct Pool {
    pub loaded: Arc<Loaded>,
    worker: Rc<Worker>,
    idle: RefCell<Vec<Idle>>,
    /// Whether the last guest that was given a request's body read it.
    pub reads: Cell<bool>,
    pub tally: TallyGuard,
}

struct Idle {
    guest: Box<Guest>,
    since: Instant,
}

impl Pool {
    pub fn new(loaded: &Arc<Loaded>, policy: &Policy, worker: &Rc<Worker>) -> Self {
        Self {
            loaded: Arc::clone(loaded),
            worker: Rc::clone(worker),
            idle: RefCell::default(),
            reads: Cell::new(false),
            tally: policy.shared.state.tally(),
        }
    }

    /// The instance that rests for the shortest time, or a new one.
    pub fn take(&self, policy: &Policy, now: Instant) -> Result<Box<Guest>, Failure> {
        if let Some(idle) = self.idle.borrow_mut().pop() {
            return Ok(idle.guest);
        }
        self.tally.created.add(1);
        let Policy { engine, spec, shared, .. } = policy;
        Guest::new(Material { engine, spec, shared, loaded: &self.loaded }, &self.worker, now).map(Box::new)
    }

    /// After a call: what it logged too much.
    pub fn count(&self, guest: &Guest) {
        match guest.log_dropped() {
            0 => {}
            dropped => self.tally.logs_dropped.add(u64::from(dropped)),
        }
    }

    /// After an exchange that went well.
    pub fn put_back(&self, mut guest: Box<Guest>, policy: &Policy, now: Instant) {
        if policy.spec.isolation != Isolation::Pooled {
            return;
        }
        let mut idle = self.idle.borrow_mut();
        let most = if policy.engine.is_roomy() { IDLE_MAX } else { 1 };
        if guest.may_go_on(now) && idle.len() < most {
            idle.push(Idle { guest, since: now });
        } else {
            self.tally.recycled.add(1);
        }
    }

    /// When the one that rests for the longest time has rested enough.
    fn next_leave(&self) -> Option<Instant> {
        let idle = self.idle.borrow();
        idle.first().filter(|_| idle.len() > 1).map(|first| first.since + IDLE_TIME)
    }

    fn leave(&self, now: Instant) {
        let mut idle = self.idle.borrow_mut();
        let most = idle.len().saturating_sub(1);
        let over = idle.iter().take(most).take_while(|idle| idle.since + IDLE_TIME <= now).count();
        idle.drain(..over);
    }
}

/// A pool as the worker keeps it; sessions have it too, to give their instance back.
pub(super) struct Kept(pub Rc<Pool>);

impl Resident for Kept {
    fn open(&mut self, _turn: &mut Turn<'_>) -> Result<Box<dyn Session>, Failure> {
        Ok(Box::new(Visit::new(&self.0)))
    }

    fn footprint(&self) -> Option<Footprint> {
        self.0.idle.borrow().last().map(|idle| idle.guest.footprint())
    }

    fn next_tick(&self) -> Option<Instant> {
        self.0.next_leave()
    }

    fn tick(&mut self, _outside: &mut Outside<'_>) {
        self.0.leave(Instant::now());
    }
}
