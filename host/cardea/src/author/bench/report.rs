//! What was measured, for people or as JSON.

use std::time::Duration;

use cardea_policy::{Copied, Footprint};
use serde::Serialize;

use super::sample::Sample;
use crate::author::mistake::Mistake;
use crate::author::print;

#[derive(Debug, Serialize)]
pub struct Report {
    pub file: String,
    pub digest: String,
    /// Of the module.
    pub bytes: usize,
    /// Of the machine code that it becomes, with what the engine keeps beside it.
    pub code_bytes: u64,
    /// What the request came to.
    pub decision: &'static str,
    pub cold: Cold,
    /// Request phases of an instance that is called again.
    pub pooled: Option<Sample>,
    /// Questions to the host in the last call of the request; absent where instances do not outlive their exchange.
    pub host_calls: Option<u32>,
    /// Between host and guest, in an exchange; absent likewise.
    pub copied: Option<Phases>,
    /// Response phases likewise; absent where the policy wants none.
    pub response: Option<Sample>,
    /// Request phases with a new instance for each request.
    pub isolated: Option<Sample>,
    pub memory: Memory,
    /// `release` or `debug`: how the host was built.
    pub host: &'static str,
}

#[derive(Debug, Serialize)]
pub struct Cold {
    /// Compiled, linked, and one instance tried.
    pub compile_ms: f64,
    /// The same with the compiled code in the cache.
    pub cached_ms: f64,
    /// Making an instance.
    pub instance: Option<Sample>,
    /// What runs in it before the first call: `init`; absent where nothing does.
    pub init: Option<Sample>,
    /// Of a worker: instance, `init` and call, once.
    pub first_request_us: f64,
}

/// By the phases of one exchange.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
pub struct Phases {
    pub request: Bytes,
    /// Absent where the policy wants none.
    pub response: Option<Bytes>,
}

/// Bytes of the guest's memory.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
pub struct Bytes {
    /// Written by the host.
    pub to_guest: u64,
    /// Read by the host.
    pub from_guest: u64,
}

impl Bytes {
    /// What was copied between two looks at an instance.
    pub fn between(before: &Footprint, after: &Footprint) -> Self {
        let Copied { to_guest, from_guest } = after.copied.since(before.copied);
        Self { to_guest, from_guest }
    }
}

/// Of one instance.
#[derive(Debug, Serialize)]
pub struct Memory {
    /// Pages that it alone has written, after 200 requests; absent where instances do not outlive their exchange.
    pub private_dirty_bytes: Option<u64>,
    /// Linear memory; absent where instances do not outlive their exchange.
    pub linear_bytes: Option<usize>,
}

impl Report {
    pub fn json(&self) -> Result<String, Mistake> {
        serde_json::to_string_pretty(self).map_err(|error| Mistake::usage(error.to_string(), "measure without --json"))
    }

    pub fn show(&self) {
        print::line(format!("{}: {} bytes, decides {}", self.file, print::number(self.bytes as u64), self.decision));
        line("compiles in", format!("{}, into {} bytes", took(self.cold.compile_ms), print::number(self.code_bytes)));
        line("from the cache", took(self.cold.cached_ms));
        calls("an instance", self.cold.instance);
        calls("init", self.cold.init);
        line("first request", format!("{} with instance and init", took(self.cold.first_request_us / 1e3)));
        calls("a request", self.pooled);
        calls("a response", self.response);
        calls("isolated", self.isolated);
        if let Some(calls) = self.host_calls {
            line("host calls", format!("{calls} a call"));
        }
        if let Some(Phases { request, response }) = self.copied {
            copied("copied", request);
            response.into_iter().for_each(|response| copied("of a response", response));
        }
        if let Some(bytes) = self.memory.linear_bytes {
            line("linear memory", format!("{} bytes an instance", print::number(bytes as u64)));
        }
        if let Some(bytes) = self.memory.private_dirty_bytes {
            line("memory", format!("{} bytes written by an instance", print::number(bytes)));
        }
    }
}

fn line(name: &str, text: String) {
    print::line(format!("  {name:<15} {text}"));
}

fn calls(name: &str, sample: Option<Sample>) {
    let Some(sample) = sample else { return };
    let time = |nanoseconds| print::duration(Duration::from_nanos(nanoseconds));
    let (median, p99) = (time(sample.median_ns), time(sample.p99_ns));
    line(name, format!("{median} (99 %: {p99}; {} times)", print::number(sample.calls as u64)));
}

fn copied(name: &str, Bytes { to_guest, from_guest }: Bytes) {
    line(name, format!("{} bytes to the guest, {} from it", print::number(to_guest), print::number(from_guest)));
}

fn took(milliseconds: f64) -> String {
    print::duration(Duration::from_secs_f64(milliseconds / 1e3))
}
