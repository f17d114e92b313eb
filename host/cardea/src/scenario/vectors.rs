//! Scenarios that travel in a module: a custom section that an author's tool writes, and that an ingress plays before a new version
//! goes live.
//!
//! They are the module's own promises: its own configs, on a stage with no kept state and nothing outside. Playing is bounded: a
//! module cannot keep the thread that loads.

use std::path::Path;
use std::time::{Duration, Instant};

use cardea_model::config::{ModuleSource, Policy};
use cardea_policy::{Engine, LoadError};
use wasmparser::{Parser, Payload};

use super::stage::Stage;
use super::{Plan, Scenarios, read};

/// Of the outermost component or module.
pub const SECTION: &str = "cardea:scenarios";
pub const BYTES_MAX: usize = 256 << 10;
/// Exchanges of all cases together.
pub const EXCHANGES_MAX: usize = 1000;
/// For all of them; what is left then is not played.
const TIME_MAX: Duration = Duration::from_secs(5);

/// What an ingress does about them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ModuleTests {
    /// A module that brings none is refused.
    Require,
    /// Those that a module brings are played.
    #[default]
    Run,
    /// None is played.
    Off,
}

/// What came of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    pub played: usize,
    /// Time was up before these.
    pub left: usize,
}

/// The section's bytes; `None` without one, or in what is not Wasm.
pub fn section(module: &[u8]) -> Option<&[u8]> {
    place(module).map(|(_, content)| content)
}

/// How many cases travel in the module; `None` without any that could be played.
pub fn count(module: &[u8]) -> Option<usize> {
    checked(section(module)?).ok().map(|scenarios| scenarios.cases.len())
}

/// Where it is in the module, with its header; and its content.
fn place(module: &[u8]) -> Option<(std::ops::Range<usize>, &[u8])> {
    let (mut depth, mut end_before) = (0_u32, 8);
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload.ok()?;
        match &payload {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(custom) if depth == 1 && custom.name() == SECTION => {
                return Some((end_before..custom.range().end, custom.data()));
            }
            _ => {}
        }
        // Of a nested module, the range in this one is told first, as a section of its own.
        if depth == 1
            && let Some((_, range)) = payload.as_section()
        {
            end_before = range.end;
        }
    }
    None
}

/// The module without the section.
pub fn without(module: &[u8]) -> Vec<u8> {
    match place(module) {
        Some((range, _)) => {
            [module.get(..range.start), module.get(range.end..)].into_iter().flatten().flatten().copied().collect()
        }
        None => module.to_vec(),
    }
}

/// The module with these scenarios, in place of any that it has.
///
/// # Errors
/// They are none, or more than an ingress would play.
pub fn embed(module: &[u8], scenarios: &str) -> Result<Vec<u8>, String> {
    checked(scenarios.as_bytes())?;
    let mut out = without(module);
    let mut body = leb128(SECTION.len());
    body.extend_from_slice(SECTION.as_bytes());
    body.extend_from_slice(scenarios.as_bytes());
    out.push(0);
    out.extend(leb128(body.len()));
    out.extend(body);
    Ok(out)
}

fn leb128(mut number: usize) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            out.push(byte);
            return out;
        }
        out.push(byte | 0x80);
    }
}

fn checked(section: &[u8]) -> Result<Scenarios, String> {
    if section.len() > BYTES_MAX {
        return Err(format!("the scenarios have {} bytes, and may have {BYTES_MAX}", section.len()));
    }
    let text = std::str::from_utf8(section).map_err(|error| error.to_string())?;
    let scenarios = read(text)?;
    let exchanges: usize = scenarios
        .cases
        .iter()
        .map(|case| match &case.plan {
            Plan::Requests(steps) => steps.len(),
            Plan::Refused(_) => 1,
        })
        .sum();
    match exchanges > EXCHANGES_MAX {
        true => Err(format!("the scenarios have {exchanges} exchanges, and may have {EXCHANGES_MAX}")),
        false => Ok(scenarios),
    }
}

/// Plays what the module brings, on the engine that it is loaded into. Blocking: never on a worker.
///
/// # Errors
/// The first promise that the module breaks, scenarios that cannot be read, or none where they are required.
pub fn hold(engine: &Engine, spec: &Policy, tests: ModuleTests) -> Result<Held, LoadError> {
    let none = Held { played: 0, left: 0 };
    let ModuleSource::Bytes { path, bytes } = &spec.module else { return Ok(none) };
    let section = match (section(bytes), tests) {
        (_, ModuleTests::Off) | (None, ModuleTests::Run) => return Ok(none),
        (None, ModuleTests::Require) => return Err(missing()),
        (Some(section), _) => section,
    };
    let scenarios =
        checked(section).map_err(|what| refused(format!("the module's scenarios cannot be played: {what}")))?;
    let stage = Stage::beside(engine, &spec.limits, Instant::now() + TIME_MAX);
    for (played, case) in scenarios.cases.iter().enumerate() {
        if stage.is_over() {
            return Ok(Held { played, left: scenarios.cases.len() - played });
        }
        let broken = match scenarios.play(case, &stage, Path::new(&**path), bytes) {
            Ok(broken) => broken.into_iter().next(),
            Err(error) => Some(error.message),
        };
        if let Some(broken) = broken.filter(|_| !stage.is_over()) {
            return Err(refused(format!("the module breaks its own promise \"{}\": {broken}", case.promise)));
        }
    }
    Ok(Held { played: scenarios.cases.len(), left: 0 })
}

fn missing() -> LoadError {
    let message = String::from(
        "the module brings no scenarios, and this ingress takes only modules that do (--module-tests=require)",
    );
    LoadError {
        stage: "vectors",
        field: "spec.module",
        message,
        remedy: "put them into it: `cardea policy pack`".into(),
    }
}

fn refused(mut message: String) -> LoadError {
    message.truncate(message.floor_char_boundary(1000));
    let remedy = "take a version that holds its scenarios (`cardea policy test`), or take them out (`cardea policy pack --strip`)";
    LoadError { stage: "vectors", field: "spec.module", message, remedy: remedy.into() }
}

#[cfg(test)]
mod tests;
