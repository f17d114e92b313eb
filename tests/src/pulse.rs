//! How a test waits: something observable happened, look again; or the deadline passed, and say what was missing.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

/// Long enough for a debug build on a busy machine: only failing tests ever wait for it.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// Between two looks at something that tells nobody when it changes.
const MOMENT: Duration = Duration::from_millis(20);

/// Beats whenever a log line, a call of a backend or a gate appears. Clones share the beat.
#[derive(Clone)]
pub struct Pulse(watch::Sender<u64>);

impl Default for Pulse {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Pulse {
    pub fn beat(&self) {
        self.0.send_modify(|beats| *beats = beats.wrapping_add(1));
    }

    /// At the next beat, or in a moment: for what changes without a beat.
    pub async fn soon(&self) {
        drop(timeout(MOMENT, self.0.subscribe().changed()).await);
    }

    /// Repeats `check` at each beat until it holds.
    ///
    /// # Errors
    /// The last refusal of `check`, when the deadline has passed.
    pub async fn until<T>(&self, mut check: impl FnMut() -> Result<T>) -> Result<T> {
        let mut beats = self.0.subscribe();
        let deadline = Instant::now() + DEADLINE;
        loop {
            beats.borrow_and_update();
            match check() {
                Ok(found) => return Ok(found),
                Err(refusal) if timeout_at(deadline, beats.changed()).await.is_err() => {
                    return Err(refusal.context(format!("not within {DEADLINE:?}")));
                }
                Err(_) => {}
            }
        }
    }
}

/// Bounds something that the test itself waits for.
///
/// # Errors
/// What the future says, or that the deadline passed.
pub async fn within<T>(what: &str, future: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(DEADLINE, future).await.with_context(|| format!("{what}: not within {DEADLINE:?}"))?
}
