//! What the status of a Policy should say.
//!
//! It says nothing that differs between replicas or between two equal generations, so that equal states are equal values
//! and are written once. The time of a condition moves only when its status does.

use k8s_openapi::jiff::{Timestamp, Unit};
use serde_json::{Map, Value};

use super::{AppliedPolicy, PolicyFault, Stage};
use crate::kube::policy::{Condition, ConditionStatus, PolicyStatus};

/// Characters of a digest that tell modules apart in a table.
const SHORT_DIGEST_LEN: usize = 12;

/// The status to write, `None` where the one there says the same, or speaks of a newer version than we know.
pub fn next(policy: &AppliedPolicy, before: &PolicyStatus, now: Timestamp) -> Option<PolicyStatus> {
    let observed_generation = policy.observed_generation.or(before.observed_generation);
    if before.observed_generation > observed_generation {
        return None;
    }
    let mut conditions: Vec<Condition> =
        Verdict::of(policy).into_iter().map(|verdict| verdict.condition(before, observed_generation, now)).collect();
    let ours = |kind: &str| conditions.iter().any(|condition| condition.kind == kind);
    let others: Vec<Condition> = before.conditions.iter().filter(|other| !ours(&other.kind)).cloned().collect();
    conditions.extend(others);
    let next = PolicyStatus {
        observed_generation,
        digest: policy.digest.as_deref().map(str::to_owned),
        short_digest: policy.digest.as_deref().map(short),
        module: Some(policy.module.to_string()).filter(|module| !module.is_empty()),
        last_error: policy.fault.as_ref().filter(|fault| !fault.pending).map(PolicyFault::sentence),
        conditions,
    };
    (next != *before).then_some(next)
}

/// `next` as a JSON merge patch: what `before` has and `next` has not is set to null, else it would stay.
pub fn replacing(before: &PolicyStatus, next: &PolicyStatus) -> Value {
    let fields = |status| match serde_json::to_value(status) {
        Ok(Value::Object(fields)) => fields,
        // No status is anything but an object.
        _ => Map::new(),
    };
    let mut patch = fields(next);
    for (field, _) in fields(before) {
        patch.entry(field).or_insert(Value::Null);
    }
    Value::Object(patch)
}

fn short(digest: &str) -> String {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    hex.chars().take(SHORT_DIGEST_LEN).collect()
}

impl PolicyFault {
    fn sentence(&self) -> String {
        match self.field.as_str() {
            "" => format!("{}; {}", self.message, self.remedy),
            field => format!("{field}: {}; {}", self.message, self.remedy),
        }
    }
}

/// A condition before it has a time.
struct Verdict {
    kind: &'static str,
    status: ConditionStatus,
    reason: String,
    message: String,
}

impl Verdict {
    fn of(policy: &AppliedPolicy) -> [Self; 4] {
        [
            Self::stage(policy, Stage::Resolve, "Resolved"),
            Self::stage(policy, Stage::Verify, "Verified"),
            Self::stage(policy, Stage::Compile, "Compiled"),
            Self::programmed(policy),
        ]
    }

    fn stage(policy: &AppliedPolicy, stage: Stage, kind: &'static str) -> Self {
        let verdict = |status, reason: &str, message: String| Self { kind, status, reason: reason.into(), message };
        match &policy.fault {
            Some(fault) if fault.stage == stage && fault.pending => {
                verdict(ConditionStatus::Unknown, &fault.reason, fault.message.clone())
            }
            Some(fault) if fault.stage == stage => verdict(ConditionStatus::False, &fault.reason, fault.sentence()),
            // What was fetched before has passed; it only could not be fetched again.
            Some(fault) if fault.stage < stage && !policy.current => {
                verdict(ConditionStatus::Unknown, "Waiting", "an earlier condition is not true".into())
            }
            None if !policy.used => verdict(ConditionStatus::Unknown, "NotUsed", NOT_USED.into()),
            _ => verdict(ConditionStatus::True, kind, stage.passed(policy)),
        }
    }

    fn programmed(policy: &AppliedPolicy) -> Self {
        let verdict =
            |status, reason: &str, message| Self { kind: "Programmed", status, reason: reason.into(), message };
        match (&policy.fault, &policy.digest) {
            (_, Some(digest)) if policy.current => {
                verdict(ConditionStatus::True, "Programmed", format!("{digest} serves"))
            }
            (Some(fault), Some(digest)) => {
                let message = format!("the last good version {} serves on; {}", short(digest), fault.sentence());
                verdict(ConditionStatus::False, "LastGoodServes", message)
            }
            (Some(fault), None) => verdict(ConditionStatus::False, &fault.reason, fault.sentence()),
            (None, _) if !policy.used => verdict(ConditionStatus::False, "NotUsed", NOT_USED.into()),
            (None, _) => verdict(ConditionStatus::Unknown, "Loading", "it was not tried yet".into()),
        }
    }

    fn condition(self, before: &PolicyStatus, observed_generation: Option<i64>, now: Timestamp) -> Condition {
        let same = before.conditions.iter().find(|old| old.kind == self.kind && old.status == self.status);
        Condition {
            kind: self.kind.into(),
            status: self.status,
            observed_generation,
            last_transition_time: same.map_or_else(|| seconds(now), |old| old.last_transition_time.clone()),
            reason: self.reason,
            message: self.message,
        }
    }
}

impl Stage {
    fn passed(self, policy: &AppliedPolicy) -> String {
        match self {
            Self::Resolve => format!("found at {}", policy.module),
            Self::Verify => "the module has the digest and the signatures that are asked for".into(),
            Self::Compile => "the module compiles, links within its grants, and starts".into(),
        }
    }
}

const NOT_USED: &str = "no Ingress of ours names the policy in cardea.dev/policies; it is loaded when one does";

/// metav1.Time has whole seconds.
fn seconds(now: Timestamp) -> String {
    now.round(Unit::Second).unwrap_or(now).to_string()
}

#[cfg(test)]
mod tests;
