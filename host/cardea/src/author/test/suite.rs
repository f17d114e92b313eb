//! One scenarios file on one engine: each case starts its policy afresh, with the case's own time and draws.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cardea_policy::LoadError;

use crate::author::engine::{Bench, all_interfaces, policy_of};
use crate::author::mistake::Mistake;
use crate::author::module::Module;
use crate::author::play::Player;
use crate::author::print;
use crate::author::scenario::{Case, Plan, Scenarios, Step, differences, read};

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
        let bench = Bench::scripted()?;
        let bytes: Arc<[u8]> = Arc::from(module.bytes.as_slice());
        let mut cases = Vec::with_capacity(self.scenarios.cases.len());
        for case in &self.scenarios.cases {
            let start = Instant::now();
            let broken = self.case(&bench, case, &module.path, &bytes).map_err(|error| self.refused(module, &error))?;
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

    fn case(&self, bench: &Bench, case: &Case, path: &Path, bytes: &Arc<[u8]>) -> Result<Vec<String>, LoadError> {
        bench.set_time(case.at_ms);
        bench.set_draws(&case.draws);
        bench.take_log();
        let grants = self.scenarios.grants.clone().unwrap_or_else(all_interfaces);
        let spec = policy_of(path, bytes, &case.config, grants);
        let started = Player::start(bench, &spec, Some(self.scenarios.backends.clone()));
        Ok(match (&case.plan, started) {
            (_, Err(error)) if error.stage != "init" => return Err(error),
            (Plan::Refused(text), Err(error)) => not_refused_for(text, &error),
            (Plan::Refused(text), Ok(_)) => {
                vec![format!("refused: expected an error with {text:?}, got a policy that starts")]
            }
            (Plan::Requests(_), Err(error)) => vec![format!("config: {}", error.message)],
            (Plan::Requests(steps), Ok(mut player)) => requests(bench, &mut player, steps),
        })
    }
}

fn not_refused_for(text: &str, error: &LoadError) -> Vec<String> {
    let is_it = error.message.contains(text);
    if is_it { Vec::new() } else { vec![format!("refused: expected an error with {text:?}, got {:?}", error.message)] }
}

fn requests(bench: &Bench, player: &mut Player, steps: &[Step]) -> Vec<String> {
    let mut broken = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let place = if steps.len() > 1 { format!("requests[{index}].") } else { String::new() };
        bench.advance(step.send.after().unwrap_or_default());
        match player.play(&step.send, &step.response) {
            Err(error) => broken.push(format!("{place}send: {error}")),
            Ok(observed) => {
                let differences = differences(step.expect.as_ref(), step.expect_response.as_ref(), &observed);
                broken.extend(differences.iter().map(|difference| format!("{place}{difference}")));
            }
        }
    }
    if !broken.is_empty() {
        broken.extend(bench.take_log().iter().map(|line| format!("logged {line}")));
    }
    broken
}

fn say(case: &Case, broken: &[String]) {
    let state = if broken.is_empty() { "ok    " } else { "FAILED" };
    print::line(format!("  {state} {}", case.promise));
    broken.iter().for_each(|line| print::line(format!("           {line}")));
}
