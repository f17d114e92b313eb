//! What the process tells its operator: one JSON object a line on stderr, each with a level and an event.

use std::io::Write;

use serde_json::{Map, Value};

/// `error` means page someone, `warn` that an operator can act, `info` the life of the process.
#[derive(Debug, Clone, Copy)]
pub enum Level {
    Info,
    Warn,
    Error,
}

/// Writes one line. A stderr that is gone is not a reason to stop serving.
pub fn emit(level: Level, event: &str, fields: Value) {
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
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
