//! The production engine, with time and chance in the caller's hand, and the Policy that a module is loaded as.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cardea_model::config::{FailureMode, Grants, Isolation, Limits, ModuleSource, Policy};
use cardea_model::problem::Origin;
use cardea_policy::{Clock, Engine, EngineError, EngineOptions, LogLevel, LogSink, Random, Sources};

/// Every interface that a Policy may grant.
pub const INTERFACES: [&str; 6] = ["log", "metrics", "clock", "random", "kv-local", "counters"];
/// In place of the 5 ms of production: the wall clock of a busy machine breaks no promise, and an endless loop still ends.
pub const DEADLINE: Duration = Duration::from_millis(500);
/// An author has one instance at a time, and one that is tried at load.
const INSTANCES_MAX: u32 = 8;
/// A measurement has several at once, to see what one more takes.
const MEASURED_INSTANCES_MAX: u32 = 64;

/// An engine, and what its policies see of the world.
#[derive(Debug)]
pub struct Stage {
    pub engine: Engine,
    /// Microseconds since 1970.
    clock: Arc<AtomicU64>,
    draws: Arc<Mutex<VecDeque<u64>>>,
    log: Arc<Mutex<Vec<String>>>,
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

    /// The same, for measurements: compiled code is kept in a folder, and nobody hears what policies log.
    pub fn measured(cache: &Path) -> Result<Self, EngineError> {
        let sources = Sources { log: LogSink::new(LogLevel::Info, |_| {}), ..Sources::default() };
        let cache = Some(cache.to_owned());
        let options =
            EngineOptions { cache, instances_max: MEASURED_INSTANCES_MAX, sources, ..EngineOptions::default() };
        Ok(Self { engine: Engine::new(options)?, clock: Arc::default(), draws: Arc::default(), log: Arc::default() })
    }

    fn start(
        clock: Clock,
        handle: Arc<AtomicU64>,
        random: Random,
        draws: Arc<Mutex<VecDeque<u64>>>,
    ) -> Result<Self, EngineError> {
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let lines = Arc::clone(&log);
        let sink = LogSink::new(LogLevel::Trace, move |line| {
            let text = format!("{}: {}", line.level.as_str(), line.message.escape_debug());
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        });
        let sources = Sources { clock, random, log: sink };
        let options = EngineOptions { instances_max: INSTANCES_MAX, sources, ..EngineOptions::default() };
        Ok(Self { engine: Engine::new(options)?, clock: handle, draws, log })
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
        limits: Limits { deadline: DEADLINE, ..Limits::default() },
        failure_mode: FailureMode::Deny,
        isolation: Isolation::Pooled,
    })
}

pub fn source_of(path: &Path, bytes: &Arc<[u8]>) -> ModuleSource {
    ModuleSource::Bytes { path: Arc::from(path.display().to_string()), bytes: Arc::clone(bytes) }
}

pub fn all_interfaces() -> Vec<String> {
    INTERFACES.map(String::from).to_vec()
}
