//! The production engine, with time and chance in the caller's hand, and the Policy that a module is loaded as.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cardea_model::config::{FailureMode, Grants, Isolation, Limits, ModuleSource, Policy};
use cardea_model::problem::Origin;
use cardea_policy::{Clock, Engine, EngineError, EngineOptions, LogLevel, LogSink, Random, Sources};

/// Every interface that a Policy may grant.
pub const INTERFACES: [&str; 6] = ["log", "metrics", "clock", "random", "kv-local", "counters"];
/// In place of the 5 ms of production: the wall clock of a busy machine breaks no promise, and an endless loop still ends.
pub const DEADLINE: Duration = Duration::from_millis(500);
/// An author has one instance at a time, and one that is tried at load.
const INSTANCES_MAX: u32 = 8;
/// A measurement has several at once, to see what one more takes. A policy may have half of these.
const MEASURED_INSTANCES_MAX: u32 = 128;

/// An engine, and what its policies see of the world.
#[derive(Debug)]
pub struct Stage {
    pub engine: Engine,
    /// Microseconds since 1970.
    clock: Arc<AtomicU64>,
    draws: Arc<Mutex<VecDeque<u64>>>,
    log: Arc<Mutex<Vec<String>>>,
    /// Of the policies that are loaded for it.
    pub limits: Limits,
    /// When to play no further.
    until: Option<Instant>,
}

impl Stage {
    /// Time stands still, and chance is a fixed sequence until told otherwise.
    pub fn scripted() -> Result<Self, EngineError> {
        let (clock, handle) = Clock::fixed(0);
        let draws = Arc::default();
        Self::start(clock, handle, Random::Scripted(Arc::clone(&draws)), draws)
    }

    /// Time and chance as they are.
    pub fn live() -> Result<Self, EngineError> {
        Self::start(Clock::system(), Arc::default(), Random::System, Arc::default())
    }

    /// The same, for measurements: compiled code is kept in a folder, and nobody hears what policies log. With `measures`, what
    /// is copied is counted, and calls take longer.
    pub fn measured(cache: &Path, measures: bool) -> Result<Self, EngineError> {
        let sources = Sources { log: LogSink::new(LogLevel::Info, |_| {}), ..Sources::default() };
        let cache = Some(cache.to_owned());
        let options = EngineOptions {
            cache,
            instances_max: MEASURED_INSTANCES_MAX,
            sources,
            measures,
            ..EngineOptions::default()
        };
        let (clock, draws, log) = (Arc::default(), Arc::default(), Arc::default());
        Ok(Self { engine: Engine::new(options)?, clock, draws, log, limits: author_limits(), until: None })
    }

    /// A scripted one on an engine that serves: it shares its compiled code, and nothing of what its policies see or keep.
    pub fn beside(engine: &Engine, limits: &Limits, until: Instant) -> Self {
        let (clock, handle) = Clock::fixed(0);
        let draws: Arc<Mutex<VecDeque<u64>>> = Arc::default();
        let (log, sink) = gathered();
        let sources = Sources { clock, random: Random::Scripted(Arc::clone(&draws)), log: sink };
        let limits = Limits { deadline: DEADLINE, ..*limits };
        Self { engine: engine.with_sources(sources), clock: handle, draws, log, limits, until: Some(until) }
    }

    fn start(
        clock: Clock,
        handle: Arc<AtomicU64>,
        random: Random,
        draws: Arc<Mutex<VecDeque<u64>>>,
    ) -> Result<Self, EngineError> {
        let (log, sink) = gathered();
        let sources = Sources { clock, random, log: sink };
        let options = EngineOptions { instances_max: INSTANCES_MAX, sources, ..EngineOptions::default() };
        Ok(Self { engine: Engine::new(options)?, clock: handle, draws, log, limits: author_limits(), until: None })
    }

    pub fn is_over(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        self.clock.load(Ordering::Relaxed) / 1000
    }

    pub fn set_time(&self, unix_ms: u64) {
        self.clock.store(unix_ms.saturating_mul(1000), Ordering::Relaxed);
    }

    pub fn advance(&self, by: Duration) {
        self.clock.fetch_add(by.as_micros() as u64, Ordering::Relaxed);
    }

    /// In place of any draws that are left.
    pub fn set_draws(&self, draws: &[u64]) {
        *self.draws.lock().unwrap_or_else(PoisonError::into_inner) = draws.iter().copied().collect();
    }

    /// The lines logged since the last call.
    pub fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Lines, and what gathers them.
fn gathered() -> (Arc<Mutex<Vec<String>>>, LogSink) {
    let log: Arc<Mutex<Vec<String>>> = Arc::default();
    let lines = Arc::clone(&log);
    let sink = LogSink::new(LogLevel::Trace, move |line| {
        let text = format!("{}: {}", line.level.as_str(), line.message.escape_debug());
        lines.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    });
    (log, sink)
}

/// Those of production, but for the time of a call.
fn author_limits() -> Limits {
    Limits { deadline: DEADLINE, ..Limits::default() }
}

/// A Policy around a module that has no manifest.
pub fn policy_of(path: &Path, bytes: &Arc<[u8]>, config: &serde_json::Value, grants: Vec<String>) -> Arc<Policy> {
    let stem = path.file_stem().map_or_else(|| "policy".into(), |stem| stem.to_string_lossy());
    Arc::new(Policy {
        origin: Origin {
            source: Arc::from(path.display().to_string()),
            document: 0,
            kind: "Policy",
            namespace: Arc::from("default"),
            name: Arc::from(&*stem),
        },
        module: source_of(path, bytes),
        generation: 0,
        digest: None,
        config: Arc::from(config.to_string()),
        grants: Grants { interfaces: grants, headers: Vec::new(), upstreams: Vec::new() },
        limits: author_limits(),
        failure_mode: FailureMode::Deny,
        isolation: Isolation::Pooled,
        proxy_wasm: None,
    })
}

pub fn source_of(path: &Path, bytes: &Arc<[u8]>) -> ModuleSource {
    ModuleSource::Bytes { path: Arc::from(path.display().to_string()), bytes: Arc::clone(bytes) }
}

pub fn all_interfaces() -> Vec<String> {
    INTERFACES.map(String::from).to_vec()
}
