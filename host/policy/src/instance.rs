//! One instance of a policy: a store, its guest, and when to throw it away.

use std::rc::Rc;
use std::time::{Duration, Instant};

use wasmtime::component::{self, ComponentExportIndex, ComponentNamedList, InstancePre, Lift, Lower};
use wasmtime::{Error, Store, Trap, WasmBacktrace};

use crate::backtrace;
use crate::bindings::{RequestOutcome, ResponseOutcome, Summary};
use crate::copied::Export;
use crate::engine::Seat;
use crate::failure::Failure;
use crate::host::{Host, TooManyCalls, Worker};
use crate::policy::{Native, Policy};

/// Most bytes that one crossing may carry from guest to host: an outcome with a body of 1 MiB and everything else at its
/// bound. Imports check their own, smaller bounds before they copy.
const CROSSING_BYTES_MAX: usize = 1_280 << 10;
/// Handles to resources of its own that a guest may hold.
const HANDLES_MAX: usize = 64;
/// For `init`, which parses the configuration: it runs on a worker when an instance is made there.
pub(crate) const INIT_DEADLINE: Duration = Duration::from_millis(100);
const AGE_MAX: Duration = Duration::from_secs(300);
/// Calls after which an instance is thrown away, +-20 % at random, so that nobody comes to depend on it.
const CALLS_MAX: u32 = 10_000;

pub(crate) struct Instance {
    pub store: Store<Host>,
    pub request: Export<(), (RequestOutcome,)>,
    pub request_body: Option<RequestBodyFunc>,
    pub response: Option<ResponseFunc>,
    pub complete: Option<CompleteFunc>,
    life: Life,
    /// Gives its place among all instances back when it drops.
    _seat: Seat,
}

pub(crate) type RequestBodyFunc = Export<(Vec<u8>, bool, Vec<u8>), (RequestOutcome,)>;
pub(crate) type ResponseFunc = Export<(Vec<u8>,), (ResponseOutcome,)>;
pub(crate) type CompleteFunc = Export<(Summary, Vec<u8>), ()>;

/// Why `init` did not succeed.
#[derive(Debug)]
pub(crate) enum InitError {
    /// The policy's own words.
    Refused(String),
    Failed(Failure),
    /// An export has another type than the interface says.
    Mistyped(String),
}

impl InitError {
    /// What an exchange is told.
    pub fn failure(self) -> Failure {
        match self {
            Self::Failed(failure) => failure,
            Self::Refused(text) | Self::Mistyped(text) => Failure::Instantiate(text),
        }
    }
}

impl From<Failure> for InitError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Instance {
    /// Instantiates, and runs `init` unless the component is a snapshot taken after it.
    pub fn new(policy: &Policy, native: &Native, worker: &Rc<Worker>, now: Instant) -> Result<Self, InitError> {
        let seat = policy.engine.take_seat().ok_or(Failure::Overloaded)?;
        let mut store = store(policy, worker);
        let exports = &native.exports;
        let init = (!native.initialised).then_some(exports.init);
        let instance = start(policy, &native.pre, init, &mut store)?;
        let request = export(policy, &instance, &mut store, exports.request).map_err(mistyped("on-request.handle"))?;
        let request_body = exports.request_body.map(|index| export(policy, &instance, &mut store, index));
        let response = exports.response.map(|index| export(policy, &instance, &mut store, index));
        let complete = exports.complete.map(|index| export(policy, &instance, &mut store, index));
        let memory_bytes = store.data().limits.memory_bytes;
        Ok(Self {
            request,
            request_body: request_body.transpose().map_err(mistyped("on-request-body.handle"))?,
            response: response.transpose().map_err(mistyped("on-response.handle"))?,
            complete: complete.transpose().map_err(mistyped("on-complete.handle"))?,
            store,
            life: Life::new(worker, now, memory_bytes),
            _seat: seat,
        })
    }

    /// Counts a finished call; says whether the instance may serve another.
    pub fn may_go_on(&mut self, now: Instant) -> bool {
        self.life.may_go_on(now, self.store.data().limits.memory_bytes)
    }
}

/// How long an instance is used again.
pub(crate) struct Life {
    calls_left: u32,
    made: Instant,
    memory_bytes_max: usize,
}

impl Life {
    /// Of an instance that is made now, with that much memory.
    pub fn new(worker: &Worker, now: Instant, memory_bytes: usize) -> Self {
        let memory_bytes_max = memory_bytes.saturating_mul(2).max(1 << 20);
        Self { calls_left: calls_max(worker), made: now, memory_bytes_max }
    }

    /// Counts a use; says whether there may be another.
    pub fn may_go_on(&mut self, now: Instant, memory_bytes: usize) -> bool {
        self.calls_left = self.calls_left.saturating_sub(1);
        self.calls_left > 0
            && memory_bytes <= self.memory_bytes_max
            && now.saturating_duration_since(self.made) < AGE_MAX
    }
}

