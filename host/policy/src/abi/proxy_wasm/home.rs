//! A worker's place for the VM of one policy version: it starts, restarts, and every visit goes through here.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::abi::proxy_wasm::Loaded;
use crate::abi::proxy_wasm::backoff::Backoff;
use crate::abi::proxy_wasm::guest::{Asked, Open, ROOT};
use crate::abi::proxy_wasm::stream::{self, Answer};
use crate::abi::proxy_wasm::vm::{Making, Vm};
use crate::abi::{CallFailure, Outside, Turn};
use crate::failure::Failure;
use crate::instances::Footprint;
use crate::state::TallyGuard;

/// How often a VM looks for what other workers put into its queues.
const QUEUE_PERIOD: Duration = Duration::from_millis(100);
/// Contexts whose session went without a word, closed in one visit.
const ORPHANS_PER_VISIT: usize = 16;
/// From `proxy_on_done` of the root context to `proxy_done`.
const LEAVE_DEADLINE: Duration = Duration::from_secs(2);

/// Shared by the resident and its sessions.
pub(super) struct Home {
    pub loaded: Arc<Loaded>,
    making: Making,
    vm: Cell<Option<Box<Vm>>>,
    tally: TallyGuard,
    backoff: Cell<Backoff>,
    next_call: Cell<u32>,
    /// Streams whose session was dropped; their contexts are still to be closed.
    orphans: RefCell<Vec<(u32, stream::Shared)>>,
    tick: Cell<Option<Instant>>,
    queues: Cell<Option<Instant>>,
    /// When a VM that failed starts again by itself.
    restart: Cell<Option<Instant>>,
    /// The plugin was told that it is to end, and has to until then.
    leaving: Cell<Option<Instant>>,
}

/// What is done in a VM while nobody's exchange is at hand.
type Aside<'a> = &'a mut dyn FnMut(&mut Vm) -> Result<(), Failure>;

impl Home {
    pub fn new(loaded: Arc<Loaded>, making: Making) -> Self {
        let tally = making.shared.state.tally();
        Self {
            loaded,
            making,
            vm: Cell::new(None),
            tally,
            backoff: Cell::default(),
            next_call: Cell::new(1),
            orphans: RefCell::default(),
            tick: Cell::new(None),
            queues: Cell::new(None),
            restart: Cell::new(None),
            leaving: Cell::new(None),
        }
    }

    /// Starts the VM if there is none.
    pub fn wake(&self, now: Instant) -> Result<(), Failure> {
        if let Some(vm) = self.vm.take() {
            self.vm.set(Some(vm));
            return Ok(());
        }
        if !self.backoff.get().may_start(now) {
            return Err(Failure::Instantiate(String::from("its VM failed, and waits before it starts again")));
        }
        self.tally.created.add(1);
        match Vm::start(&self.loaded, &self.making, self.next_call.get()) {
            Ok(vm) => {
                self.put(Box::new(vm), now);
                Ok(())
            }
            Err(error) => {
                self.back_off(now, Duration::ZERO);
                Err(error.failure())
            }
        }
    }

    /// Starts the VM while there is no exchange; it may have made calls.
    pub fn wake_alone(&self, outside: &mut Outside<'_>, now: Instant) {
        match self.wake(now) {
            Ok(()) => self.aside(outside, &mut |_| Ok(())),
            Err(failure) => self.tally.failure(&failure),
        }
    }

    fn back_off(&self, now: Instant, ran: Duration) {
        let backoff = self.backoff.get().failed(now, ran);
        self.backoff.set(backoff);
        self.restart.set(Some(backoff.retry().unwrap_or(now)));
    }

    /// A new stream in the VM, which must be awake.
    pub fn open(&self, stream: &stream::Shared) -> Option<u32> {
        let mut vm = self.vm.take()?;
        let context = vm.open(stream);
        self.vm.set(Some(vm));
        Some(context)
    }

