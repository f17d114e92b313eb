//! `cardea policy test`: plays the scenarios of policies, and says which promises hold.

mod find;
mod junit;
mod suite;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::mistake::Mistake;
use super::module::Module;
use super::{Verdict, print};
use find::Found;
use suite::{Outcome, Suite};
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folders of policies (with scenarios.yaml), folders of such folders, or scenario files.
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    /// Do not build: test the .wasm file that lies in each folder.
    #[arg(long)]
    no_build: bool,
    /// Do not build: test this module, or of a folder the one called like each policy's folder.
    #[arg(long, value_name = "FILE.wasm|DIR")]
    module: Option<PathBuf>,
    /// Write a report in JUnit's XML.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<Verdict, Mistake> {
    let found = find::suites(&args.paths, args.module.as_deref())?;
    if args.module.as_ref().is_some_and(|module| !module.is_dir()) && found.len() != 1 {
        let what = format!("--module names one module, and {} policies are to be tested", found.len());
        return Err(Mistake::usage(what, "name one folder beside it"));
    }
    let start = Instant::now();
    let (mut outcomes, mut untested, mut first_mistake) = (Vec::new(), Vec::new(), None);
    for found in &found {
        match one(found, args) {
            Ok(outcome) => outcomes.push(outcome),
            Err(mistake) => {
                print::mistake(&mistake);
                first_mistake.get_or_insert(mistake.exit_code);
                untested.push(Outcome::untested(found.name(), &mistake));
            }
        }
    }
    let failed: usize = outcomes.iter().map(Outcome::failed).sum();
    let passed = outcomes.iter().map(|outcome| outcome.cases.len()).sum::<usize>() - failed;
    if let Some(path) = &args.junit {
        outcomes.extend(untested);
        std::fs::write(path, junit::report(&outcomes)).map_err(|error| Mistake::unwritable(path, error))?;
    }
    print::line(format!("{passed} passed, {failed} failed in {}", print::duration(start.elapsed())));
    match first_mistake {
        Some(exit_code) => {
            let what = "some policies could not be tested: see above";
            Err(Mistake { exit_code, ..Mistake::usage(what, "correct what is named there, and test again") })
        }
        None if failed > 0 => Ok(Verdict::Bad),
        None => Ok(Verdict::Good),
    }
}

/// Whether a module keeps all promises of a file; each is told.
pub fn hold(scenarios: &Path, module: &Module) -> Result<Verdict, Mistake> {
    let outcome = Suite::read(scenarios)?.play(module.path.display().to_string(), module)?;
    Ok(if outcome.failed() == 0 { Verdict::Good } else { Verdict::Bad })
}

fn one(found: &Found, args: &Args) -> Result<Outcome, Mistake> {
    let suite = Suite::read(&found.scenarios)?;
    let module = find::module(found, args.module.as_deref(), args.no_build)?;
    print::line(format!("{} ({})", found.name(), module.path.display()));
    suite.play(found.name(), &module)
}
