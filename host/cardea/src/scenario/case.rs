//! One case on a stage: its policy is started afresh, with the case's own time and draws.

use std::path::Path;
use std::sync::Arc;

use cardea_model::config::{Grants, Policy, ServicePortRef, Upstream};
use cardea_policy::LoadError;

use super::compare::{differences, or_none};
use super::exchange::fields::Text;
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
        let called = |name: &String| Upstream {
            name: Arc::from(name.as_str()),
            service: Arc::from(name.as_str()),
            port: ServicePortRef::Number(80),
        };
        let upstreams = case.replies.0.iter().map(|(name, _)| called(name)).collect();
        let grants = Grants { upstreams, ..spec.grants.clone() };
        let proxy_wasm = self.proxy_wasm.clone();
        let spec = Arc::new(Policy { limits: stage.limits, grants, proxy_wasm, ..Policy::clone(&spec) });
        let started = Player::start(stage, &spec, Some(self.backends.clone()));
        Ok(match (&case.plan, started) {
            (_, Err(error)) if error.stage != "init" => return Err(error),
            (Plan::Refused(text), Err(error)) => not_refused_for(text, &error),
            (Plan::Refused(text), Ok(_)) => {
                vec![format!("refused: expected an error with {text:?}, got a policy that starts")]
            }
            (Plan::Requests(_), Err(error)) => vec![format!("config: {}", error.message)],
            (Plan::Requests(steps), Ok(mut player)) => {
                player.reply_with(case.replies.clone());
                let refused = case.kept.0.iter().filter(|(key, Text(value))| !player.keep(key, value));
                let refused: Vec<String> =
                    refused.map(|(key, _)| format!("kv.{key}: is too large to be kept")).collect();
                if refused.is_empty() { requests(stage, &mut player, steps) } else { refused }
            }
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
        if stage.is_over() {
            break;
        }
        let place = if steps.len() > 1 { format!("requests[{index}].") } else { String::new() };
        stage.advance(step.send.after().unwrap_or_default());
        match player.play(&step.send, &step.response) {
            Err(error) => broken.push(format!("{place}send: {error}")),
            Ok(observed) => {
                let kept = step.expect.iter().flat_map(|expect| &expect.kv.0);
                broken.extend(kept.filter_map(|(key, expected)| {
                    let (got, expected) =
                        (player.kept(key, stage.now_ms()), expected.as_ref().map(|Text(text)| text.as_str()));
                    let told = format!(
                        "{place}expect.kv.{key}: expected {}, got {}",
                        or_none(expected),
                        or_none(got.as_deref())
                    );
                    (got.as_deref() != expected).then_some(told)
                }));
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
