//! A worker's instances: one idle a policy, reused by the next call, and dropped when the policy is no longer live.
//!
//! Calls are synchronous, so a worker is in at most one call of a policy, and never needs a second instance. An instance
//! is taken out before its call and put back only after a success: whatever ends a call early, a half-run guest is never
//! called again. Not `Send`: nothing here is shared, except the flag that the ticker reads.

use std::fmt;
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::time::Instant;

use cardea_model::config::{self, Isolation};

use crate::abi::{Call, CallFailure, CallReply, Caller, Outside, Resident, Turn};
use crate::copied::Copied;
use crate::engine::{Engine, Pulse};
use crate::exchange::{Exchange, ReadSet};
use crate::failure::Failure;
use crate::host::Worker;
use crate::instance::{InitError, Instance, classify};
use crate::policy::{Kind, Policy};
use crate::state::{Tally, TallyGuard};

/// A worker's instances of all policies.
pub struct Instances {
    /// By slot of the policy.
    entries: Vec<Option<Entry>>,
    /// Of modules of other ABIs whose version is gone, until they have ended.
    leaving: Vec<Foreign>,
    worker: Rc<Worker>,
    pulse: Rc<Pulse>,
    /// What modules of other ABIs asked for, until the data plane takes it.
    calls: Vec<Call>,
    /// Calls until the next look for policies that are gone.
    sweep_in: u32,
    explains: bool,
}

const SWEEP_EVERY: u32 = 4096;

/// What a worker has of one policy version.
struct Entry {
    /// Tells this version from a later one in the same slot.
    id: u64,
    policy: Weak<Policy>,
    name: Arc<str>,
    /// Boxed, so that taking it out and putting it back moves a pointer.
    idle: Option<Box<Instance>>,
    foreign: Option<Foreign>,
    tally: TallyGuard,
}

/// What a worker has of a module of another ABI.
struct Foreign {
    resident: Box<dyn Resident>,
    caller: Caller,
    spec: Arc<config::Policy>,
    /// It was made before its version is live: with this generation. Until then it has no ticks.
    awaits: Option<u64>,
    /// What it asked for since.
    early: Vec<Call>,
}

impl Foreign {
    fn outside<R>(&mut self, calls: &mut Vec<Call>, visit: impl FnOnce(&mut dyn Resident, &mut Outside<'_>) -> R) -> R {
        let Self { resident, caller, spec, awaits, early } = self;
        let calls = if awaits.is_some() { early } else { calls };
        visit(&mut **resident, &mut Outside { caller, granted: &spec.grants.upstreams, calls })
    }
}

/// What an instance takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footprint {
    /// Linear memory.
    pub memory_bytes: usize,
    /// Of the last call.
    pub host_calls: u32,
    /// Since its start; of components only where the engine measures.
    pub copied: Copied,
}

/// What a successful call read, and what it cost.
pub(crate) struct Called {
    /// The policy's name, of which the worker has a copy of its own: cloning it disturbs no other worker.
    pub name: Arc<str>,
    pub reads: ReadSet,
    pub nanoseconds: u64,
    pub ended: Instant,
}

impl Instances {
    pub fn new(engine: &Engine) -> Self {
        Self {
            entries: Vec::new(),
            leaving: Vec::new(),
            worker: Rc::new(Worker::new(engine.sources().random.clone())),
            pulse: Rc::new(engine.pulse()),
            calls: Vec::new(),
            sweep_in: SWEEP_EVERY,
            explains: engine.options().explain,
        }
    }

    /// Drops the instances of policies that no generation holds any more. Happens by itself every few thousand calls;
    /// worth calling after a generation changed.
    pub fn sweep(&mut self) {
        self.sweep_in = SWEEP_EVERY;
        for entry in &mut self.entries {
            if let Some(gone) = entry.take_if(|entry| entry.policy.strong_count() == 0) {
                self.leaving.extend(gone.foreign);
            }
        }
        self.look_after_leaving();
    }

    /// Ends what modules of other ABIs run: no exchange will come any more. It takes until [`Self::has_left`].
    pub fn leave(&mut self) {
        let foreign = self.entries.iter_mut().flatten().filter_map(|entry| entry.foreign.take());
        self.leaving.extend(foreign);
        self.look_after_leaving();
    }

