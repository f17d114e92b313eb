//! Lines on their way to a writer that may be stuck: bounded, and never waited for by those who push.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Debug)]
pub struct Queue {
    waiting: Mutex<Waiting>,
    /// A line came, or the last one is written.
    changed: Condvar,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<String>,
    bytes: usize,
    /// A line was taken and is not written yet.
    writing: bool,
    dropped: u64,
    /// Of those, how many the writer has told of.
    told: u64,
}

impl Queue {
    pub fn new(bytes_max: usize) -> Self {
        Self { waiting: Mutex::default(), changed: Condvar::new(), bytes_max }
    }

    /// Drops the line if too much waits already.
    pub fn push(&self, line: String) {
        let mut waiting = self.lock();
        if waiting.bytes + line.len() > self.bytes_max {
            waiting.dropped += 1;
            return;
        }
        waiting.bytes += line.len();
        waiting.lines.push_back(line);
        drop(waiting);
        self.changed.notify_all();
    }

    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Writes lines as they come, for as long as the process lives. `lost` makes a line of how many were dropped.
    pub fn write_to(&self, out: &mut impl Write, lost: fn(u64) -> String) {
        loop {
            self.write_one(out, lost);
        }
    }

    /// Waits for a line and writes it.
    pub fn write_one(&self, out: &mut impl Write, lost: fn(u64) -> String) {
        let is_silent = |waiting: &mut Waiting| waiting.lines.is_empty();
        let mut waiting = self.changed.wait_while(self.lock(), is_silent).unwrap_or_else(PoisonError::into_inner);
        let mut line = waiting.lines.pop_front().unwrap_or_default();
        waiting.bytes -= line.len();
        if waiting.lines.is_empty() && waiting.told < waiting.dropped {
            line += &lost(waiting.dropped - waiting.told);
            waiting.told = waiting.dropped;
        }
        waiting.writing = true;
        drop(waiting);
        // A reader that is gone is not a reason to stop.
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
        self.lock().writing = false;
        self.changed.notify_all();
    }

    /// Until all is written, or `most` has passed.
    pub fn settle(&self, most: Duration) {
        let is_busy = |waiting: &mut Waiting| waiting.writing || !waiting.lines.is_empty();
        // Both ends are what was waited for.
        drop(self.changed.wait_timeout_while(self.lock(), most, is_busy));
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
