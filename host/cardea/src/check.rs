//! `cardea check`: whether manifests would be admitted and served, before they reach a cluster.
//!
//! It reads them as the directory source does and compiles all of them together, so that what it accepts the webhook
//! accepts too. No module runs and none is fetched. Standard output carries the answer; the exit code is 0 when all is
//! well, 1 when a manifest is at fault and 2 when nothing could be checked.

mod print;

#[cfg(test)]
mod tests;

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use cardea_control::file::{FileSource, read_text};
use cardea_model::compile::{self, compile};
use cardea_model::config::{Config, IngressClass};
use cardea_model::problem::{Origin, Problem, Severity};
use cardea_proxy::tls::Keys;
use clap::ValueEnum;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A directory of manifests, one manifest, or - for YAML on standard input.
    #[arg(value_name = "DIR|FILE|-")]
    path: PathBuf,
    /// How to print what was found.
    #[arg(long, value_name = "FORM", default_value = "human")]
    output: Output,
    /// Fail on warnings too: a Service, Secret or Policy that is named but not among the manifests is one.
    #[arg(long)]
    strict: bool,
    /// IngressClass that counts as ours where the manifests do not declare it.
    #[arg(long, env = "CARDEA_INGRESS_CLASS", value_name = "NAME", default_value = "cardea")]
    ingress_class: String,
    /// IngressClasses whose spec.controller is this are ours.
    #[arg(long, env = "CARDEA_CONTROLLER_NAME", value_name = "NAME", default_value = "cardea.dev/ingress")]
    controller_name: String,
    /// Check Ingresses that name no class, although no class of ours is the default.
    #[arg(long, env = "CARDEA_WATCH_INGRESS_WITHOUT_CLASS")]
    watch_ingress_without_class: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Human,
    Json,
}

/// Most of standard input that is read, as of a file.
const BYTES_MAX: u64 = 64 << 20;

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (config, problems) = match read(&args.path) {
        Ok(read) => read,
        Err(error) => {
            eprintln!(
                "error: {} cannot be read: {error}\n  help: name a directory, a manifest, or -",
                args.path.display()
            );
            return Ok(ExitCode::from(2));
        }
    };
    let checked = check(config, problems, args);
    match args.output {
        Output::Human => print::human(&checked),
        Output::Json => print::json(&checked),
    }
    Ok(ExitCode::from(u8::from(checked.fails(args.strict))))
}

/// What was checked, and what is the matter with it: worst first, then as the manifests are read.
struct Checked {
    ingresses: usize,
    policies: usize,
    services: usize,
    problems: Vec<Problem>,
}

impl Checked {
    fn count(&self, severity: Severity) -> usize {
        self.problems.iter().filter(|problem| problem.severity == severity).count()
    }

    fn fails(&self, strict: bool) -> bool {
        self.count(Severity::Error) > 0 || (strict && !self.problems.is_empty())
    }
}

fn read(path: &Path) -> Result<(Config, Vec<Problem>), String> {
    let readable = |error: io::Error| error.to_string();
    if path == Path::new("-") {
        let mut text = Vec::new();
        io::stdin().lock().take(BYTES_MAX + 1).read_to_end(&mut text).map_err(readable)?;
        return within_bounds(text).map(|text| read_text("stdin", path, &text));
    }
    if path.is_dir() {
        return FileSource::open(path).map(|mut source| source.load()).map_err(|error| error.to_string());
    }
    let text = std::fs::read(path).map_err(readable).and_then(within_bounds)?;
    Ok(read_text(&path.to_string_lossy(), path, &text))
}

fn within_bounds(text: Vec<u8>) -> Result<Vec<u8>, String> {
    if text.len() as u64 > BYTES_MAX { Err("it is larger than 64 MiB".to_owned()) } else { Ok(text) }
}

fn check(mut config: Config, mut problems: Vec<Problem>, args: &Args) -> Checked {
    let options = compile::Options {
        controller: args.controller_name.as_str().into(),
        watch_ingress_without_class: args.watch_ingress_without_class,
    };
    if !config.classes.iter().any(|class| *class.origin.name == *args.ingress_class) {
        config.classes.push(Arc::new(installed_class(&args.ingress_class, &options)));
    }
    let (snapshot, listed) = compile(&config, &options);
    problems.extend(listed);
    let mut keys = Keys::default();
    for (host, secrets) in snapshot.certificates.iter() {
        keys.declare(host, Some(secrets));
    }
    problems.extend(keys.problems());
    let order = |problem: &Problem| (problem.severity, problem.origin.clone());
    problems.sort_by_cached_key(order);
    let Config { ingresses, policies, services, .. } = config;
    Checked { ingresses: ingresses.len(), policies: policies.len(), services: services.len(), problems }
}

/// The class that an install brings, and that the manifests of an application therefore leave out.
fn installed_class(name: &str, options: &compile::Options) -> IngressClass {
    let origin =
        Origin { source: "install".into(), document: 0, kind: "IngressClass", namespace: "".into(), name: name.into() };
    IngressClass { origin, controller: Arc::clone(&options.controller), is_default: false, created: None }
}