    /// Whether nothing is left to end. While it is not, [`Self::tick`] goes on with it.
    pub fn has_left(&self) -> bool {
        self.leaving.is_empty()
    }

    fn look_after_leaving(&mut self) {
        if self.leaving.is_empty() {
            return;
        }
        let calls = &mut self.calls;
        self.pulse.begin();
        self.leaving.retain_mut(|foreign| {
            foreign.awaits = None;
            !foreign.outside(calls, |resident, outside| resident.leave(outside))
        });
        self.pulse.end();
    }

    /// Of the instance that a policy has here, after its last call; `None` without one, and for guests of wasi:http.
    pub fn footprint(&self, policy: &Policy) -> Option<Footprint> {
        let entry = self.entries.get(policy.slot.index())?.as_ref().filter(|entry| entry.id == policy.slot.id())?;
        match &entry.foreign {
            Some(foreign) => foreign.resident.footprint(),
            None => entry.idle.as_ref().map(|instance| instance.store.data().footprint()),
        }
    }

    /// Idle instances held, for metrics and tests.
    pub fn idle(&self) -> usize {
        self.entries.iter().flatten().filter(|entry| entry.idle.is_some()).count()
    }

    /// A number below `sum`, for the draw among weighted backends.
    pub(crate) fn draw(&mut self, sum: u64) -> u64 {
        let number = self.worker.generator.borrow_mut().next_u64().unwrap_or(0);
        // The high half of the product: uniform enough without a division (Lemire, 2018).
        ((u128::from(number) * u128::from(sum)) >> 64) as u64
    }

    /// The worker's mark that a guest may be running.
    pub(crate) fn pulse(&self) -> Rc<Pulse> {
        Rc::clone(&self.pulse)
    }

    /// Makes an instance for the next call, if there is none and one would be kept; of other ABIs, what they need before any
    /// call. A failure is the next call's to tell. `generation` is the first in which the policy is live: before
    /// [`Self::advance`] says that it is here, a module of another ABI neither calls nor ticks.
    pub fn warm(&mut self, policy: &Arc<Policy>, generation: u64) {
        if let Kind::Foreign(module) = &policy.kind {
            if module.is_eager() {
                self.wake(policy, generation);
            }
            return;
        }
        let is_kept = policy.spec.isolation == Isolation::Pooled && policy.native().is_some();
        if !is_kept || self.entry(policy).is_none_or(|entry| entry.idle.is_some()) {
            return;
        }
        let worker = Rc::clone(&self.worker);
        self.pulse.begin();
        let made = self.make(policy, &worker, Instant::now());
        self.pulse.end();
        if let (Some(entry), Ok(instance)) = (self.entry(policy), made) {
            entry.idle = Some(instance);
        }
    }

    fn wake(&mut self, policy: &Arc<Policy>, generation: u64) {
        let is_here = self.entry(policy).is_none_or(|entry| entry.foreign.is_some());
        if is_here {
            return;
        }
        let Some(mut foreign) = self.take_foreign(policy) else { return };
        foreign.awaits = Some(generation);
        self.pulse.begin();
        foreign.outside(&mut self.calls, |resident, outside| resident.wake(outside));
        self.pulse.end();
        if let Some(entry) = self.entry(policy) {
            entry.foreign = Some(foreign);
        }
    }

    /// What was made for generations up to this one is live.
    pub fn advance(&mut self, generation: u64) {
        for foreign in self.entries.iter_mut().flatten().filter_map(|entry| entry.foreign.as_mut()) {
            if foreign.awaits.take_if(|awaits| *awaits <= generation).is_some() {
                self.calls.append(&mut foreign.early);
            }
        }
    }

    /// See [`Called::name`].
    pub(crate) fn name(&mut self, policy: &Arc<Policy>) -> Option<Arc<str>> {
        self.entry(policy).map(|entry| Arc::clone(&entry.name))
    }

    /// Whether decisions are to be told with what they were made of.
    pub(crate) fn explains(&self) -> bool {
        self.explains
    }

