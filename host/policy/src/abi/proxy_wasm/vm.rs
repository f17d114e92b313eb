//! One VM: a store with its guest, from its start to whatever ends it.
//!
//! Whoever calls it takes it out of its place, and puts it back only after a success: a half-run guest is never called again.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cardea_model::config;
use http::HeaderMap;
use wasmtime::{AsContextMut, Store, TypedFunc, WasmParams, WasmResults};

use crate::abi::Side;
use crate::abi::proxy_wasm::Loaded;
use crate::abi::proxy_wasm::functions::{self, Action, Entry, Functions, Mistyped, OnHeaders, Version};
use crate::abi::proxy_wasm::grpc::Unary;
use crate::abi::proxy_wasm::guest::{Calls, Exports, Guest, Kind, ROOT, Root, Scene};
use crate::abi::proxy_wasm::maps::{self, Map};
use crate::abi::proxy_wasm::stream::{self, Answer, CallResult};
use crate::abi::wasi_p1::{Exit, Lines};
use crate::engine::{Engine, Seat};
use crate::failure::Failure;
use crate::host::{Host, Worker};
use crate::instance::{classify, one_line};
use crate::load::StartCost;
use crate::policy;

/// From instantiation to the end of `proxy_on_configure`.
const START_DEADLINE: Duration = Duration::from_millis(100);
/// Contexts that said that they were not done, kept until they are.
const CLOSING_MAX: usize = 1024;
/// Reads the VM's config, and may refuse it.
pub(super) const VM_START: &str = "proxy_on_vm_start";

/// What a VM is made of, beside the module.
pub(super) struct Making {
    pub engine: Engine,
    pub shared: Arc<policy::Shared>,
    pub spec: Arc<config::Policy>,
    pub worker: Rc<Worker>,
}

pub(super) struct Vm {
    pub store: Store<Guest>,
    functions: Functions,
    next_context: u32,
    pub born: Instant,
    _seat: Seat,
}

