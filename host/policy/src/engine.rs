//! The process-wide engine: how components are compiled, pooled and limited.

mod cache;
mod seats;
mod ticker;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails};

pub(crate) use cache::Cache;
pub(crate) use seats::{Seat, Seats, Share, SharedSeat, Slot, Slots};
pub(crate) use ticker::Pulse;
use ticker::Ticker;

use crate::host::TABLE_ELEMENTS_MAX;
use crate::source::Sources;

#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Compiled modules by digest; `None` compiles each time. Made with mode 0700 and refused if anybody else may
    /// write there.
    pub cache: Option<PathBuf>,
    /// Most linear memory of any policy, bytes.
    pub memory_bytes_max: u32,
    /// Most instances alive at once, over all workers and policies.
    pub instances_max: u32,
    /// Time, chance and log lines of all policies.
    pub sources: Sources,
    /// For authors: decisions come with the values that were read, and traps with lines of the source, where a module has them.
    /// Never where strangers load modules or read logs.
    pub explain: bool,
    /// For authors: what components copy is counted, see [`Copied`](crate::Copied). Calls take longer by that.
    pub measures: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            cache: None,
            memory_bytes_max: 64 << 20,
            instances_max: 256,
            sources: Sources::default(),
            explain: false,
            measures: false,
        }
    }
}

/// Why there is no engine. The process cannot run policies, and should not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("the Wasm engine does not start: {0}")]
    Wasmtime(String),
    #[error("the ticker thread does not start: {0}")]
    Ticker(std::io::Error),
    #[error("the module cache {path} is not usable: {message}", path = path.display())]
    Cache { path: PathBuf, message: String },
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
    /// In place of the options' own.
    sources: Option<Arc<Sources>>,
}

struct Inner {
    wasmtime: wasmtime::Engine,
    ticker: Ticker,
    options: EngineOptions,
    pooled: bool,
    seats: Arc<Seats>,
    slots: Arc<Slots>,
    cache: Cache,
}

/// Stack of a guest. A worker's thread must have this and room for the host's own calls.
const STACK_BYTES_MAX: usize = 256 << 10;
/// Stack of a guest that may wait: its own, and room for the host's calls.
const FIBER_BYTES: usize = 1 << 20;
/// Core instances of one component: Python components have 38.
const CORE_INSTANCES_MAX: u32 = 50;
pub(crate) const MEMORIES_MAX: u32 = 4;
pub(crate) const TABLES_MAX: u32 = 40;

impl Engine {
    pub fn new(options: EngineOptions) -> Result<Self, EngineError> {
        let (wasmtime, pooled) = start(&options)?;
        let ticker = Ticker::start(wasmtime.weak()).map_err(EngineError::Ticker)?;
        let cache = Cache::open(options.cache.as_deref(), &wasmtime)?;
        let seats = Arc::new(Seats::new(options.instances_max));
        let inner = Inner { wasmtime, ticker, options, pooled, seats, slots: Arc::default(), cache };
        Ok(Self { inner: Arc::new(inner), sources: None })
    }

    /// The same engine and its compiled code, for policies that see another time and chance.
    pub fn with_sources(&self, sources: Sources) -> Self {
        Self { inner: Arc::clone(&self.inner), sources: Some(Arc::new(sources)) }
    }

    /// Whether instances come from the pool. Not where the address space is too small for it; they cost more then.
    pub fn is_pooled(&self) -> bool {
        self.inner.pooled
    }

    /// Instances alive, over all workers.
    pub fn instances(&self) -> u32 {
        self.inner.seats.taken()
    }

    /// Whether at most half of the places of instances are taken: then idle ones may stay in theirs.
    pub(crate) fn is_roomy(&self) -> bool {
        self.instances() <= self.inner.options.instances_max / 2
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner.wasmtime
    }

    pub(crate) fn options(&self) -> &EngineOptions {
        &self.inner.options
    }

    pub(crate) fn sources(&self) -> &Sources {
        self.sources.as_deref().unwrap_or(&self.inner.options.sources)
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.inner.cache
    }

    pub(crate) fn pulse(&self) -> Pulse {
        self.inner.ticker.pulse()
    }

    pub(crate) fn take_seat(&self) -> Option<Seat> {
        Seats::take(&self.inner.seats)
    }

    /// For an instance of one of many exchanges of a policy: none may have more than it leaves to others.
    pub(crate) fn take_seat_of(&self, share: &Arc<Share>) -> Option<SharedSeat> {
        Seats::take_of(&self.inner.seats, share)
    }

    pub(crate) fn take_slot(&self) -> Slot {
        Slots::take(&self.inner.slots)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("options", &self.inner.options).finish_non_exhaustive()
    }
}

/// With the pool where the address space allows, else without.
fn start(options: &EngineOptions) -> Result<(wasmtime::Engine, bool), EngineError> {
    let mut config = config();
    if options.explain {
        config.wasm_backtrace_details(WasmBacktraceDetails::Enable);
    }
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(options)));
    if let Ok(engine) = wasmtime::Engine::new(&config) {
        return Ok((engine, true));
    }
    config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
    match wasmtime::Engine::new(&config) {
        Ok(engine) => Ok((engine, false)),
        Err(error) => Err(EngineError::Wasmtime(crate::instance::one_line(&error))),
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES_MAX)
        .async_stack_size(FIBER_BYTES)
        .wasm_component_model(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        // wasmtime joins two components that each have a memory by modules of its own, which name both.
        .wasm_multi_memory(true)
        .wasm_tail_call(false);
    config
}

fn pool(options: &EngineOptions) -> PoolingAllocationConfig {
    let instances = options.instances_max.saturating_add(SPARE_INSTANCES);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(CORE_INSTANCES_MAX))
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        .total_memories(instances.saturating_mul(MEMORIES_MAX))
        .max_memories_per_component(MEMORIES_MAX)
        .max_memories_per_module(MEMORIES_MAX)
        .max_memory_size(options.memory_bytes_max as usize)
        .total_tables(instances.saturating_mul(4))
        .max_tables_per_component(TABLES_MAX)
        .max_tables_per_module(4)
        .table_elements(TABLE_ELEMENTS_MAX)
        .linear_memory_keep_resident(256 << 10)
        .table_keep_resident(64 << 10)
        .total_stacks(instances)
        // Asks only for pages that are present: a page that was swapped out would keep a request's data.
        .pagemap_scan(Enabled::No);
    pool
}

/// Beyond the bound on instances: dropped ones whose slots are not free yet.
const SPARE_INSTANCES: u32 = 8;