    pub(crate) fn tally(&mut self, policy: &Arc<Policy>) -> Option<&Tally> {
        self.entry(policy).map(|entry| &*entry.tally)
    }

    /// Lends the exchange to an instance for one guest call. `guest` keeps what the call returned: an outcome is large,
    /// and would be moved through every step of this.
    pub(crate) fn call(
        &mut self,
        policy: &Arc<Policy>,
        exchange: &mut Box<Exchange>,
        guest: impl FnOnce(&mut Instance) -> wasmtime::Result<()>,
    ) -> Result<Called, Failure> {
        self.sweep_in = self.sweep_in.saturating_sub(1);
        if self.sweep_in == 0 {
            self.sweep();
        }
        let start = Instant::now();
        let worker = Rc::clone(&self.worker);
        let idle = self.entry(policy).and_then(|entry| entry.idle.take());
        self.pulse.begin();
        let result = match idle {
            Some(instance) => Ok(instance),
            None => self.make(policy, &worker, start),
        }
        .and_then(|mut instance| {
            let reads = lend(&mut instance, policy, exchange, start, guest)?;
            Ok((instance, reads))
        });
        self.pulse.end();
        let end = Instant::now();
        let nanoseconds = end.saturating_duration_since(start).as_nanos() as u64;
        self.put_back(policy, result, end, nanoseconds)
    }

