//! What the conditions of a Policy say at each stage of its way.

#![allow(clippy::unwrap_used)]

use k8s_openapi::jiff::Timestamp;
use serde_json::json;

use super::{next, replacing};
use crate::kube::policy::{Condition, ConditionStatus, PolicyStatus};
use crate::report::{AppliedPolicy, ObjectName, PolicyFault, Stage};

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn good() -> AppliedPolicy {
    AppliedPolicy {
        object: ObjectName::new("shop", "limit"),
        module: "ConfigMap modules, key limit.wasm".into(),
        observed_generation: Some(3),
        used: true,
        digest: Some(DIGEST.into()),
        current: true,
        fault: None,
    }
}

fn failed(stage: Stage, digest: Option<&str>) -> AppliedPolicy {
    let fault = PolicyFault {
        stage,
        pending: false,
        reason: "Broken".into(),
        field: "spec.module".into(),
        message: "it is broken".into(),
        remedy: "mend it".into(),
    };
    AppliedPolicy { digest: digest.map(Into::into), current: false, fault: Some(fault), ..good() }
}

/// `Resolved=True`, in the order of the status.
fn summary(policy: &AppliedPolicy) -> Vec<String> {
    let status = next(policy, &PolicyStatus::default(), at(0)).unwrap();
    status.conditions.iter().map(|condition| format!("{}={:?}", condition.kind, condition.status)).collect()
}

#[test]
fn a_policy_that_serves_is_true_in_every_condition() {
    assert_eq!(summary(&good()), ["Resolved=True", "Verified=True", "Compiled=True", "Programmed=True"]);
    let status = next(&good(), &PolicyStatus::default(), at(0)).unwrap();
    assert_eq!(status.digest.as_deref(), Some(DIGEST));
    assert_eq!(status.short_digest.as_deref(), Some("0123456789ab"));
    assert_eq!(status.observed_generation, Some(3));
    assert!(status.conditions.iter().all(|condition| condition.observed_generation == Some(3)));
    assert_eq!(status.last_error, None);
}

#[test]
fn a_stage_that_failed_is_false_and_those_after_it_are_unknown() {
    let rows = [
        (Stage::Resolve, ["Resolved=False", "Verified=Unknown", "Compiled=Unknown", "Programmed=False"]),
        (Stage::Verify, ["Resolved=True", "Verified=False", "Compiled=Unknown", "Programmed=False"]),
        (Stage::Compile, ["Resolved=True", "Verified=True", "Compiled=False", "Programmed=False"]),
    ];
    for (stage, expected) in rows {
        assert_eq!(summary(&failed(stage, None)), expected);
    }
}

#[test]
fn a_module_that_is_being_fetched_is_no_error() {
    let mut policy = failed(Stage::Resolve, None);
    policy.fault.as_mut().unwrap().pending = true;
    assert_eq!(summary(&policy).first().unwrap(), "Resolved=Unknown");
    assert_eq!(next(&policy, &PolicyStatus::default(), at(0)).unwrap().last_error, None);
}

#[test]
fn a_module_that_cannot_be_fetched_again_serves_on_as_it_is() {
    let stale = AppliedPolicy { current: true, ..failed(Stage::Resolve, Some(DIGEST)) };
    assert_eq!(summary(&stale), ["Resolved=False", "Verified=True", "Compiled=True", "Programmed=True"]);
    assert!(next(&stale, &PolicyStatus::default(), at(0)).unwrap().last_error.is_some());
}

#[test]
fn a_policy_that_cannot_be_read_keeps_the_generation_that_was_observed() {
    let before = next(&good(), &PolicyStatus::default(), at(0)).unwrap();
    let unreadable = AppliedPolicy { observed_generation: None, ..failed(Stage::Resolve, None) };
    let after = next(&unreadable, &before, at(1)).unwrap();
    assert_eq!(after.observed_generation, Some(3));
    assert!(after.last_error.is_some());
}

#[test]
fn a_broken_version_says_which_good_one_serves_on_and_what_to_do() {
    let status = next(&failed(Stage::Compile, Some(DIGEST)), &PolicyStatus::default(), at(0)).unwrap();
    let programmed = status.conditions.last().unwrap();
    assert_eq!(programmed.reason, "LastGoodServes");
    assert_eq!(programmed.message, "the last good version 0123456789ab serves on; spec.module: it is broken; mend it");
    assert_eq!(status.last_error.as_deref(), Some("spec.module: it is broken; mend it"));
}

#[test]
fn a_policy_that_no_route_uses_is_not_programmed() {
    let unused = AppliedPolicy { used: false, digest: None, current: false, ..good() };
    assert_eq!(summary(&unused), ["Resolved=Unknown", "Verified=Unknown", "Compiled=Unknown", "Programmed=False"]);
}

#[test]
fn the_same_state_is_written_once() {
    let first = next(&good(), &PolicyStatus::default(), at(0)).unwrap();
    assert_eq!(next(&good(), &first, at(1000)), None);
}

#[test]
fn the_time_of_a_condition_moves_only_when_its_status_does() {
    let first = next(&good(), &PolicyStatus::default(), at(0)).unwrap();
    let second = next(&failed(Stage::Compile, Some(DIGEST)), &first, at(60)).unwrap();
    let times: Vec<&str> = second.conditions.iter().map(|condition| &*condition.last_transition_time).collect();
    let (before, after) = ("1970-01-01T00:00:00Z", "1970-01-01T00:01:00Z");
    assert_eq!(times, [before, before, after, after]);
    let newer = AppliedPolicy { observed_generation: Some(4), ..good() };
    let third = next(&newer, &first, at(60)).unwrap();
    assert!(third.conditions.iter().all(|condition| condition.last_transition_time == before));
    assert_eq!(third.observed_generation, Some(4));
}

#[test]
fn what_a_newer_generation_was_told_is_not_taken_back() {
    let newer = PolicyStatus { observed_generation: Some(4), ..PolicyStatus::default() };
    assert_eq!(next(&good(), &newer, at(0)), None);
}

#[test]
fn conditions_of_others_stay() {
    let theirs = Condition {
        kind: "Audited".into(),
        status: ConditionStatus::True,
        observed_generation: None,
        last_transition_time: "2026-01-01T00:00:00Z".into(),
        reason: "Audited".into(),
        message: String::new(),
    };
    let before = PolicyStatus { conditions: vec![theirs.clone()], ..PolicyStatus::default() };
    let status = next(&good(), &before, at(0)).unwrap();
    assert_eq!(status.conditions.last(), Some(&theirs));
    assert_eq!(next(&good(), &status, at(9)), None);
}

#[test]
fn a_patch_takes_away_what_is_no_longer_so() {
    let before = next(&failed(Stage::Compile, Some(DIGEST)), &PolicyStatus::default(), at(0)).unwrap();
    let after = next(&good(), &before, at(1)).unwrap();
    let patch = replacing(&before, &after);
    assert_eq!(patch.get("lastError"), Some(&json!(null)));
    assert_eq!(patch.get("observedGeneration"), Some(&json!(3)));
}