    /// Lends the exchange to the VM for the length of some callbacks. Whatever fails in them ends the VM, and undoes the edits.
    pub fn visit<R>(
        &self,
        turn: &mut Turn<'_>,
        context: u32,
        visit: impl FnOnce(&mut Vm) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let Some(mut vm) = self.vm.take() else { return Err(gone()) };
        vm.begin(Some(context), turn.start.max(vm.born), turn.policy.spec.limits.deadline);
        std::mem::swap(&mut vm.store.data_mut().base.exchange, turn.exchange);
        let result = visit(&mut vm);
        let guest = vm.store.data_mut();
        std::mem::swap(&mut guest.base.exchange, turn.exchange);
        turn.reads = guest.base.reads.set();
        if result.is_err() {
            std::mem::take(&mut guest.scene.undo).apply(turn.exchange);
        }
        self.logged(&vm);
        match result {
            Ok(value) => {
                self.give_back(vm, &mut turn.outside, turn.start);
                Ok(value)
            }
            Err(failure) => {
                self.end(vm, turn.start);
                Err(failure)
            }
        }
    }

    /// A visit that is about no exchange.
    pub fn aside(&self, outside: &mut Outside<'_>, visit: Aside<'_>) {
        let now = Instant::now();
        let Some(mut vm) = self.vm.take() else { return };
        vm.begin(None, now, self.making.spec.limits.deadline);
        let result = visit(&mut vm);
        self.logged(&vm);
        match result {
            Ok(()) => self.give_back(vm, outside, now),
            Err(failure) => {
                self.tally.failure(&failure);
                self.end(vm, now);
            }
        }
    }

    fn logged(&self, vm: &Vm) {
        let dropped = vm.store.data().base.log_dropped();
        if dropped > 0 {
            self.tally.logs_dropped.add(u64::from(dropped));
        }
    }

    /// After a success: passes on what the guest asked for, does what is due, and puts the VM back.
    fn give_back(&self, mut vm: Box<Vm>, outside: &mut Outside<'_>, now: Instant) {
        pass_on(&mut vm, outside);
        match self.housekeep(&mut vm, now) {
            Ok(()) => {
                pass_on(&mut vm, outside);
                self.put(vm, now);
            }
            Err(failure) => {
                self.tally.failure(&failure);
                self.end(vm, now);
            }
        }
    }

    /// Callbacks that wait for no exchange: contexts that said that they are done, streams without a session, queues.
    fn housekeep(&self, vm: &mut Vm, now: Instant) -> Result<(), Failure> {
        let has_orphans = self.orphans.try_borrow().is_ok_and(|orphans| !orphans.is_empty());
        let root = &vm.store.data().root;
        if root.done.is_empty() && root.queues.is_empty() && !has_orphans {
            return Ok(());
        }
        vm.begin(None, Instant::now(), self.making.spec.limits.deadline);
        for context in std::mem::take(&mut vm.store.data_mut().root.done) {
            vm.bury(context)?;
        }
        self.close_orphans(vm, ORPHANS_PER_VISIT)?;
        self.queues.set(Some(now + QUEUE_PERIOD));
        tell_of_queues(vm)
    }

    fn close_orphans(&self, vm: &mut Vm, most: usize) -> Result<(), Failure> {
        for _ in 0..most {
            let orphan = self.orphans.try_borrow_mut().ok().and_then(|mut orphans| orphans.pop());
            let Some((context, stream)) = orphan else { break };
            if !stream.try_borrow().is_ok_and(|stream| stream.gone) {
                vm.hear_of_calls(&stream)?;
                vm.close(context)?;
            }
        }
        Ok(())
    }

    /// Puts the VM back, and notes when it wants to be called by itself.
    fn put(&self, mut vm: Box<Vm>, now: Instant) {
        let root = &mut vm.store.data_mut().root;
        if std::mem::take(&mut root.tick_changed) {
            self.tick.set(root.tick.map(|period| now + period));
        }
        if root.queues.is_empty() {
            self.queues.set(None);
        } else if self.queues.get().is_none() {
            self.queues.set(Some(now + QUEUE_PERIOD));
        }
        self.next_call.set(vm.store.data().calls.next);
        self.restart.set(None);
        self.vm.set(Some(vm));
    }

    /// Ends a VM that failed; its streams hear of it.
    fn end(&self, vm: Box<Vm>, now: Instant) {
        self.next_call.set(vm.store.data().calls.next);
        self.back_off(now, now.saturating_duration_since(vm.born));
        drop(vm);
        self.tally.recycled.add(1);
        self.tick.set(None);
        self.queues.set(None);
        if let Ok(mut orphans) = self.orphans.try_borrow_mut() {
            orphans.clear();
        }
    }