    /// One call of a module of another ABI: what it gives, what it read, and what it cost.
    pub(crate) fn visit<R>(
        &mut self,
        policy: &Arc<Policy>,
        exchange: &mut Box<Exchange>,
        allowed: &dyn Fn(&str) -> bool,
        visit: impl FnOnce(&mut Turn<'_>, &mut dyn Resident) -> Result<R, Failure>,
    ) -> Result<(R, Called), Failure> {
        let mut foreign = self.take_foreign(policy).ok_or(Failure::NotLoaded)?;
        if foreign.awaits.take().is_some() {
            self.calls.append(&mut foreign.early);
        }
        let start = Instant::now();
        let granted = &*foreign.spec.grants.upstreams;
        let outside = Outside { caller: &foreign.caller, granted, calls: &mut self.calls };
        let mut turn = Turn { exchange, policy, allowed, reads: ReadSet::default(), outside, start };
        self.pulse.begin();
        let result = visit(&mut turn, &mut *foreign.resident);
        self.pulse.end();
        let reads = turn.reads;
        let ended = Instant::now();
        let nanoseconds = ended.saturating_duration_since(start).as_nanos() as u64;
        let Some(entry) = self.entry(policy) else { return Err(Failure::Overloaded) };
        entry.foreign = Some(foreign);
        entry.tally.call(nanoseconds);
        Ok((result?, Called { name: Arc::clone(&entry.name), reads, nanoseconds, ended }))
    }

    /// Made if the worker has none yet. `None` for a policy of our own ABI.
    fn take_foreign(&mut self, policy: &Arc<Policy>) -> Option<Foreign> {
        let Kind::Foreign(module) = &policy.kind else { return None };
        let worker = Rc::clone(&self.worker);
        let entry = self.entry(policy)?;
        let made = || Foreign {
            resident: module.settle(policy, &worker),
            caller: Caller { name: Arc::clone(&entry.name), slot: policy.slot.index(), id: entry.id },
            spec: Arc::clone(&policy.spec),
            awaits: None,
            early: Vec::new(),
        };
        Some(entry.foreign.take().unwrap_or_else(made))
    }

    /// Runs what modules of other ABIs wanted to be run by now.
    pub fn tick(&mut self, now: Instant) {
        let is_due =
            |foreign: &Foreign| foreign.awaits.is_none() && foreign.resident.next_tick().is_some_and(|due| due <= now);
        let calls = &mut self.calls;
        for foreign in self.entries.iter_mut().flatten().filter_map(|entry| entry.foreign.as_mut()) {
            if is_due(foreign) {
                self.pulse.begin();
                foreign.outside(calls, |resident, outside| resident.tick(outside));
                self.pulse.end();
            }
        }
        self.look_after_leaving();
    }

    /// The calls that modules asked for since this was asked last.
    pub fn take_calls(&mut self) -> Vec<Call> {
        std::mem::take(&mut self.calls)
    }

    /// Tells a module what became of its call. One that is gone hears nothing.
    pub fn called(&mut self, caller: &Caller, id: u32, reply: Result<CallReply, CallFailure>) {
        let entry = self.entries.get_mut(caller.slot).and_then(Option::as_mut).filter(|entry| entry.id == caller.id);
        let mut leaving = self.leaving.iter_mut();
        let foreign = match entry.and_then(|entry| entry.foreign.as_mut()) {
            Some(foreign) => Some(foreign),
            None => leaving.find(|foreign| foreign.caller.id == caller.id),
        };
        if let Some(foreign) = foreign {
            self.pulse.begin();
            foreign.outside(&mut self.calls, |resident, outside| resident.called(outside, id, reply));
            self.pulse.end();
        }
    }

    fn make(&mut self, policy: &Arc<Policy>, worker: &Rc<Worker>, now: Instant) -> Result<Box<Instance>, Failure> {
        if let Some(tally) = self.tally(policy) {
            tally.created.add(1);
        }
        let native = policy.native().ok_or(Failure::NotLoaded)?;
        Instance::new(policy, native, worker, now).map(Box::new).map_err(InitError::failure)
    }

    /// Keeps the instance of a successful call, unless the policy or its age says otherwise.
    fn put_back(
        &mut self,
        policy: &Arc<Policy>,
        result: Result<(Box<Instance>, ReadSet), Failure>,
        now: Instant,
        nanoseconds: u64,
    ) -> Result<Called, Failure> {
        let Some(entry) = self.entry(policy) else { return Err(Failure::Overloaded) };
        entry.tally.call(nanoseconds);
        let (mut instance, reads) = result?;
        let dropped = instance.store.data().log_dropped();
        if dropped > 0 {
            entry.tally.logs_dropped.add(u64::from(dropped));
        }
        if policy.spec.isolation == Isolation::Pooled {
            if instance.may_go_on(now) {
                entry.idle = Some(instance);
            } else {
                entry.tally.recycled.add(1);
            }
        }
        let name = Arc::clone(&entry.name);
        Ok(Called { name, reads, nanoseconds, ended: now })
    }

    /// The policy's entry, made if it has none. `None` only if the slot is out of all bounds.
    fn entry(&mut self, policy: &Arc<Policy>) -> Option<&mut Entry> {
        let index = policy.slot.index();
        if index >= self.entries.len() {
            self.entries.resize_with(index + 1, || None);
        }
        let entry = self.entries.get_mut(index)?;
        if entry.as_ref().is_none_or(|entry| entry.id != policy.slot.id()) {
            self.leaving.extend(entry.take().and_then(|gone| gone.foreign));
            *entry = Some(Entry {
                id: policy.slot.id(),
                policy: Arc::downgrade(policy),
                name: Arc::from(&*policy.name),
                idle: None,
                foreign: None,
                tally: policy.shared.state.tally(),
            });
        }
        entry.as_mut()
    }
}

impl fmt::Debug for Instances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instances").field("idle", &self.idle()).finish_non_exhaustive()
    }
}

/// Swaps the exchange in, runs the guest until its deadline at most, and swaps the exchange out whatever happened.
fn lend(
    instance: &mut Instance,
    policy: &Policy,
    exchange: &mut Box<Exchange>,
    start: Instant,
    guest: impl FnOnce(&mut Instance) -> wasmtime::Result<()>,
) -> Result<ReadSet, Failure> {
    let host = instance.store.data_mut();
    host.begin(true);
    std::mem::swap(&mut host.exchange, exchange);
    let ticks = host.deadline.begin(start, policy.spec.limits.deadline);
    instance.store.set_epoch_deadline(ticks);
    let result = guest(instance);
    let host = instance.store.data_mut();
    let words = host.end_output();
    std::mem::swap(&mut host.exchange, exchange);
    match result {
        Ok(()) => Ok(host.reads.set()),
        Err(error) => Err(classify(&error, host.limits.denied).saying(words)),
    }
}
