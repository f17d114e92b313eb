//! One instance of a module: its store, its start, and a call of it for one exchange.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cardea_model::config;
use wasmtime::{Error, Instance, Memory, Store, Trap, TypedFunc};

use super::imports::Refused;
use super::stage::{Features, Phase, Stage};
use super::{HANDLE_REQUEST, HANDLE_RESPONSE, Loaded};
use crate::abi::Turn;
use crate::abi::wasi_p1::{Exit, Lines, Surroundings};
use crate::engine::{Engine, SharedSeat};
use crate::failure::Failure;
use crate::host::{Host, LOG_LINE_BYTES_MAX, Worker};
use crate::instance::{self, INIT_DEADLINE, Life};
use crate::instances::Footprint;
use crate::load::StartCost;
use crate::policy::Shared;
use crate::source::{LogLevel, Time};

/// What an instance is made of.
#[derive(Clone, Copy)]
pub(super) struct Material<'a> {
    pub engine: &'a Engine,
    pub spec: &'a Arc<config::Policy>,
    pub shared: &'a Arc<Shared>,
    pub loaded: &'a Loaded,
}

/// The store's data.
pub(super) struct State {
    pub host: Host,
    pub stage: Stage,
    pub spec: Arc<config::Policy>,
    pub config: Arc<str>,
    /// The guest's, once it was looked for.
    pub memory: Option<Memory>,
    pub body_bytes_max: usize,
    lines: Lines,
}

/// Lent to one exchange at a time, from its request to its response.
pub(super) struct Guest {
    store: Store<State>,
    request: TypedFunc<(), u64>,
    response: TypedFunc<(u32, u32), ()>,
    /// What it enabled when it started.
    pub features: Features,
    /// When it had started: that has a deadline of its own, and takes nothing of the first call's.
    ready: Instant,
    life: Life,
    /// Gives its place among all instances, and in its policy's share, back when it drops.
    _seat: SharedSeat,
}

impl Guest {
    /// Instantiates, and runs what the toolchain wants to be run first.
    pub fn new(material: Material<'_>, worker: &Rc<Worker>, now: Instant) -> Result<Self, Failure> {
        let seat = material.engine.take_seat_of(&material.loaded.share).ok_or(Failure::Overloaded)?;
        let mut store = store(material, worker);
        let instance = instantiate(material.loaded, &mut store)
            .and_then(|instance| initialise(&instance, &mut store).map(|()| instance))
            .map_err(|error| failure(&error, &store, Phase::Start))?;
        let missing = |error: Error| Failure::Instantiate(instance::one_line(&error));
        let request = instance.get_typed_func(&mut store, HANDLE_REQUEST).map_err(missing)?;
        let response = instance.get_typed_func(&mut store, HANDLE_RESPONSE).map_err(missing)?;
        let features = std::mem::take(&mut store.data_mut().stage).features;
        let life = Life::new(worker, now, store.data().host.limits.memory_bytes);
        Ok(Self { store, request, response, features, ready: Instant::now(), life, _seat: seat })
    }

    /// How long the two halves of a start take.
    pub fn time_start(material: Material<'_>, worker: &Rc<Worker>) -> Result<StartCost, Failure> {
        let _seat = material.engine.take_seat_of(&material.loaded.share).ok_or(Failure::Overloaded)?;
        let begun = Instant::now();
        let mut store = store(material, worker);
        let made = instantiate(material.loaded, &mut store).and_then(|instance| {
            let instantiated = begun.elapsed();
            initialise(&instance, &mut store)?;
            Ok(StartCost { instance: instantiated, init: Some(begun.elapsed().saturating_sub(instantiated)) })
        });
        made.map_err(|error| failure(&error, &store, Phase::Start))
    }

    /// `handle_request`: whether to go on, and what to give to `handle_response`.
    pub fn request(&mut self, turn: &mut Turn<'_>, stage: &mut Stage, limit: Duration) -> Result<Next, Failure> {
        let function = self.request.clone();
        let result = self.call(turn, stage, Phase::Request, limit, |store| function.call(store, ()))?;
        match (result as u32, (result >> 32) as u32) {
            (0, _) => Ok(Next::Reply),
            (1, context) => Ok(Next::Forward(context)),
            (other, _) => Err(Failure::OutcomeInvalid(format!("handle_request says next={other}, not 0 or 1"))),
        }
    }

    /// `handle_response`.
    pub fn response(
        &mut self,
        turn: &mut Turn<'_>,
        stage: &mut Stage,
        limit: Duration,
        (context, is_error): (u32, bool),
    ) -> Result<(), Failure> {
        let function = self.response.clone();
        let arguments = (context, u32::from(is_error));
        self.call(turn, stage, Phase::Response, limit, |store| function.call(store, arguments))
    }

