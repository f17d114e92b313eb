//! Plays every file of `scenarios/` against the real binary, several at a time, and says of each step what became of it.
//!
//! Arguments that are not flags select files and steps by parts of their names.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, anyhow};
use cardea_tests::scenario::{self, Outcome};

/// Files at once: most of the time each waits for a process to start.
const PARALLEL: usize = 4;

fn main() -> Result<ExitCode> {
    let filters: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files = Vec::new();
    discover(&root, &mut files)?;
    files.retain(|file| selected(&root, file, &filters));
    files.sort();
    let (next, passed, failed) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|threads| {
        for _ in 0..PARALLEL {
            threads.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (good, bad) = report(&root, file, play(file));
                    passed.fetch_add(good, Ordering::Relaxed);
                    failed.fetch_add(bad, Ordering::Relaxed);
                }
            });
        }
    });
    let (passed, failed) = (passed.into_inner(), failed.into_inner());
    println!("\n{passed} passed, {failed} failed");
    Ok(if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn discover(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("given") {
            discover(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
    Ok(())
}

fn name<'a>(root: &Path, file: &'a Path) -> std::borrow::Cow<'a, str> {
    file.strip_prefix(root).unwrap_or(file).to_string_lossy()
}

fn selected(root: &Path, file: &Path, filters: &[String]) -> bool {
    filters.is_empty() || filters.iter().any(|filter| name(root, file).contains(filter.as_str()))
}

fn play(file: &Path) -> Vec<Outcome> {
    let fail =
        |error: anyhow::Error| vec![Outcome { promise: "the file can be played".to_owned(), result: Err(error) }];
    let scenario = match scenario::read(file) {
        Ok(scenario) => scenario,
        Err(error) => return fail(error),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.context("runtime") {
        Ok(runtime) => runtime.block_on(scenario::run(&scenario)),
        Err(error) => fail(anyhow!(error)),
    }
}

/// Prints a file's steps in one go, so that files at the same time do not mix.
fn report(root: &Path, file: &Path, outcomes: Vec<Outcome>) -> (usize, usize) {
    let mut text = String::new();
    let (mut passed, mut failed) = (0, 0);
    for Outcome { promise, result } in outcomes {
        match result {
            Ok(()) => {
                passed += 1;
                text += &format!("ok     {}: {promise}\n", name(root, file));
            }
            Err(error) => {
                failed += 1;
                text += &format!("FAILED {}: {promise}\n       {error:#}\n", name(root, file));
            }
        }
    }
    print!("{text}");
    (passed, failed)
}
