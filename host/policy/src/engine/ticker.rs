//! The clock of deadlines: one thread that advances the engine's epoch, a tick a millisecond, while a guest may be running.
//!
//! Nearly every call is over within microseconds, so it looks only every few milliseconds, makes up for the ticks in
//! between, and ticks singly while it sees a guest running: waking each millisecond would cost more than a percent of a core.
//!
//! Each worker has a pulse of its own: odd while it is in a call. Entering is one store to the worker's own cache line
//! and one load of the shared `awake`, which is written only when the thread falls asleep or is woken. Sequential
//! consistency makes them a Dekker pair: either the worker sees that the ticker sleeps, and wakes it, or the ticker sees
//! the pulse, and stays awake. So no call runs without ticks.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, Thread};
use std::time::Duration;

use wasmtime::EngineWeak;

const TICK: Duration = Duration::from_millis(1);
/// Ticks from one look to the next while no guest is seen running.
const LOOK_TICKS: u32 = 4;
/// Looks without a call after which the thread sleeps until it is woken.
const IDLE_LOOKS: u32 = 25;

/// A cache line of its own (two, for the adjacent-line prefetcher), so that workers do not disturb each other.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Beat(AtomicU64);

#[derive(Debug)]
struct Shared {
    awake: AtomicBool,
    stop: AtomicBool,
    beats: Mutex<Vec<Weak<Beat>>>,
}

/// Stops its thread when it drops.
#[derive(Debug)]
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

/// A worker's mark that it is in a call.
#[derive(Debug)]
pub(crate) struct Pulse {
    beat: Arc<Beat>,
    shared: Arc<Shared>,
    thread: Thread,
}

impl Ticker {
    pub fn start(engine: EngineWeak) -> std::io::Result<Self> {
        let shared =
            Arc::new(Shared { awake: AtomicBool::new(false), stop: AtomicBool::new(false), beats: Mutex::default() });
        let ticking = Arc::clone(&shared);
        let handle =
            thread::Builder::new().name(String::from("policy-ticker")).spawn(move || tick(&ticking, &engine))?;
        Ok(Self { shared, thread: handle.thread().clone() })
    }

    pub fn pulse(&self) -> Pulse {
        let beat = Arc::new(Beat::default());
        let mut beats = self.shared.beats.lock().unwrap_or_else(PoisonError::into_inner);
        beats.retain(|beat| beat.strong_count() > 0);
        beats.push(Arc::downgrade(&beat));
        Pulse { beat, shared: Arc::clone(&self.shared), thread: self.thread.clone() }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

impl Pulse {
    /// Before a guest runs. Only this worker writes its beat, so an add is a load and a store.
    pub fn begin(&self) {
        let beat = self.beat.0.load(Ordering::Relaxed);
        self.beat.0.store(beat | 1, Ordering::SeqCst);
        if !self.shared.awake.load(Ordering::SeqCst) {
            self.shared.awake.store(true, Ordering::SeqCst);
            self.thread.unpark();
        }
    }

    pub fn end(&self) {
        let beat = self.beat.0.load(Ordering::Relaxed);
        self.beat.0.store((beat | 1).wrapping_add(1), Ordering::Release);
    }
}

impl Shared {
    /// The sum of beats, and whether some worker is in a call: together they show any call since the last look.
    fn look(&self) -> (u64, bool) {
        let beats = self.beats.lock().unwrap_or_else(PoisonError::into_inner);
        beats.iter().filter_map(Weak::upgrade).fold((0, false), |(sum, busy), beat| {
            let beat = beat.0.load(Ordering::SeqCst);
            (beat.wrapping_add(sum), busy || beat & 1 == 1)
        })
    }
}

fn tick(shared: &Shared, engine: &EngineWeak) {
    let (mut last, mut idle, mut ticks) = (0, 0, LOOK_TICKS);
    while !shared.stop.load(Ordering::SeqCst) {
        if !shared.awake.load(Ordering::SeqCst) {
            thread::park();
            idle = 0;
            continue;
        }
        thread::sleep(TICK * ticks);
        let Some(engine) = engine.upgrade() else { return };
        for _ in 0..ticks {
            engine.increment_epoch();
        }
        let (sum, busy) = shared.look();
        ticks = if busy { 1 } else { LOOK_TICKS };
        idle = if busy || sum != last { 0 } else { idle + 1 };
        last = sum;
        if idle >= IDLE_LOOKS {
            shared.awake.store(false, Ordering::SeqCst);
            // A call that began before the store did not wake us: look again after it.
            if shared.look().1 {
                shared.awake.store(true, Ordering::SeqCst);
            }
        }
    }
}
