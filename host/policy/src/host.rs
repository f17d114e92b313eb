//! What a store holds beside the guest: the exchange in hand, the limits, and the quotas of the call in hand.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use wasmtime::ResourceLimiter;

use crate::copied::Counter;
use crate::deadline::Deadline;
use crate::exchange::Exchange;
use crate::imports::wasi::Output;
use crate::instances::Footprint;
use crate::policy::Shared;
use crate::reads::Reads;
use crate::source::{Generator, Time, split_mix};

/// Host calls of one guest call; one more is a trap.
pub(crate) const HOST_CALLS_MAX: u32 = 1000;
/// `kv-local` and `counters` operations of one guest call; one more is a trap.
pub(crate) const KV_CALLS_MAX: u32 = 64;
pub(crate) const LOG_LINES_MAX: u32 = 16;
pub(crate) const LOG_LINE_BYTES_MAX: usize = 4 << 10;

/// Where every instance begins [`split_fixed`]: the fraction of pi, so nobody chose it.
const FIXED_SEED: u64 = 0x243f_6a88_85a3_08d3;

/// The next number of the sequence that stands for random numbers where they are not granted; it begins with a state of 0.
pub(crate) fn split_fixed(state: &Cell<u64>) -> u64 {
    let mut now = state.get() ^ FIXED_SEED;
    let number = split_mix(&mut now);
    state.set(now ^ FIXED_SEED);
    number
}

/// Ends a call whose quota of host calls is used up.
#[derive(Debug, thiserror::Error)]
#[error("too many host calls")]
pub(crate) struct TooManyCalls;

/// Ends a call that asks about an exchange in `init`, where there is none.
#[derive(Debug, thiserror::Error)]
#[error("there is no exchange to ask about in `init`")]
pub(crate) struct NoExchange;

/// What all instances of a worker share. Not `Send`, like they.
#[derive(Debug)]
pub(crate) struct Worker {
    pub generator: RefCell<Generator>,
}

impl Worker {
    pub fn new(random: crate::source::Random) -> Self {
        Self { generator: RefCell::new(Generator::new(random)) }
    }
}

/// The store's data. Quotas are cells, because imports read guest memory through the store while they count.
pub(crate) struct Host {
    pub limits: Limits,
    /// The caller's, for the length of a call; blank between calls.
    pub exchange: Box<Exchange>,
    pub in_phase: bool,
    pub deadline: Deadline,
    pub reads: Reads,
    pub shared: Arc<Shared>,
    pub worker: Rc<Worker>,
    host_calls: Cell<u32>,
    kv_calls: Cell<u32>,
    log_lines: Cell<u32>,
    log_dropped: Cell<u32>,
    now: Cell<Option<Time>>,
    /// What the call in hand wrote to WASI's standard streams.
    pub output: Output,
    /// The state of the sequence that stands for random numbers where they are not granted.
    fixed: Cell<u64>,
    pub copied: Counter,
}

impl Host {
    pub fn new(shared: Arc<Shared>, worker: Rc<Worker>) -> Self {
        Self {
            limits: Limits::new(shared.memory_bytes_max),
            exchange: Box::new(Exchange::blank()),
            in_phase: false,
            deadline: Deadline::new(),
            reads: Reads::default(),
            shared,
            worker,
            host_calls: Cell::new(0),
            kv_calls: Cell::new(0),
            log_lines: Cell::new(0),
            log_dropped: Cell::new(0),
            now: Cell::new(None),
            output: Output::default(),
            fixed: Cell::new(0),
            copied: Counter::default(),
        }
    }

    /// Forgets the last call.
    pub fn begin(&mut self, in_phase: bool) {
        self.in_phase = in_phase;
        self.reads.begin();
        self.limits.denied = false;
        self.host_calls.set(0);
        self.kv_calls.set(0);
        self.log_lines.set(0);
        self.log_dropped.set(0);
        self.now.set(None);
    }

    /// Counts a host call.
    pub fn enter(&self) -> Result<(), TooManyCalls> {
        count(&self.host_calls, HOST_CALLS_MAX)
    }

