//! `cardea policy dev`: the source is built at each change, and an ingress of its own shows what each version decides.
//!
//! The ingress is a child process that serves a folder of manifests; a version goes live as it would anywhere, by a file that
//! changes. What does not build or load is told, and the last good version serves on.

mod builder;
mod ingress;
mod show;
mod site;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};

use super::mistake::Mistake;
use super::project::Project;
use super::{Verdict, print};
use crate::echo;
use crate::scenario;
use crate::shutdown::Signals;
use builder::Built;
use ingress::Ingress;
pub use ingress::serve;
use show::Show;
use site::Site;

/// The route's own backend.
const OWN_BACKEND: &str = "app";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The policy's folder.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Where the ingress listens; port 0 picks one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    http: SocketAddr,
    /// The Policy manifest: config, grants and limits, read again when it changes. The folder's policy.yaml if absent; without
    /// one, everything is granted and there is no config.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Backends that the route declares besides its own, each with a demo server; those of scenarios.yaml if absent.
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    backends: Option<Vec<String>>,
}

/// What there is to react to.
#[derive(Debug)]
pub enum News {
    /// A change of the source: it is being built.
    Changed,
    Built(Result<Built, Mistake>),
    /// A line of the access log.
    Access(String),
    /// A line that the ingress tells its operator.
    Event(String),
    /// The ingress is gone.
    Gone,
    Interrupted,
}

pub fn run(args: &Args) -> Result<Verdict, Mistake> {
    let project = Project::at(&args.path)?;
    let manifest = manifest(args, &project)?;
    let (tell, news) = mpsc::channel();
    listen_for_signals(tell.clone())?;
    let backends = backends(args, &project)?;
    let site = Site::make(&backends, manifest)?;
    print::progress(format!("building {}", project.folder.display()));
    let mut show = Show::of(&project);
    builder::start(project, tell.clone())?;
    let mut ingress = None;
    for news in news {
        match news {
            News::Changed => print::progress("changed: building"),
            News::Built(Ok(built)) => {
                show.built(&built);
                if let Err(mistake) = site.put(&built) {
                    show.refused(&mistake);
                } else if ingress.is_none() {
                    ingress = Some(Ingress::start(&site, args.http, tell.clone())?);
                }
            }
            News::Built(Err(mistake)) => show.refused(&mistake),
            News::Access(line) => show.access(&line),
            News::Event(line) => show.event(&line),
            News::Gone => {
                let what = "the ingress ended: see above";
                return Err(Mistake::usage(what, "if its address is taken, name another: --http 127.0.0.1:0"));
            }
            News::Interrupted => break,
        }
    }
    Ok(Verdict::Good)
}

/// So that what was made goes away again.
fn listen_for_signals(tell: Sender<News>) -> Result<(), Mistake> {
    let cannot =
        |error: &dyn std::fmt::Display| Mistake::usage(format!("signals cannot be heard: {error}"), "try again");
    let mut signals = Signals::listen().map_err(|error| cannot(&error))?;
    let wait = move || {
        signals.wait();
        let _ = tell.send(News::Interrupted);
    };
    std::thread::Builder::new().name("signals".into()).spawn(wait).map_err(|error| cannot(&error))?;
    Ok(())
}

fn manifest(args: &Args, project: &Project) -> Result<Option<PathBuf>, Mistake> {
    let beside = project.folder.join("policy.yaml");
    match &args.policy {
        Some(policy) if !policy.is_file() => Err(Mistake::usage(
            format!("--policy {} is not a file", policy.display()),
            "name a Policy manifest; `cardea policy new` writes one",
        )),
        Some(policy) => Ok(Some(policy.clone())),
        None => Ok(beside.is_file().then_some(beside)),
    }
}

/// A demo server for each, that answers with what it was asked.
fn backends(args: &Args, project: &Project) -> Result<Vec<(String, SocketAddr)>, Mistake> {
    let names = args.backends.clone().unwrap_or_else(|| declared_backends(&project.folder));
    let mut started = Vec::new();
    for name in std::iter::once(OWN_BACKEND.to_owned()).chain(names) {
        if started.iter().any(|(known, _)| *known == name) {
            continue;
        }
        let address = echo::start(&name).map_err(|error| {
            Mistake::usage(format!("the demo backend {name} does not start: {error}"), "let it listen on 127.0.0.1")
        })?;
        started.push((name, address));
    }
    Ok(started)
}

/// A file that cannot be read says nothing here; `cardea policy test` tells what is wrong with it.
fn declared_backends(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("scenarios.yaml")).unwrap_or_default();
    scenario::read(&text).map(|scenarios| scenarios.backends).unwrap_or_default()
}