/// Why a VM does not start.
#[derive(Debug)]
pub(super) enum StartError {
    Failed(Failure),
    Mistyped(&'static str),
    /// `proxy_on_vm_start` or `proxy_on_configure` said no.
    Refused(&'static str),
}

impl StartError {
    /// What an exchange is told.
    pub fn failure(self) -> Failure {
        match self {
            Self::Failed(failure) => failure,
            Self::Mistyped(name) => Failure::Instantiate(format!("`{name}` is of the wrong type")),
            Self::Refused(name) => Failure::Instantiate(format!("{name} returned false")),
        }
    }
}

impl From<Mistyped> for StartError {
    fn from(Mistyped(name): Mistyped) -> Self {
        Self::Mistyped(name)
    }
}

impl From<Failure> for StartError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Vm {
    /// Instantiates, starts and configures. `first_call` is the number of its first call to the outside: those of an earlier VM
    /// may still be under way.
    pub fn start(loaded: &Loaded, making: &Making, first_call: u32) -> Result<Self, StartError> {
        let (mut vm, entries) = Self::instantiate(loaded, making, first_call)?;
        vm.begin_plugin(&entries)?;
        Ok(vm)
    }

    /// How long the two halves of a start take.
    pub fn time_start(loaded: &Loaded, making: &Making) -> Result<StartCost, Failure> {
        let begun = Instant::now();
        let made = Self::instantiate(loaded, making, 1).and_then(|(mut vm, entries)| {
            let instance = begun.elapsed();
            vm.begin_plugin(&entries)?;
            Ok(StartCost { instance, init: Some(begun.elapsed().saturating_sub(instance)) })
        });
        made.map_err(StartError::failure)
    }

    fn instantiate(loaded: &Loaded, making: &Making, first_call: u32) -> Result<(Self, Vec<Entry>), StartError> {
        let seat = making.engine.take_seat().ok_or(Failure::Overloaded)?;
        let mut store = store(loaded, making, first_call);
        let instance = loaded.pre.instantiate(&mut store).map_err(|error| instantiation(&error, &store))?;
        store.data_mut().exports = functions::exports(&mut store, &instance)?;
        let entries = functions::entries(&mut store, &instance)?;
        let functions = Functions::of(&mut store, &instance)?;
        Ok((Self { store, functions, next_context: ROOT + 1, born: Instant::now(), _seat: seat }, entries))
    }

    fn begin_plugin(&mut self, entries: &[Entry]) -> Result<(), StartError> {
        for entry in entries {
            self.enter(entry)?;
        }
        self.configure()?;
        self.born = Instant::now();
        Ok(())
    }

    /// `proc_exit(0)` is how some commands return.
    fn enter(&mut self, entry: &Entry) -> Result<(), Failure> {
        let scene = &mut self.store.data_mut().scene;
        (scene.context, scene.effective) = (ROOT, ROOT);
        let result = match entry {
            Entry::Void(function) => function.call(&mut self.store, ()),
            Entry::Number(function) => function.call(&mut self.store, ()).map(|_| ()),
            Entry::Main(function) => function.call(&mut self.store, (0, 0)).map(|_| ()),
        };
        match result {
            Err(error) if error.downcast_ref() == Some(&Exit(0)) => Ok(()),
            other => other.map_err(|error| classify(&error, self.store.data().base.limits.denied)),
        }
    }

    fn configure(&mut self) -> Result<(), StartError> {
        self.create(ROOT, 0)?;
        let size = |config: &[u8]| u32::try_from(config.len()).unwrap_or(u32::MAX);
        let guest = self.store.data();
        let (vm_size, size) = (size(&guest.vm_config), size(&guest.config));
        if let Some(function) = self.functions.vm_start.clone()
            && self.call(&function, (ROOT, vm_size), ROOT)? == 0
        {
            return Err(StartError::Refused(VM_START));
        }
        if let Some(function) = self.functions.configure.clone()
            && self.call(&function, (ROOT, size), ROOT)? == 0
        {
            return Err(StartError::Refused("proxy_on_configure"));
        }
        Ok(())
    }

    /// Makes ready for callbacks: quotas, and `limit` from `start`.
    pub fn begin(&mut self, at_hand: Option<u32>, start: Instant, limit: Duration) {
        let guest = self.store.data_mut();
        guest.base.begin(at_hand.is_some());
        guest.scene = Scene { at_hand, ..Scene::default() };
        let ticks = guest.base.deadline.begin(start, limit);
        self.store.set_epoch_deadline(ticks);
    }

    /// One guest call, in the name of a context.
    fn call<P: WasmParams, R: WasmResults>(
        &mut self,
        function: &TypedFunc<P, R>,
        params: P,
        context: u32,
    ) -> Result<R, Failure> {
        let scene = &mut self.store.data_mut().scene;
        (scene.context, scene.effective) = (context, context);
        function
            .call(self.store.as_context_mut(), params)
            .map_err(|error| classify(&error, self.store.data().base.limits.denied))
    }

    fn create(&mut self, context: u32, parent: u32) -> Result<(), Failure> {
        match self.functions.create.clone() {
            Some(function) => self.call(&function, (context, parent), context),
            None => Ok(()),
        }
    }

    /// A new stream's context. Its exchange need not be at hand.
    pub fn open(&mut self, stream: &stream::Shared) -> u32 {
        let guest = self.store.data_mut();
        while guest.knows(self.next_context) || self.next_context == 0 {
            self.next_context = self.next_context.wrapping_add(1);
        }
        let context = self.next_context;
        self.next_context = context.wrapping_add(1);
        guest.streams.insert(context, Rc::clone(stream));
        context
    }

    pub fn on_context_create(&mut self, context: u32) -> Result<(), Failure> {
        self.create(context, ROOT)
    }

    pub fn on_headers(&mut self, context: u32, side: Side, end: bool) -> Result<Action, Failure> {
        self.store.data_mut().scene.effective = context;
        let count = maps::count(self.store.data(), Map::Headers(side));
        let action = match &self.functions.side(side).headers {
            Some(OnHeaders::Three(function)) => {
                let function = function.clone();
                self.call(&function, (context, count, u32::from(end)), context)?
            }
            Some(OnHeaders::Two(function)) => {
                let function = function.clone();
                self.call(&function, (context, count), context)?
            }
            None => return Ok(Action::Continue),
        };
        Ok(action.into())
    }

    pub fn on_body(&mut self, context: u32, side: Side, size: usize, end: bool) -> Result<Action, Failure> {
        let Some(function) = self.functions.side(side).body.clone() else { return Ok(Action::Continue) };
        self.store.data_mut().scene.body = Some(side);
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        let action = self.call(&function, (context, size, u32::from(end)), context)?;
        self.store.data_mut().scene.body = None;
        Ok(action.into())
    }

    pub fn on_trailers(&mut self, context: u32, side: Side, fields: &mut HeaderMap) -> Result<Action, Failure> {
        let Some(function) = self.functions.side(side).trailers.clone() else { return Ok(Action::Continue) };
        let count = u32::try_from(fields.len()).unwrap_or(u32::MAX);
        let old = fields.clone();
        self.store.data_mut().scene.trailers = Some((side, std::mem::take(fields)));
        let action = self.call(&function, (context, count), context);
        let edited = self.store.data_mut().scene.trailers.take();
        *fields = match (&action, edited) {
            (Ok(_), Some((_, edited))) => edited,
            _ => old,
        };
        Ok(action?.into())
    }

    /// Tells the guest what became of a stream's calls, until it replies.
    pub fn hear_of_calls(&mut self, stream: &stream::Shared) -> Result<(), Failure> {
        loop {
            let next = match stream.try_borrow_mut() {
                Ok(mut stream) if stream.reply.is_none() => stream.inbox.pop_front(),
                _ => None,
            };
            let Some(answer) = next else { return Ok(()) };
            self.on_answer(answer)?;
        }
    }

    /// What became of a call. The plugin's context hears of it whoever made it (proxy-wasm 0.2.1, `plugin_context_id`), and says by
    /// `proxy_set_effective_context` in whose name it goes on.
    pub fn on_answer(&mut self, Answer { token, kind, result }: Answer) -> Result<(), Failure> {
        match kind {
            Kind::Http => self.on_call_response(token, result),
            Kind::Grpc => self.on_grpc(token, Unary::of(result)),
        }
    }

    fn on_call_response(&mut self, token: u32, result: CallResult) -> Result<(), Failure> {
        let Some(function) = self.functions.call_response.clone() else { return Ok(()) };
        let count = |fields: usize| u32::try_from(fields).unwrap_or(u32::MAX);
        let (headers, body, trailers) = result.as_ref().map_or((0, 0, 0), |reply| {
            (count(reply.headers.len() + 1), count(Bytes::len(&reply.body)), count(reply.trailers.len()))
        });
        self.store.data_mut().scene.reply = Some(result);
        let done = self.call(&function, (ROOT, token, headers, body, trailers), ROOT);
        self.store.data_mut().scene.reply = None;
        done
    }

    /// A unary call has a message, or a status that says why not.
    fn on_grpc(&mut self, token: u32, unary: Unary) -> Result<(), Failure> {
        let (function, number) = match &unary {
            Unary::Message { message, .. } => {
                (self.functions.grpc_receive.clone(), u32::try_from(message.len()).unwrap_or(u32::MAX))
            }
            Unary::Closed { status, .. } => (self.functions.grpc_close.clone(), *status),
        };
        let Some(function) = function else { return Ok(()) };
        self.store.data_mut().scene.grpc = Some(unary);
        let done = self.call(&function, (ROOT, token, number), ROOT);
        self.store.data_mut().scene.grpc = None;
        done
    }

    pub fn on_tick(&mut self) -> Result<(), Failure> {
        match self.functions.tick.clone() {
            Some(function) => self.call(&function, ROOT, ROOT),
            None => Ok(()),
        }
    }

    pub fn on_queue_ready(&mut self, queue: u32) -> Result<(), Failure> {
        match self.functions.queue_ready.clone() {
            Some(function) => self.call(&function, (ROOT, queue), ROOT),
            None => Ok(()),
        }
    }

    /// Ends a stream's context. One that is not done yet stays until it says so.
    pub fn close(&mut self, context: u32) -> Result<(), Failure> {
        let is_done = match self.functions.done.clone() {
            Some(function) => self.call(&function, context, context)? != 0,
            None => true,
        };
        if is_done {
            return self.bury(context);
        }
        let root = &mut self.store.data_mut().root;
        root.closing.push_back(context);
        match root.closing.len() > CLOSING_MAX {
            true => root.closing.pop_front().map_or(Ok(()), |oldest| self.bury(oldest)),
            false => Ok(()),
        }
    }

    /// The last two callbacks of a context; the plugin's own come after those of all streams that were not done yet.
    pub fn bury(&mut self, context: u32) -> Result<(), Failure> {
        if context == ROOT {
            let root = &mut self.store.data_mut().root;
            let waiting = std::mem::take(&mut root.closing);
            root.ended = true;
            for stream in waiting.into_iter().filter(|context| *context != ROOT) {
                self.bury(stream)?;
            }
        }
        if let Some(function) = self.functions.log.clone() {
            self.call(&function, context, context)?;
        }
        if let Some(function) = self.functions.delete.clone() {
            self.call(&function, context, context)?;
        }
        self.store.data_mut().streams.remove(&context);
        Ok(())
    }
}

pub(super) fn store(loaded: &Loaded, making: &Making, first_call: u32) -> Store<Guest> {
    let guest = Guest {
        base: Host::new(Arc::clone(&making.shared), Rc::clone(&making.worker)),
        spec: Arc::clone(&making.spec),
        config: Arc::clone(&loaded.config),
        vm_config: Arc::clone(&loaded.vm_config),
        exports: Exports::default(),
        is_first_version: loaded.version == Version::V0_1_0,
        allocating: false,
        scene: Scene::default(),
        streams: std::collections::HashMap::default(),
        calls: Calls { next: first_call, ..Calls::default() },
        root: Root::default(),
        scratch: Vec::new(),
        lines: Lines::default(),
    };
    let mut store = Store::new(making.engine.wasmtime(), guest);
    store.limiter(|guest| &mut guest.base.limits);
    store.epoch_deadline_callback(|context| Ok(context.data().base.deadline.reached()));
    let ticks = store.data().base.deadline.begin(Instant::now(), START_DEADLINE);
    store.set_epoch_deadline(ticks);
    store
}

fn instantiation(error: &wasmtime::Error, store: &Store<Guest>) -> Failure {
    match error.downcast_ref::<wasmtime::Trap>() {
        _ if store.data().base.limits.denied => Failure::Memory,
        Some(_) => classify(error, false),
        None => Failure::Instantiate(one_line(error)),
    }
}