    pub fn footprint(&self) -> Footprint {
        let (memory_bytes, host_calls) = (self.limits.memory_bytes, self.host_calls.get());
        Footprint { memory_bytes, host_calls, copied: self.copied.read() }
    }

    /// Counts a host call about the exchange.
    pub fn ask(&self) -> wasmtime::Result<&Exchange> {
        self.enter()?;
        self.check_phase()?;
        Ok(&self.exchange)
    }

    /// Whether there is an exchange to ask about.
    pub fn check_phase(&self) -> Result<(), NoExchange> {
        if self.in_phase { Ok(()) } else { Err(NoExchange) }
    }

    /// Counts a fixed question about the exchange.
    pub fn ask_fixed(&self, question: u32) -> wasmtime::Result<&Exchange> {
        let exchange = self.ask()?;
        self.reads.mark(question);
        Ok(exchange)
    }

    /// Counts a host call on the policy's kept state.
    pub fn enter_kv(&self, question: u32) -> Result<(), TooManyCalls> {
        self.enter()?;
        self.reads.mark(question);
        count(&self.kv_calls, KV_CALLS_MAX)
    }

    /// Whether this call may log one line more; a refused line is counted.
    pub fn may_log(&self) -> bool {
        let may = count(&self.log_lines, LOG_LINES_MAX).is_ok();
        if !may {
            self.drop_log();
        }
        may
    }

    pub fn drop_log(&self) {
        self.log_dropped.set(self.log_dropped.get() + 1);
    }

    pub fn log_dropped(&self) -> u32 {
        self.log_dropped.get()
    }

    /// A number where random numbers are not granted: the same sequence in every instance.
    pub fn next_fixed(&self) -> u64 {
        split_fixed(&self.fixed)
    }

    /// Ends what the call wrote to its standard streams. Gives its first words on standard error.
    pub fn end_output(&mut self) -> Option<String> {
        if self.output.is_empty() {
            return None;
        }
        let mut output = std::mem::take(&mut self.output);
        let words = output.words();
        output.end(self);
        self.output = output;
        words
    }

    /// The time of this call: read once, at its first question.
    pub fn now(&self) -> Time {
        self.now.get().unwrap_or_else(|| {
            let now = self.shared.sources.clock.read();
            self.now.set(Some(now));
            now
        })
    }
}

fn count(used: &Cell<u32>, most: u32) -> Result<(), TooManyCalls> {
    let now = used.get() + 1;
    used.set(now);
    if now > most { Err(TooManyCalls) } else { Ok(()) }
}

/// Memory and table bounds of one instance, over all of its core modules.
#[derive(Debug)]
pub(crate) struct Limits {
    memory_bytes_max: usize,
    pub memory_bytes: usize,
    table_elements: usize,
    /// A growth was refused since the call began: then a trap is the memory limit's doing.
    pub denied: bool,
}

/// Enough for Go, Python and SpiderMonkey components, of which the largest measured needs 7,689 in one table.
pub(crate) const TABLE_ELEMENTS_MAX: usize = 40_000;

impl Limits {
    /// For a store that serves no request.
    pub fn allow_more_memory(&mut self, bytes: usize) {
        self.memory_bytes_max = self.memory_bytes_max.saturating_add(bytes);
    }

    pub const fn new(memory_bytes_max: usize) -> Self {
        Self { memory_bytes_max, memory_bytes: 0, table_elements: 0, denied: false }
    }
}

/// Adds a growth to a total, unless it goes over `most`.
fn grow(total: &mut usize, current: usize, desired: usize, most: usize) -> bool {
    match total.checked_add(desired.saturating_sub(current)) {
        Some(sum) if sum <= most => {
            *total = sum;
            true
        }
        _ => false,
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let fits = maximum.is_none_or(|maximum| desired <= maximum);
        let granted = fits && grow(&mut self.memory_bytes, current, desired, self.memory_bytes_max);
        self.denied |= !granted;
        Ok(granted)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let fits = maximum.is_none_or(|maximum| desired <= maximum);
        let granted = fits && grow(&mut self.table_elements, current, desired, TABLE_ELEMENTS_MAX);
        self.denied |= !granted;
        Ok(granted)
    }
}
