//! Which endpoint gets the next request, as one worker sees its endpoints.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use cardea_model::snapshot::Balance;

use super::http1::Http1;
use super::http2::Http2;
use crate::worker;

/// How long an endpoint that refused a connection is passed over, if there are others.
const SHUN: Duration = Duration::from_secs(1);

/// One address of a backend, with this worker's connections to it.
pub struct Endpoint {
    pub address: SocketAddr,
    /// The address as text, for records.
    pub name: Arc<str>,
    pub labels: Arc<BTreeMap<String, String>>,
    in_flight: Cell<u32>,
    shunned_until: Cell<u64>,
    #[expect(clippy::vec_box, reason = "the box goes to an exchange and comes back: its content stays where it is")]
    idle: RefCell<Vec<Box<Http1>>>,
    pub(super) http2: RefCell<Vec<Rc<Http2>>>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Endpoint {
    pub fn new(endpoint: &cardea_model::endpoint::Endpoint) -> Rc<Self> {
        Rc::new(Self {
            address: endpoint.address,
            name: endpoint.address.to_string().into(),
            labels: Arc::clone(&endpoint.labels),
            in_flight: Cell::new(0),
            shunned_until: Cell::new(0),
            idle: RefCell::default(),
            http2: RefCell::default(),
        })
    }

    fn enter(&self) {
        self.in_flight.set(self.in_flight.get() + 1);
    }

    pub fn leave(&self) {
        self.in_flight.set(self.in_flight.get().saturating_sub(1));
    }

    pub fn shun(&self) {
        let until = worker::with(|worker| worker.now_ms()).unwrap_or(0);
        self.shunned_until.set(until + u64::try_from(SHUN.as_millis()).unwrap_or(0));
    }

    /// The connection that rested last and still lives.
    pub(super) fn take(&self) -> Option<Box<Http1>> {
        loop {
            let http1 = self.idle.borrow_mut().pop()?;
            if http1.is_usable() {
                return Some(http1);
            }
        }
    }

    pub(super) fn put(&self, mut http1: Box<Http1>) {
        let (now, idle_max) =
            worker::with(|worker| (worker.now_ms(), worker.settings().idle_upstream_max)).unwrap_or((0, 0));
        http1.rest(now);
        let mut idle = self.idle.borrow_mut();
        if idle.len() < idle_max {
            idle.push(http1);
        }
    }

    /// Closes what has rested since before `since`, and what the backend has closed.
    pub fn sweep(&self, since: u64) {
        let resting = std::mem::take(&mut *self.idle.borrow_mut());
        let kept: Vec<_> = resting.into_iter().filter(|http1| http1.idle_since >= since && http1.is_usable()).collect();
        *self.idle.borrow_mut() = kept;
    }

    fn carries(&self, subset: &[(String, String)]) -> bool {
        subset.iter().all(|(key, value)| self.labels.get(key) == Some(value))
    }
}

/// A place among an endpoint's requests in flight, given back unless the answer's body keeps it.
#[derive(Debug)]
pub struct Entered(Option<Rc<Endpoint>>);

impl Entered {
    pub fn new(endpoint: &Rc<Endpoint>) -> Self {
        endpoint.enter();
        Self(Some(Rc::clone(endpoint)))
    }

    /// The endpoint, to be left by whoever takes it.
    pub fn keep(mut self) -> Option<Rc<Endpoint>> {
        self.0.take()
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        if let Some(endpoint) = &self.0 {
            endpoint.leave();
        }
    }
}

/// The endpoints of a backend, and where the round stands.
#[derive(Debug, Default)]
pub struct Ring {
    pub endpoints: Vec<Rc<Endpoint>>,
    cursor: Cell<usize>,
}

impl Ring {
    pub fn new(endpoints: Vec<Rc<Endpoint>>, start: usize) -> Self {
        Self { endpoints, cursor: Cell::new(start) }
    }

    /// The next endpoint that carries the labels. One that failed just now (`not`) or refused lately comes last.
    pub fn pick(
        &self,
        balance: Balance,
        subset: &[(String, String)],
        not: Option<&Rc<Endpoint>>,
        now: u64,
    ) -> Option<Rc<Endpoint>> {
        let good = |endpoint: &&Rc<Endpoint>| {
            endpoint.shunned_until.get() <= now && not.is_none_or(|not| !Rc::ptr_eq(not, endpoint))
        };
        let from = self.advance();
        let turn = || {
            let (before, after) = self.endpoints.split_at_checked(from).unwrap_or((&[], &self.endpoints));
            after.iter().chain(before).filter(|endpoint| endpoint.carries(subset))
        };
        let picked = match balance {
            Balance::RoundRobin => turn().find(good),
            Balance::LeastRequest => turn().filter(good).min_by_key(|endpoint| endpoint.in_flight.get()),
        };
        picked.or_else(|| turn().next()).cloned()
    }

    fn advance(&self) -> usize {
        let at = self.cursor.get();
        let at = if at < self.endpoints.len() { at } else { 0 };
        self.cursor.set(at + 1);
        at
    }
}

#[cfg(test)]
mod tests;
