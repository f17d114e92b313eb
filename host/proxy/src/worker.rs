//! One worker: a thread, its runtime, and everything that its requests use without asking another thread.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use cardea_model::snapshot::{Backend, BackendId};
use cardea_policy::Instances;
use tokio::sync::watch;

use crate::exchange::callout;
use crate::listen::{self, Listener};
use crate::live::{Generation, Live};
use crate::metrics::{Metrics, WorkerCounters};
use crate::record::AccessLog;
use crate::settings::Settings;
use crate::timer::{RESOLUTION, Timer, Timers};
use crate::tls::Tls;
use crate::upstream::http1::READ_BYTES;
use crate::upstream::registry::{Local, Registry};
use crate::warming::{self, Warming};

/// What all workers share: nothing in it is locked on the way of a request.
#[derive(Debug)]
pub struct Shared {
    pub settings: Settings,
    pub live: Live,
    pub registry: Registry,
    pub metrics: Metrics,
    pub tls: Tls,
    /// Whole lines of the access log, to the thread that writes them.
    pub access_log: Option<std::sync::mpsc::SyncSender<Vec<u8>>>,
    pub standing: watch::Sender<Standing>,
    pub warming: Warming,
}

/// How the process stands towards its clients. It only moves on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Serving,
    /// Not ready any more, but still accepting, while whoever sends clients here learns of it. HTTP/1 answers close
    /// their connection, so that few are left to be closed between requests.
    Leaving,
    /// Accepting nothing, finishing what is in flight.
    Draining,
}

thread_local! {
    static CURRENT: OnceCell<Rc<Worker>> = const { OnceCell::new() };
}

/// The worker of this thread, if it is one.
pub fn with<R>(f: impl FnOnce(&Rc<Worker>) -> R) -> Option<R> {
    CURRENT.with(|current| current.get().map(f))
}

pub struct Worker {
    pub id: usize,
    pub shared: Arc<Shared>,
    pub counters: Arc<WorkerCounters>,
    pub timers: Rc<Timers>,
    pub instances: RefCell<Instances>,
    pub log: RefCell<AccessLog>,
    /// What a backend's socket gives goes through here.
    pub read_buffer: RefCell<Box<[u8]>>,
    pub connections: Cell<usize>,
    standing: Cell<Standing>,
    pinned: RefCell<Rc<Pinned>>,
    backends: RefCell<HashMap<Arc<str>, Rc<Local>>>,
    random: Cell<u64>,
}

/// A generation as one worker uses it: the shared one, and its own view of backends, made as they are needed.
#[derive(Debug)]
pub struct Pinned {
    pub generation: Arc<Generation>,
    backends: Box<[OnceCell<Rc<Local>>]>,
}

impl Pinned {
    fn new(generation: Arc<Generation>) -> Rc<Self> {
        let backends = (0..generation.backends.bound()).map(|_| OnceCell::new()).collect();
        Rc::new(Self { generation, backends })
    }

    pub fn backend(&self, worker: &Worker, id: BackendId) -> Option<(&Rc<Local>, &Backend)> {
        let index = id.0 as usize;
        let cell = self.backends.get(index)?;
        let state = self.generation.backends.get(index)?;
        let spec = self.generation.backend(id)?;
        Some((cell.get_or_init(|| worker.local(state, spec.balance)), spec))
    }

    /// What a policy may call, by the name that it knows it by.
    pub fn upstream(&self, worker: &Worker, policy: &str, name: &str) -> Option<(&Rc<Local>, &Backend)> {
        let granted = self.generation.snapshot.upstreams.get(policy)?;
        self.backend(worker, granted.iter().find(|(known, _)| **known == *name)?.1)
    }
}

impl Worker {
    fn new(id: usize, shared: Arc<Shared>, instances: Instances, seed: u64) -> Rc<Self> {
        Rc::new(Self {
            id,
            counters: shared.metrics.worker(id),
            timers: Timers::new(Instant::now()),
            instances: RefCell::new(instances),
            log: RefCell::new(AccessLog::new(shared.access_log.clone())),
            read_buffer: RefCell::new(vec![0; READ_BYTES].into()),
            connections: Cell::new(0),
            standing: Cell::new(Standing::Serving),
            pinned: RefCell::new(Pinned::new(shared.live.load())),
            backends: RefCell::default(),
            random: Cell::new(seed | 1),
            shared,
        })
    }

    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// Milliseconds since the worker started, as of the last request or tick.
    pub fn now_ms(&self) -> u64 {
        self.timers.now_ms()
    }

    pub fn is_leaving(&self) -> bool {
        self.standing.get() >= Standing::Leaving
    }

    pub fn is_draining(&self) -> bool {
        self.standing.get() == Standing::Draining
    }

    /// The live generation; a request keeps it to its end.
    pub fn pin(&self) -> Rc<Pinned> {
        if self.pinned.borrow().generation.number != self.shared.live.version() {
            let next = Pinned::new(self.shared.live.load());
            *self.pinned.borrow_mut() = next;
        }
        Rc::clone(&self.pinned.borrow())
    }

