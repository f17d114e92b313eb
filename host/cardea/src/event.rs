//! What the process tells its operator: one JSON object a line on stderr, each with a level and an event.
//!
//! While it serves, a thread of its own writes the lines: whoever has something to tell never waits for whoever reads it, and
//! lines that nobody takes are dropped and counted.

mod queue;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use serde_json::{Map, Value, json};

use queue::Queue;

/// `error` means page someone, `warn` that an operator can act, `info` the life of the process.
#[derive(Debug, Clone, Copy)]
pub enum Level {
    Info,
    Warn,
    Error,
}

/// Of lines that wait for stderr.
const WAITING_BYTES_MAX: usize = 1 << 20;
/// How long the end of the process waits for whoever reads stderr.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// `None` where this process does not serve: then lines are written at once.
static QUEUE: OnceLock<Arc<Queue>> = OnceLock::new();

/// Tells something.
pub fn emit(level: Level, event: &str, fields: Value) {
    let text = line(level, event, fields);
    match QUEUE.get() {
        Some(queue) => queue.push(text),
        // A stderr that is gone is not a reason to stop.
        None => drop(std::io::stderr().lock().write_all(text.as_bytes())),
    }
}

/// From now on nobody waits for stderr.
pub fn serve() -> std::io::Result<LastWords> {
    let queue = Arc::clone(QUEUE.get_or_init(|| Arc::new(Queue::new(WAITING_BYTES_MAX))));
    let writing = Arc::clone(&queue);
    thread::Builder::new().name("events".into()).spawn(move || writing.write_to(&mut std::io::stderr(), lost))?;
    Ok(LastWords(queue))
}

/// Lines that nobody took, so far.
pub fn lines_dropped() -> u64 {
    QUEUE.get().map_or(0, |queue| queue.dropped())
}

/// What was told is written when this drops, if somebody reads it.
pub struct LastWords(Arc<Queue>);

impl Drop for LastWords {
    fn drop(&mut self) {
        self.0.settle(LAST_WORDS);
    }
}

fn lost(lines: u64) -> String {
    line(Level::Warn, "lines_dropped", json!({ "lines": lines, "message": "nobody took these from stderr in time" }))
}

fn line(level: Level, event: &str, fields: Value) -> String {
    let level = match level {
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    };
    let mut line = Map::new();
    line.insert("time".into(), jiff::Timestamp::now().to_string().into());
    line.insert("level".into(), level.into());
    line.insert("event".into(), event.into());
    if let Value::Object(fields) = fields {
        line.extend(fields);
    }
    let mut text = Value::Object(line).to_string();
    text.push('\n');
    text
}
