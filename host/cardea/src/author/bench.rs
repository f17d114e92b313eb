//! `cardea policy bench`: what a module costs, on the engine that serves traffic.

mod measure;
mod memory;
mod report;
mod sample;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use super::mistake::Mistake;
use super::{Verdict, exchange, module, print};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A module, or a policy's folder, which is built.
    #[arg(value_name = "FILE.wasm|DIR", default_value = ".")]
    path: PathBuf,
    /// Do not build: measure the .wasm file that lies in the folder.
    #[arg(long)]
    no_build: bool,
    /// The policy's config: JSON, or a file of JSON or YAML as @FILE. Null if absent.
    #[arg(long, value_name = "JSON|@FILE", conflicts_with = "policy")]
    config: Option<String>,
    /// A Policy manifest: its config, grants and memory limit. Of a folder, its policy.yaml by itself.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The request: HTTP/1.1 text, or YAML with the keys of `send` (docs/policy-testing.md); - reads standard input.
    /// A GET of / if absent.
    #[arg(long, value_name = "FILE|-")]
    request: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Verdict, Mistake> {
    let asked = exchange::request(args.request.as_deref())?;
    let module = module::named(&args.path, args.no_build)?;
    let beside = args.path.join("policy.yaml");
    let manifest = match (&args.policy, &args.config) {
        (None, None) if beside.is_file() => Some(beside.as_path()),
        (given, _) => given.as_deref(),
    };
    let spec = exchange::spec(&module, args.config.as_deref(), manifest)?;
    let report = measure::module(&module, &spec, &asked)?;
    if cfg!(debug_assertions) {
        print::progress(
            "warning: this is a build of cardea for its developers, in which the host's part is much slower",
        );
    }
    if args.json {
        print::line(report.json()?)
    } else {
        report.show()
    }
    Ok(Verdict::Good)
}
