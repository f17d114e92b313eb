//! `cardea policy inspect`: what a module is made of, for people or as JSON.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cardea_policy::State;
use serde::Serialize;

use super::mistake::Mistake;
use super::module::{Module, Shape};
use super::{Verdict, engine, print};
use crate::scenario::stage::{all_interfaces, policy_of};
use crate::scenario::vectors;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A module, or the folder with the one that is meant.
    #[arg(value_name = "FILE.wasm")]
    path: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    file: String,
    bytes: usize,
    digest: String,
    /// `cardea:policy`, `proxy-wasm`, `http-wasm`, `wasi:http`; absent where it is none of them.
    abi: Option<&'static str>,
    /// Of our interfaces that it was built against.
    interface_versions: Vec<String>,
    imports: Vec<String>,
    exports: Vec<String>,
    phases: Vec<&'static str>,
    /// Interfaces that a Policy has to grant.
    grants: Vec<String>,
    core_modules: u32,
    memory_bytes_min: u64,
    producers: Vec<Producer>,
    sections: Vec<Section>,
    /// Cases that travel in it and are played before it goes live.
    scenarios: Option<usize>,
    function_names: bool,
    source_lines: bool,
    source_map: Option<String>,
    /// Absent where the module is refused.
    load_ms: Option<f64>,
    /// Why it is refused, or wants a config.
    message: Option<String>,
}

#[derive(Debug, Serialize)]
struct Producer {
    role: String,
    name: String,
    version: String,
}

#[derive(Debug, Serialize)]
struct Section {
    name: String,
    bytes: usize,
}

pub fn run(args: &Args) -> Result<Verdict, Mistake> {
    let module = Module::read(&args.path)?;
    let Some(shape) = Shape::of_any(&module.bytes) else {
        return Err(not_wasm(&module)?);
    };
    let report = report(&module, shape)?;
    if args.json {
        let text = serde_json::to_string_pretty(&report);
        print::line(text.map_err(|error| Mistake::usage(error.to_string(), "inspect it without --json"))?);
    } else {
        show(&report);
    }
    Ok(Verdict::Good)
}

/// In the words of the loader, which tells what it is instead.
fn not_wasm(module: &Module) -> Result<Mistake, Mistake> {
    let (_, message) = load(module)?;
    let what = message.unwrap_or_else(|| String::from("the module cannot be read"));
    let remedy = "name the .wasm file that `cardea policy build` made";
    Ok(Mistake::policy(format!("{}: {what}", module.path.display()), remedy))
}

fn report(module: &Module, shape: Shape) -> Result<Report, Mistake> {
    let (load, message) = load(module)?;
    Ok(Report {
        file: module.path.display().to_string(),
        bytes: module.bytes.len(),
        digest: cardea_policy::digest(&module.bytes),
        abi: shape.abi(),
        interface_versions: shape.versions().into_iter().map(str::to_owned).collect(),
        scenarios: vectors::count(&module.bytes),
        function_names: shape.names,
        source_lines: shape.lines,
        phases: shape.phases(),
        grants: shape.capabilities().into_iter().map(str::to_owned).collect(),
        core_modules: shape.core_modules,
        memory_bytes_min: shape.memory_bytes_min,
        producers: shape.producers.into_iter().map(|(role, name, version)| Producer { role, name, version }).collect(),
        sections: shape.sections.into_iter().map(|(name, bytes)| Section { name, bytes }).collect(),
        source_map: shape.source_map,
        imports: shape.imports,
        exports: shape.exports,
        load_ms: load.map(|took| took.as_secs_f64() * 1e3),
        message,
    })
}

/// Compiles and links it, with every grant. The time is of all of it: compiling is nearly all.
fn load(module: &Module) -> Result<(Option<Duration>, Option<String>), Mistake> {
    let bytes: Arc<[u8]> = Arc::from(module.bytes.as_slice());
    let spec = policy_of(&module.path, &bytes, &serde_json::Value::Null, all_interfaces());
    let stage = engine::live()?;
    let start = Instant::now();
    let loaded = stage.engine.load(&spec, &Arc::new(State::default()), None);
    let took = start.elapsed();
    Ok(match loaded {
        Ok(_) => (Some(took), None),
        Err(error) if error.stage == "init" => (Some(took), Some(error.message)),
        Err(error) => (None, Some(error.message)),
    })
}

fn show(report: &Report) {
    print::line(format!("{}: {} bytes", report.file, print::number(report.bytes as u64)));
    print::line(format!("  digest         {}", report.digest));
    print::line(format!(
        "  ABI            {} {}",
        report.abi.unwrap_or("unknown"),
        report.interface_versions.join(", ")
    ));
    print::line(format!("  phases         {}", joined(&report.phases)));
    print::line(format!("  needs grants   {}", joined(&report.grants)));
    print::line(format!("  imports        {}", joined(&report.imports)));
    print::line(format!("  exports        {}", joined(&report.exports)));
    print::line(format!("  core modules   {}", report.core_modules));
    print::line(format!("  starts with    {} bytes of memory", print::number(report.memory_bytes_min)));
    for Producer { role, name, version } in &report.producers {
        print::line(format!("  {role:<14} {name} {version}").trim_end());
    }
    let sections: Vec<String> = report
        .sections
        .iter()
        .map(|Section { name, bytes }| format!("{name} ({})", print::number(*bytes as u64)))
        .collect();
    print::line(format!("  sections       {}", joined(&sections)));
    let told = [
        (report.function_names, "function names"),
        (report.source_lines, "source lines"),
        (report.source_map.is_some(), "a source map"),
    ];
    let told: Vec<&str> = told.into_iter().filter_map(|(is_there, what)| is_there.then_some(what)).collect();
    print::line(format!("  for traps      {}", joined(&told)));
    if let Some(cases) = report.scenarios {
        print::line(format!("  scenarios      {cases}, played before it goes live"));
    }
    if let Some(milliseconds) = report.load_ms {
        print::line(format!("  compiles in    {}", print::duration(Duration::from_secs_f64(milliseconds / 1e3))));
    }
    if let Some(message) = &report.message {
        print::line(format!("  note           {message}"));
    }
}

fn joined<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    if names.is_empty() { String::from("none") } else { names.join(", ") }
}
