//! Where a policy's time, chance and log lines come from and go: the system's in production, a test's own in tests.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Time as policies see it. One clock serves `clock`, the expiry of `kv-local` and the windows of `counters`.
#[derive(Debug, Clone)]
pub enum Clock {
    /// Wall time of the machine; monotonic time since the clock was made.
    System(Instant),
    /// Microseconds since 1970, moved only by its owner; monotonic time is the same number.
    Fixed(Arc<AtomicU64>),
}

impl Clock {
    pub fn system() -> Self {
        Self::System(Instant::now())
    }

    /// A clock that stands still at `unix_ms`, and the handle that moves it, in microseconds.
    pub fn fixed(unix_ms: u64) -> (Self, Arc<AtomicU64>) {
        let microseconds = Arc::new(AtomicU64::new(unix_ms.saturating_mul(1000)));
        (Self::Fixed(Arc::clone(&microseconds)), microseconds)
    }

    pub(crate) fn read(&self) -> Time {
        match self {
            Self::System(start) => Time {
                unix_ms: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64),
                monotonic_us: start.elapsed().as_micros() as u64 / MONOTONIC_STEP_US * MONOTONIC_STEP_US,
            },
            Self::Fixed(microseconds) => {
                let now = microseconds.load(Ordering::Relaxed);
                Time { unix_ms: now / 1000, monotonic_us: now }
            }
        }
    }
}

/// Coarse enough to be a poor timer for side channels.
pub(crate) const MONOTONIC_STEP_US: u64 = 100;

/// One reading of a [`Clock`]: what a call sees from its first question to its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time {
    pub unix_ms: u64,
    pub monotonic_us: u64,
}

/// Where random numbers come from: guests' own, and the host's draw among weighted backends.
#[derive(Debug, Clone)]
pub enum Random {
    /// The operating system's generator.
    System,
    /// A sequence that repeats: for tests. Each worker starts it anew.
    Seeded(u64),
    /// The numbers of a queue that its owner fills, and the sequence of `Seeded(0)` while it is empty: for tests.
    Scripted(Arc<Mutex<VecDeque<u64>>>),
}

/// A worker's generator.
#[derive(Debug)]
pub(crate) enum Generator {
    /// Bytes of the operating system, fetched a buffer at a time.
    System {
        buffer: Box<[u8; 512]>,
        used: usize,
    },
    SplitMix(u64),
    Scripted {
        draws: Arc<Mutex<VecDeque<u64>>>,
        then: u64,
    },
}

impl Generator {
    pub fn new(random: Random) -> Self {
        match random {
            Random::System => Self::System { buffer: Box::new([0; 512]), used: 512 },
            Random::Seeded(seed) => Self::SplitMix(seed),
            Random::Scripted(draws) => Self::Scripted { draws, then: 0 },
        }
    }

    /// `None` where the operating system has no random bytes to give.
    pub fn next_u64(&mut self) -> Option<u64> {
        match self {
            Self::System { buffer, used } => {
                if *used + 8 > buffer.len() {
                    getrandom::fill(buffer.as_mut_slice()).ok()?;
                    *used = 0;
                }
                let bytes: [u8; 8] = buffer.get(*used..*used + 8)?.try_into().ok()?;
                *used += 8;
                Some(u64::from_le_bytes(bytes))
            }
            Self::SplitMix(state) => Some(split_mix(state)),
            Self::Scripted { draws, then } => {
                let draw = draws.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                Some(draw.unwrap_or_else(|| split_mix(then)))
            }
        }
    }

    /// A number for the host's own housekeeping. It takes no draw of a script, which counts those that decide.
    pub fn housekeeping(&mut self) -> Option<u64> {
        match self {
            Self::Scripted { .. } => Some(0),
            other => other.next_u64(),
        }
    }
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
pub(crate) fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

impl LogLevel {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// A line that a policy logged. The message is the guest's: escape it.
#[derive(Debug, Clone, Copy)]
pub struct LogLine<'a> {
    /// `namespace/name`.
    pub policy: &'a str,
    pub level: LogLevel,
    pub message: &'a str,
    /// Of the exchange in hand, if it has one.
    pub request_id: Option<&'a str>,
}

/// Takes log lines. Called on workers, within a policy's call: it must not wait.
#[derive(Clone)]
pub struct LogSink {
    level_min: LogLevel,
    write: Arc<dyn Fn(&LogLine<'_>) + Send + Sync>,
}

impl LogSink {
    /// Lines under `level_min` are not made at all.
    pub fn new(level_min: LogLevel, write: impl Fn(&LogLine<'_>) + Send + Sync + 'static) -> Self {
        Self { level_min, write: Arc::new(write) }
    }

    pub fn none() -> Self {
        Self::new(LogLevel::Error, |_| {})
    }

    pub(crate) fn takes(&self, level: LogLevel) -> bool {
        level >= self.level_min
    }

    pub(crate) fn write(&self, line: &LogLine<'_>) {
        (self.write)(line);
    }
}

impl fmt::Debug for LogSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogSink").field("level_min", &self.level_min).finish_non_exhaustive()
    }
}

/// All of them together, as an engine is given them.
#[derive(Debug, Clone)]
pub struct Sources {
    pub clock: Clock,
    pub random: Random,
    pub log: LogSink,
}

impl Default for Sources {
    fn default() -> Self {
        Self { clock: Clock::system(), random: Random::System, log: LogSink::none() }
    }
}