    fn local(
        &self,
        state: &Arc<crate::upstream::registry::BackendState>,
        balance: cardea_model::snapshot::Balance,
    ) -> Rc<Local> {
        let mut backends = self.backends.borrow_mut();
        let local = backends
            .entry(Arc::clone(&state.name))
            .and_modify(|local| {
                if !Arc::ptr_eq(&local.state, state) {
                    *local = Local::new(Arc::clone(state), balance);
                }
            })
            .or_insert_with(|| Local::new(Arc::clone(state), balance));
        local.set_balance(balance);
        Rc::clone(local)
    }

    /// The next of a sequence nobody can guess from one value alone; not for secrets.
    pub fn random(&self) -> u64 {
        // splitmix64: a Weyl sequence through a mixer; its period is 2^64.
        let state = self.random.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.random.set(state);
        let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// What is done now and then: deadlines, log lines, resting connections, instances of policies that are gone.
    fn tick(&self, ticks: u64) {
        self.timers.look();
        self.log.borrow_mut().flush();
        if ticks.is_multiple_of(20) {
            self.sweep();
        }
    }

    fn sweep(&self) {
        self.pin();
        let timeout = u64::try_from(self.settings().idle_upstream_timeout.as_millis()).unwrap_or(u64::MAX);
        let since = self.now_ms().saturating_sub(timeout);
        for local in self.backends.borrow().values() {
            local.sweep(since);
        }
        // One count is this map's, one may be the pinned generation's.
        self.backends.borrow_mut().retain(|_, local| Rc::strong_count(local) > 1);
        self.instances.borrow_mut().sweep();
        give_memory_back();
    }
}

/// The allocator returns free pages to the system while it frees others; a worker that has become idle frees none, and
/// would keep what a thousand connections have let go of. One large block, taken and given back, starts it.
fn give_memory_back() {
    const LARGE_BYTES: usize = 1 << 20;
    drop(std::hint::black_box(Vec::<u8>::with_capacity(LARGE_BYTES)));
}

/// Runs a worker on this thread until it has drained.
pub fn run(
    id: usize,
    shared: Arc<Shared>,
    listeners: Vec<Listener>,
    instances: Instances,
    seed: u64,
) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .event_interval(61)
        .build_local(tokio::runtime::LocalOptions::default())?;
    let worker = Worker::new(id, shared, instances, seed);
    CURRENT
        .with(|current| current.set(Rc::clone(&worker)))
        .map_err(|_| std::io::Error::other("a second worker on one thread"))?;
    runtime.block_on(serve(worker, listeners));
    Ok(())
}

async fn serve(worker: Rc<Worker>, listeners: Vec<Listener>) {
    let ticking = tokio::task::spawn_local(tick(Rc::clone(&worker)));
    let warming = tokio::task::spawn_local(warming::follow(Rc::clone(&worker)));
    let accepting: Vec<_> = listeners
        .into_iter()
        .map(|listener| tokio::task::spawn_local(listen::accept(Rc::clone(&worker), listener)))
        .collect();
    let mut standing = worker.shared.standing.subscribe();
    // An error means that the sender is gone, and with it the process' reason to serve.
    let _ = standing.wait_for(|standing| *standing >= Standing::Leaving).await;
    worker.standing.set(Standing::Leaving);
    let _ = standing.wait_for(|standing| *standing == Standing::Draining).await;
    for task in accepting {
        task.abort();
    }
    drain(&worker).await;
    end_policies(&worker).await;
    worker.log.borrow_mut().flush();
    ticking.abort();
    warming.abort();
}

/// Lets connections finish, up to the drain timeout.
async fn drain(worker: &Rc<Worker>) {
    worker.standing.set(Standing::Draining);
    worker.timers.wake_all();
    let deadline = Timer::new(&worker.timers);
    deadline.set(worker.settings().drain_timeout);
    let done = Timer::new(&worker.timers);
    std::future::poll_fn(|cx| {
        if worker.connections.get() == 0 || deadline.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        done.set(RESOLUTION);
        done.poll(cx).map(|()| ())
    })
    .await;
}

/// Lets modules that work without requests end what they do; how long that may take is theirs to bound.
async fn end_policies(worker: &Rc<Worker>) {
    {
        let mut instances = worker.instances.borrow_mut();
        instances.leave();
        callout::start(worker, &mut instances);
    }
    let look = Timer::new(&worker.timers);
    std::future::poll_fn(|cx| {
        if worker.instances.borrow().has_left() {
            return Poll::Ready(());
        }
        look.set(RESOLUTION);
        look.poll(cx)
    })
    .await;
}

async fn tick(worker: Rc<Worker>) {
    let mut interval = tokio::time::interval(RESOLUTION);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut ticks, mut seen) = (0, 0);
    loop {
        interval.tick().await;
        worker.tick(ticks);
        let pinned = worker.pin();
        let number = pinned.generation.number;
        if std::mem::replace(&mut seen, number) != number {
            warming::wake(&worker, &pinned.generation).await;
        }
        drop(pinned);
        let mut instances = worker.instances.borrow_mut();
        instances.advance(number);
        instances.tick(Instant::now());
        callout::start(&worker, &mut instances);
        drop(instances);
        ticks += 1;
    }
}

/// Runs hyper's tasks on the worker's own thread.
#[derive(Debug, Clone, Copy)]
pub struct LocalExecutor;

impl<F> hyper::rt::Executor<F> for LocalExecutor
where
    F: Future<Output: 'static> + 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}
