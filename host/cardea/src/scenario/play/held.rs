//! Heads that a module holds: it gets the answers that it waits for, and then the whole body, as either side has it.

use bytes::Bytes;
use cardea_policy::{BodyStep, Side};

use super::Playing;

/// Of calls that follow from answers to calls.
const ROUNDS_MAX: usize = 32;

impl Playing<'_> {
    /// Until the module lets the head go; `Hold` where nothing is left that would make it.
    pub fn hold(&mut self, side: Side, body: &Bytes) -> BodyStep {
        let mut body = Some(body);
        for _ in 0..ROUNDS_MAX {
            let Some((member, wants_body)) = self.run.paused(side) else { return BodyStep::Send(Bytes::new()) };
            let step = if self.answer_calls() {
                self.resume(member, side)
            } else {
                match body.take() {
                    Some(body) if wants_body && !body.is_empty() => self.give(member, side, body),
                    Some(_) => self.resume(member, side),
                    None => return BodyStep::Hold,
                }
            };
            if !matches!(step, BodyStep::Hold) {
                return step;
            }
        }
        BodyStep::Hold
    }

    fn resume(&mut self, member: usize, side: Side) -> BodyStep {
        self.run.resume(member, side, &mut self.player.instances, self.exchange)
    }

    fn give(&mut self, member: usize, side: Side, body: &Bytes) -> BodyStep {
        self.run.on_body(member, side, &mut self.player.instances, self.exchange, body.clone(), true)
    }

    /// Answers the calls that the policy made; false if it made none.
    fn answer_calls(&mut self) -> bool {
        let calls = self.player.instances.take_calls();
        let made = !calls.is_empty();
        for call in calls {
            let reply = self.player.next_reply(&call.upstream);
            self.player.instances.called(&call.policy, call.id, reply);
        }
        made
    }

    pub fn answer_all_calls(&mut self) {
        let mut rounds = 0..ROUNDS_MAX;
        while rounds.next().is_some() && self.answer_calls() {}
    }
}
