//! One case on a stage: its policy is started afresh, with the case's own time and draws.

use std::path::Path;
use std::sync::Arc;

use cardea_policy::LoadError;

use super::compare::differences;
use super::play::Player;
use super::stage::{Stage, all_interfaces, policy_of};
use super::{Case, Plan, Scenarios, Step};

impl Scenarios {
    /// What does not hold, a line each; none where the promise holds.
    ///
    /// # Errors
    /// The module is refused whatever the case: then no case says anything about it.
    pub fn play(&self, case: &Case, stage: &Stage, path: &Path, bytes: &Arc<[u8]>) -> Result<Vec<String>, LoadError> {
        stage.set_time(case.at_ms);
        stage.set_draws(&case.draws);
        stage.take_log();
        let grants = self.grants.clone().unwrap_or_else(all_interfaces);
        let spec = policy_of(path, bytes, &case.config, grants);
        let started = Player::start(stage, &spec, Some(self.backends.clone()));
        Ok(match (&case.plan, started) {
            (_, Err(error)) if error.stage != "init" => return Err(error),
            (Plan::Refused(text), Err(error)) => not_refused_for(text, &error),
            (Plan::Refused(text), Ok(_)) => {
                vec![format!("refused: expected an error with {text:?}, got a policy that starts")]
            }
            (Plan::Requests(_), Err(error)) => vec![format!("config: {}", error.message)],
            (Plan::Requests(steps), Ok(mut player)) => requests(stage, &mut player, steps),
        })
    }
}

fn not_refused_for(text: &str, error: &LoadError) -> Vec<String> {
    let is_it = error.message.contains(text);
    if is_it { Vec::new() } else { vec![format!("refused: expected an error with {text:?}, got {:?}", error.message)] }
}

fn requests(stage: &Stage, player: &mut Player, steps: &[Step]) -> Vec<String> {
    let mut broken = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let place = if steps.len() > 1 { format!("requests[{index}].") } else { String::new() };
        stage.advance(step.send.after().unwrap_or_default());
        match player.play(&step.send, &step.response) {
            Err(error) => broken.push(format!("{place}send: {error}")),
            Ok(observed) => {
                let differences = differences(step.expect.as_ref(), step.expect_response.as_ref(), &observed);
                broken.extend(differences.iter().map(|difference| format!("{place}{difference}")));
            }
        }
    }
    if !broken.is_empty() {
        broken.extend(stage.take_log().iter().map(|line| format!("logged {line}")));
    }
    broken
}