fn mistyped(interface: &'static str) -> impl Fn(Error) -> InitError {
    move |error| InitError::Mistyped(format!("{interface}: {}", one_line(&error)))
}

pub(crate) fn store(policy: &Policy, worker: &Rc<Worker>) -> Store<Host> {
    let mut store = Store::new(policy.engine.wasmtime(), Host::new(policy.shared.clone(), Rc::clone(worker)));
    store.limiter(|host| &mut host.limits);
    store.set_hostcall_fuel(CROSSING_BYTES_MAX);
    store.set_max_component_handles(HANDLES_MAX);
    store.epoch_deadline_callback(|context| Ok(context.data().deadline.reached()));
    begin_init(&mut store);
    store
}

/// Instantiates, and runs `init` if it is given.
pub(crate) fn start(
    policy: &Policy,
    pre: &InstancePre<Host>,
    init: Option<ComponentExportIndex>,
    store: &mut Store<Host>,
) -> Result<component::Instance, InitError> {
    let instance = instantiate(pre, store)?;
    if let Some(init) = init {
        initialise(policy, &instance, store, init)?;
    }
    Ok(instance)
}

pub(crate) fn instantiate(pre: &InstancePre<Host>, store: &mut Store<Host>) -> Result<component::Instance, InitError> {
    pre.instantiate(&mut *store).map_err(|error| instantiation(error, store))
}

pub(crate) fn initialise(
    policy: &Policy,
    instance: &component::Instance,
    store: &mut Store<Host>,
    init: ComponentExportIndex,
) -> Result<(), InitError> {
    let init = export(policy, instance, store, init).map_err(mistyped("lifecycle.init"))?;
    run_init(policy, store, &init)
}

fn export<P, R>(
    policy: &Policy,
    instance: &component::Instance,
    store: &mut Store<Host>,
    index: ComponentExportIndex,
) -> wasmtime::Result<Export<P, R>>
where
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    Ok(Export { function: instance.get_typed_func(store, index)?, measures: policy.engine.options().measures })
}

fn instantiation(error: Error, store: &mut Store<Host>) -> InitError {
    if store.data().limits.denied {
        return InitError::Failed(Failure::Memory);
    }
    match error.downcast_ref::<Trap>() {
        Some(_) => InitError::Failed(classify(&error, false)),
        None => InitError::Failed(Failure::Instantiate(one_line(&error))),
    }
}

/// For instantiation, which runs start functions, and again for `init`.
fn begin_init(store: &mut Store<Host>) {
    store.data_mut().begin(false);
    let ticks = store.data().deadline.begin(Instant::now(), INIT_DEADLINE);
    store.set_epoch_deadline(ticks);
}

type InitFunc = Export<(String,), (Result<(), String>,)>;

fn run_init(policy: &Policy, store: &mut Store<Host>, init: &InitFunc) -> Result<(), InitError> {
    begin_init(store);
    let config = String::from(&*policy.spec.config);
    let result = init.call(&mut *store, (config,));
    let words = store.data_mut().end_output();
    match result {
        Ok((Ok(()),)) => Ok(()),
        Ok((Err(text),)) => Err(InitError::Refused(text)),
        Err(error) => Err(InitError::Failed(classify(&error, store.data().limits.denied).saying(words))),
    }
}

fn calls_max(worker: &Worker) -> u32 {
    let spread = u64::from(CALLS_MAX / 5);
    let draw = worker.generator.borrow_mut().housekeeping().unwrap_or(spread);
    CALLS_MAX - CALLS_MAX / 5 + (draw % (2 * spread)) as u32
}

/// Names what ended a call. `denied` says that a growth of memory or table was refused in it.
pub(crate) fn classify(error: &Error, denied: bool) -> Failure {
    if error.is::<TooManyCalls>() {
        return Failure::HostCalls;
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => Failure::Deadline,
        _ if denied => Failure::Memory,
        Some(trap) => {
            let what = trap.to_string();
            Failure::Trap(format!("{}{}", what.trim_start_matches("wasm trap: "), backtrace::of(error)))
        }
        None if is_crossing_too_large(error) && error.is::<WasmBacktrace>() => Failure::HostCalls,
        None if is_crossing_too_large(error) => Failure::OutcomeTooLarge("more than 1280 KiB in one crossing"),
        None => Failure::Trap(error.root_cause().to_string()),
    }
}

/// wasmtime keeps the type of this error to itself. In a host call it carries the guest's frames; when the outcome is
/// lifted, the guest has returned and there are none.
fn is_crossing_too_large(error: &Error) -> bool {
    error.root_cause().to_string().contains("fuel allocated for hostcalls")
}

/// The whole chain of causes on one line.
pub(crate) fn one_line(error: &Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause.to_string().replace('\n', " "));
    }
    text.truncate(text.floor_char_boundary(1000));
    text
}
