//! One scenarios file on one engine: each case starts its policy afresh, with the case's own time and draws.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cardea_policy::LoadError;

use crate::author::engine;
use crate::author::mistake::Mistake;
use crate::author::module::Module;
use crate::author::print;
use crate::scenario::{Case, Scenarios, read};

pub struct Suite {
    path: PathBuf,
    scenarios: Scenarios,
}

/// What came of a file.
#[derive(Debug)]
pub struct Outcome {
    pub name: String,
    pub cases: Vec<Played>,
}

/// What came of a case.
#[derive(Debug)]
pub struct Played {
    pub promise: String,
    /// What does not hold, a line each; none where the promise holds.
    pub broken: Vec<String>,
    pub took: Duration,
}

impl Outcome {
    /// For a report: of a policy that could not be played, the reason as a failure.
    pub fn untested(name: String, mistake: &Mistake) -> Self {
        let broken = vec![mistake.what.clone(), mistake.remedy.clone()];
        let promise = String::from("it can be tested");
        Self { name, cases: vec![Played { promise, broken, took: Duration::ZERO }] }
    }

    pub fn failed(&self) -> usize {
        self.cases.iter().filter(|case| !case.broken.is_empty()).count()
    }
}

impl Suite {
    pub fn read(path: &Path) -> Result<Self, Mistake> {
        let text = std::fs::read_to_string(path).map_err(|error| Mistake::unreadable(path, &error))?;
        let scenarios = read(&text).map_err(|what| {
            Mistake::usage(format!("{}: {what}", path.display()), "docs/policy-testing.md has every key")
        })?;
        Ok(Self { path: path.to_owned(), scenarios })
    }

    /// Plays every case, and prints a line for each as it ends.
    ///
    /// # Errors
    /// The module is refused whatever the case: then no case says anything about it.
    pub fn play(&self, name: String, module: &Module) -> Result<Outcome, Mistake> {
        let stage = engine::scripted()?;
        let bytes: Arc<[u8]> = Arc::from(module.bytes.as_slice());
        let mut cases = Vec::with_capacity(self.scenarios.cases.len());
        for case in &self.scenarios.cases {
            let start = Instant::now();
            let broken = self
                .scenarios
                .play(case, &stage, &module.path, &bytes)
                .map_err(|error| self.refused(module, &error))?;
            say(case, &broken);
            cases.push(Played { promise: case.promise.clone(), broken, took: start.elapsed() });
        }
        Ok(Outcome { name, cases })
    }

    fn refused(&self, module: &Module, error: &LoadError) -> Mistake {
        let remedy = match error.stage {
            "imports" if error.field == "spec.grants.interfaces" => {
                format!("{}: grants: {}", self.path.display(), error.remedy)
            }
            _ => error.remedy.clone(),
        };
        Mistake::policy(format!("{}: {}", module.path.display(), error.message), remedy)
    }
}

fn say(case: &Case, broken: &[String]) {
    let state = if broken.is_empty() { "ok    " } else { "FAILED" };
    print::line(format!("  {state} {}", case.promise));
    broken.iter().for_each(|line| print::line(format!("           {line}")));
}