    /// Lends exchange and stage to the store for one call. One that fails leaves the exchange as it was.
    fn call<R>(
        &mut self,
        turn: &mut Turn<'_>,
        stage: &mut Stage,
        phase: Phase,
        limit: Duration,
        call: impl FnOnce(&mut Store<State>) -> wasmtime::Result<R>,
    ) -> Result<R, Failure> {
        stage.begin(phase);
        if phase == Phase::Response {
            stage.add_draft(turn.exchange);
        }
        let state = self.store.data_mut();
        state.host.begin(true);
        std::mem::swap(&mut state.host.exchange, turn.exchange);
        std::mem::swap(&mut state.stage, stage);
        let ticks = state.host.deadline.begin(turn.start.max(self.ready), limit);
        self.store.set_epoch_deadline(ticks);
        let result = call(&mut self.store);
        let state = self.store.data_mut();
        state.flush();
        std::mem::swap(&mut state.host.exchange, turn.exchange);
        std::mem::swap(&mut state.stage, stage);
        turn.reads.add(&state.host.reads.set());
        result.map_err(|error| {
            stage.undo.apply(turn.exchange);
            failure(&error, &self.store, phase)
        })
    }

    /// Lines of its last call that went over a bound of the log.
    pub fn log_dropped(&self) -> u32 {
        self.store.data().host.log_dropped()
    }

    pub fn footprint(&self) -> Footprint {
        self.store.data().host.footprint()
    }

    /// Counts an exchange; says whether the instance may serve another.
    pub fn may_go_on(&mut self, now: Instant) -> bool {
        self.life.may_go_on(now, self.store.data().host.limits.memory_bytes)
    }
}

/// What `handle_request` decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Reply,
    /// With a value for `handle_response`.
    Forward(u32),
}

impl State {
    fn flush(&self) {
        self.lines.flush(|line| self.host.log(LogLevel::Info, line));
    }
}

impl Surroundings for State {
    fn enter(&self) -> wasmtime::Result<()> {
        Ok(self.host.enter()?)
    }

    fn time(&self) -> Time {
        self.host.now()
    }

    fn random(&self) -> Option<u64> {
        self.host.worker.generator.borrow_mut().next_u64()
    }

    fn print(&self, _descriptor: u32, bytes: &[u8]) {
        self.lines.push(bytes, LOG_LINE_BYTES_MAX, |line| self.host.log(LogLevel::Info, line));
    }
}

fn store(material: Material<'_>, worker: &Rc<Worker>) -> Store<State> {
    let state = State {
        host: Host::new(Arc::clone(material.shared), Rc::clone(worker)),
        stage: Stage::default(),
        spec: Arc::clone(material.spec),
        config: Arc::clone(&material.loaded.config),
        memory: None,
        body_bytes_max: material.spec.limits.body_bytes_max as usize,
        lines: Lines::default(),
    };
    let mut store = Store::new(material.engine.wasmtime(), state);
    store.limiter(|state| &mut state.host.limits);
    store.epoch_deadline_callback(|context| Ok(context.data().host.deadline.reached()));
    store
}

/// Begins the time that a start may take.
fn instantiate(loaded: &Loaded, store: &mut Store<State>) -> wasmtime::Result<Instance> {
    store.data_mut().host.begin(false);
    let ticks = store.data().host.deadline.begin(Instant::now(), INIT_DEADLINE);
    store.set_epoch_deadline(ticks);
    loaded.pre.instantiate(&mut *store)
}

/// A reactor's `_initialize`, or else a command's `_start`, which may end by an exit with 0.
fn initialise(instance: &Instance, store: &mut Store<State>) -> wasmtime::Result<()> {
    let function = instance.get_func(&mut *store, "_initialize").or_else(|| instance.get_func(&mut *store, "_start"));
    let started = function.map_or(Ok(()), |function| function.typed::<(), ()>(&*store)?.call(&mut *store, ()));
    store.data().flush();
    match started {
        Err(error) if error.downcast_ref() != Some(&Exit(0)) => Err(error),
        _ => Ok(()),
    }
}

fn failure(error: &Error, store: &Store<State>, phase: Phase) -> Failure {
    if let Some(Refused(failure)) = error.downcast_ref() {
        return failure.clone();
    }
    let denied = store.data().host.limits.denied;
    if phase == Phase::Start && !denied && !error.is::<Trap>() && !error.is::<Exit>() {
        return Failure::Instantiate(instance::one_line(error));
    }
    instance::classify(error, denied)
}