    /// A session went without a word.
    pub fn forsake(&self, context: u32, stream: &stream::Shared) {
        if stream.try_borrow().is_ok_and(|stream| !stream.gone)
            && let Ok(mut orphans) = self.orphans.try_borrow_mut()
        {
            orphans.push((context, stream.clone()));
        }
    }

    /// Of the VM, if it is here.
    pub fn footprint(&self) -> Option<Footprint> {
        let vm = self.vm.take()?;
        let footprint = vm.store.data().base.footprint();
        self.vm.set(Some(vm));
        Some(footprint)
    }

    pub fn next_tick(&self) -> Option<Instant> {
        [self.tick.get(), self.queues.get(), self.restart.get()].into_iter().flatten().min()
    }

    /// Runs the tick if it is due, or starts a VM that failed; queues are looked after at each visit's end.
    pub fn tick(&self, outside: &mut Outside<'_>) {
        let now = Instant::now();
        if self.restart.get().is_some_and(|at| at <= now) {
            return self.wake_alone(outside, now);
        }
        let is_due = self.tick.get().is_some_and(|due| due <= now);
        self.aside(outside, &mut |vm| {
            if !is_due {
                return Ok(());
            }
            self.tick.set(vm.store.data().root.tick.map(|period| now + period));
            vm.on_tick()
        });
    }

    /// Ends the plugin: true once its root context is deleted, or its VM is no more. While it is not done it goes on as ever.
    pub fn leave(&self, outside: &mut Outside<'_>, now: Instant) -> bool {
        self.restart.set(None);
        match self.leaving.get() {
            None => {
                self.leaving.set(Some(now + LEAVE_DEADLINE));
                self.aside(outside, &mut |vm| {
                    self.close_orphans(vm, usize::MAX)?;
                    vm.close(ROOT)
                });
            }
            Some(until) if until <= now => self.aside(outside, &mut |vm| vm.bury(ROOT)),
            Some(_) if self.next_tick().is_some_and(|due| due <= now) => self.tick(outside),
            Some(_) => {}
        }
        self.restart.set(None);
        let vm = self.vm.take().filter(|vm| !vm.store.data().root.ended);
        let has_left = vm.is_none();
        self.vm.set(vm);
        has_left
    }

    /// What became of a call: that of a stream waits until its exchange is at hand, others are told now.
    pub fn called(&self, outside: &mut Outside<'_>, token: u32, result: stream::CallResult) {
        let mut result = Some(result);
        self.aside(outside, &mut |vm| {
            let Some(Open { context, kind, cancelled }) = vm.store.data_mut().calls.open.remove(&token) else {
                return Ok(());
            };
            let Some(result) = result.take().filter(|_| !cancelled) else { return Ok(()) };
            let answer = Answer { token, kind, result };
            let stream = vm.store.data().stream(context).cloned();
            match stream.as_ref().map(|stream| stream.try_borrow_mut()) {
                Some(Ok(mut stream)) => stream.post(answer),
                // The plugin's own, or of a stream that is over: what it keeps for the answer is to be cleared away.
                _ => vm.on_answer(answer)?,
            }
            Ok(())
        });
    }
}

/// The failure of a stream whose VM ended.
pub(super) fn gone() -> Failure {
    Failure::Trap(String::from("its VM ended, by a failure of another call"))
}

/// Gives the data plane the calls that the guest asked for.
fn pass_on(vm: &mut Vm, outside: &mut Outside<'_>) {
    let guest = vm.store.data_mut();
    for Asked { token, upstream, request, timeout } in guest.calls.asked.drain(..) {
        if outside.call(token, &upstream, request, timeout) {
            continue;
        }
        let Some(Open { context, kind, .. }) = guest.calls.open.remove(&token) else { continue };
        if let Some(Ok(mut stream)) = guest.streams.get(&context).map(|stream| stream.try_borrow_mut()) {
            stream.post(Answer { token, kind, result: Err(CallFailure::Unreachable) });
        }
    }
}

/// Tells the plugin of entries that came since it was told last, by any worker.
fn tell_of_queues(vm: &mut Vm) -> Result<(), Failure> {
    for index in 0..vm.store.data().root.queues.len() {
        let guest = vm.store.data_mut();
        let Some((queue, told)) = guest.root.queues.get_mut(index) else { break };
        let queue = *queue;
        match guest.base.shared.state.queues.waiting(queue) {
            Some(added) if added > *told => *told = added,
            _ => continue,
        }
        vm.on_queue_ready(queue)?;
    }
    Ok(())
}
