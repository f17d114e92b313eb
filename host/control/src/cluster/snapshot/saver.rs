//! When the state is kept: on a thread of its own, some time after it changed, so that a burst costs one file.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::super::options::Notice;
use super::{Disk, State};

/// The least time between two files.
const EVERY: Duration = Duration::from_secs(5);
/// Writing may take this part of one thread's time at most.
const SHARE: u32 = 50;

/// Keeps the last state that it was given. What waits is written before it ends.
pub(in crate::cluster) struct Saver {
    waiting: Arc<Mutex<Option<State>>>,
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Saver {
    pub(in crate::cluster) fn start(disk: Disk, notice: Arc<dyn Fn(Notice) + Send + Sync>) -> std::io::Result<Self> {
        let waiting = Arc::new(Mutex::new(None));
        let (wake, woken) = sync_channel(1);
        let shared = Arc::clone(&waiting);
        let run = move || follow(&disk, &shared, &woken, &*notice);
        let thread = std::thread::Builder::new().name("snapshot".into()).spawn(run)?;
        Ok(Self { waiting, wake: Some(wake), thread: Some(thread) })
    }

    pub(in crate::cluster) fn keep(&self, state: State) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(state);
        // If it is full, it will be looked at anyway.
        let _ = self.wake.as_ref().map(|wake| wake.try_send(()));
    }
}

impl Drop for Saver {
    fn drop(&mut self) {
        self.wake = None;
        // A writer that panicked has nothing left to write.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn follow(disk: &Disk, waiting: &Mutex<Option<State>>, woken: &Receiver<()>, notice: &dyn Fn(Notice)) {
    let mut failing = false;
    loop {
        let state = waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(state) = state else {
            match woken.recv() {
                Ok(()) => continue,
                Err(_) => return,
            }
        };
        let begun = Instant::now();
        match disk.save(&state) {
            Ok(()) => failing = false,
            // Told once, until it works again.
            Err(_) if failing => {}
            Err(error) => {
                failing = true;
                notice(Notice::SnapshotFailed { message: format!("the state cannot be kept: {error}") });
            }
        }
        pause(woken, EVERY.max(begun.elapsed() * SHARE));
    }
}

/// Cut short by the end, so that the last state is written at once.
fn pause(woken: &Receiver<()>, pause: Duration) {
    let until = Instant::now() + pause;
    while woken.recv_timeout(until.saturating_duration_since(Instant::now())).is_ok() {}
}
