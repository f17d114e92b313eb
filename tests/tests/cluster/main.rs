//! The real binary against a real API server: every file of `cluster/scenarios/`, and cases in Rust where data cannot say it.
//!
//! All of it shares one control plane, in a network of its own. What disturbs the plane is played by itself, at the end.
//! Arguments that are not flags select by parts of names.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod admission;
mod churn;
mod harness;
mod report;
mod source;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};
use cardea_tests::plane::{Plane, sandbox};
use cardea_tests::scenario::{self, Outcome, Scenario};
use tokio::task::LocalSet;

/// At once: most of the time each waits for the API server or for a process to start.
const PARALLEL: usize = 4;

type Played = Pin<Box<dyn Future<Output = Result<()>>>>;

/// One thing to play.
enum Case {
    File { name: String, scenario: Box<Scenario> },
    Broken { name: String, error: anyhow::Error },
    Code { name: &'static str, place: Place, run: Box<dyn Fn(Arc<Plane>) -> Played + Send + Sync> },
}

/// What may be played at the same time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Together,
    Alone,
    /// Alone, and only on a plane of ours: it pauses or kills it.
    Ours,
}

/// A case in Rust.
fn case<F: Future<Output = Result<()>> + 'static>(
    name: &'static str,
    run: impl Fn(Arc<Plane>) -> F + Send + Sync + 'static,
) -> Case {
    Case::Code { name, place: Place::Together, run: Box::new(move |plane| Box::pin(run(plane))) }
}

impl Case {
    /// Played by itself.
    fn alone(self) -> Self {
        self.at(Place::Alone)
    }

    /// Played by itself, and only on a plane of ours.
    fn on_ours(self) -> Self {
        self.at(Place::Ours)
    }

    fn at(self, place: Place) -> Self {
        match self {
            Self::Code { name, run, .. } => Self::Code { name, place, run },
            other => other,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::File { name, .. } | Self::Broken { name, .. } => name,
            Self::Code { name, .. } => name,
        }
    }

    fn place(&self) -> Place {
        match self {
            Self::File { scenario, .. } if scenario.needs_own_plane() => Place::Ours,
            Self::File { scenario, .. } if scenario.alone => Place::Alone,
            Self::File { .. } | Self::Broken { .. } => Place::Together,
            Self::Code { place, .. } => *place,
        }
    }
}

fn main() -> Result<ExitCode> {
    if std::env::var_os("CARDEA_TEST_KUBECONFIG").is_none()
        && let Some(code) = sandbox::enter()?
    {
        return Ok(code);
    }
    let filters: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut cases = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cluster/scenarios"))?;
    cases.extend(harness::cases());
    cases.extend(admission::cases());
    cases.extend(churn::cases());
    cases.extend(source::cases());
    cases.extend(report::cases());
    cases.retain(|case| filters.is_empty() || filters.iter().any(|filter| case.name().contains(filter.as_str())));
    let started = Instant::now();
    let plane = Arc::new(block_on(Plane::start())?);
    println!("the control plane is ready after {:.1} s", started.elapsed().as_secs_f64());
    if !plane.is_ours() {
        let (ours, others): (Vec<_>, Vec<_>) = cases.into_iter().partition(|case| case.place() == Place::Ours);
        ours.iter().for_each(|case| println!("left out: {} disturbs a cluster that is not ours", case.name()));
        cases = others;
    }
    let (together, alone): (Vec<_>, Vec<_>) = cases.into_iter().partition(|case| case.place() == Place::Together);
    let (mut passed, mut failed) = (0, 0);
    for (cases, parallel) in [(together, PARALLEL), (alone, 1)] {
        let (good, bad) = play_all(&plane, &cases, parallel);
        (passed, failed) = (passed + good, failed + bad);
    }
    println!("\n{passed} passed, {failed} failed");
    Ok(if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn files(folder: &Path) -> Result<Vec<Case>> {
    let entries = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut paths = entries.collect::<Result<Vec<PathBuf>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    let case = |path: PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match scenario::read(&path) {
            Ok(scenario) => Case::File { name, scenario: Box::new(scenario) },
            Err(error) => Case::Broken { name, error },
        }
    };
    Ok(paths.into_iter().map(case).collect())
}

/// How many steps passed, and how many failed.
fn play_all(plane: &Arc<Plane>, cases: &[Case], parallel: usize) -> (usize, usize) {
    let (next, passed, failed) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|threads| {
        for _ in 0..parallel {
            threads.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (good, bad) = report(case.name(), play(plane, case));
                    passed.fetch_add(good, Ordering::Relaxed);
                    failed.fetch_add(bad, Ordering::Relaxed);
                }
            });
        }
    });
    (passed.into_inner(), failed.into_inner())
}

fn play(plane: &Arc<Plane>, case: &Case) -> Vec<Outcome> {
    let played = match case {
        Case::File { scenario, .. } => block_on(async { Ok(scenario::run_on(plane, scenario).await) }),
        Case::Broken { error, .. } => Err(anyhow::anyhow!("{error:#}")),
        Case::Code { run, .. } => {
            let result = block_on(run(Arc::clone(plane)));
            Ok(vec![Outcome { promise: String::new(), result }])
        }
    };
    played.unwrap_or_else(|error| vec![Outcome { promise: "it can be played".to_owned(), result: Err(error) }])
}

fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("runtime")?;
    LocalSet::new().block_on(&runtime, future)
}

/// Prints a case in one go, so that cases at the same time do not mix.
fn report(name: &str, outcomes: Vec<Outcome>) -> (usize, usize) {
    let mut text = String::new();
    let (mut passed, mut failed) = (0, 0);
    for Outcome { promise, result } in outcomes {
        let line = if promise.is_empty() { name.to_owned() } else { format!("{name}: {promise}") };
        match result {
            Ok(()) => {
                passed += 1;
                text += &format!("ok     {line}\n");
            }
            Err(error) => {
                failed += 1;
                text += &format!("FAILED {line}\n       {error:#}\n");
            }
        }
    }
    print!("{text}");
    (passed, failed)
}
