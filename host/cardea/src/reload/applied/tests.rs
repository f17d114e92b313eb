//! Which fault is told of a Policy, and of which stage.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use cardea_control::report::Stage;
use cardea_model::config::{FailureMode, Grants, Isolation, Limits, ModuleSource, Policy};
use cardea_model::problem::{Origin, Problem, Severity};
use cardea_policy::LoadError;

use super::{invalid, policy};
use crate::reload::policies::Loaded;

fn origin() -> Origin {
    Origin { source: "cluster".into(), document: 0, kind: "Policy", namespace: "shop".into(), name: "limit".into() }
}

fn declared(module: ModuleSource) -> Arc<Policy> {
    Arc::new(Policy {
        origin: origin(),
        generation: 3,
        module,
        digest: None,
        config: "null".into(),
        grants: Grants::default(),
        limits: Limits::default(),
        failure_mode: FailureMode::Deny,
        isolation: Isolation::Pooled,
        proxy_wasm: None,
    })
}

fn bytes() -> Arc<Policy> {
    declared(ModuleSource::Bytes { path: "a.wasm".into(), bytes: Arc::from([]) })
}

fn missing() -> Arc<Policy> {
    declared(ModuleSource::Missing { path: "a.wasm".into(), message: "it is being fetched".into() })
}

fn loaded(spec: &Arc<Policy>, stage: Option<&'static str>) -> Loaded {
    let refused = stage.map(|stage| LoadError {
        stage,
        field: "spec.module",
        message: "the engine says so".into(),
        remedy: "mend it".into(),
    });
    let current = refused.is_none();
    Loaded { name: "shop/limit".into(), spec: Arc::clone(spec), live: None, current, refused }
}

fn problem(field: &str, severity: Severity) -> Problem {
    let (message, remedy) = ("the source says so".into(), "mend it".into());
    Problem { origin: origin(), field: field.into(), message, remedy, severity }
}

#[test]
fn a_policy_that_no_route_uses_has_no_fault() {
    let told = policy(&bytes(), None, None);
    assert!(!told.used && !told.current && told.fault.is_none());
    assert_eq!((told.observed_generation, &*told.module), (Some(3), "a.wasm"));
}

#[test]
fn each_stage_of_the_engine_is_a_stage_of_the_way() {
    for (stage, expected, reason) in [
        ("module", Stage::Resolve, "NotFound"),
        ("digest", Stage::Verify, "DigestDiffers"),
        ("compile", Stage::Compile, "NotCompiled"),
        ("imports", Stage::Compile, "ImportsRefused"),
        ("exports", Stage::Compile, "ExportsMissing"),
        ("limits", Stage::Compile, "LimitsExceeded"),
        ("init", Stage::Compile, "InitFailed"),
    ] {
        let spec = bytes();
        // What is listed of the same failure says nothing else.
        let listed = problem("spec.module", Severity::Error);
        let fault = policy(&spec, Some(&loaded(&spec, Some(stage))), Some(&listed)).fault.unwrap();
        assert_eq!((fault.stage, fault.reason.as_str()), (expected, reason));
        assert_eq!(fault.message, "the engine says so");
    }
}

#[test]
fn why_there_is_no_module_is_told_by_the_source() {
    let spec = missing();
    let listed = problem("spec.module.configMap", Severity::Error);
    let fault = policy(&spec, Some(&loaded(&spec, Some("module"))), Some(&listed)).fault.unwrap();
    assert_eq!((fault.stage, fault.pending, fault.field.as_str()), (Stage::Resolve, false, "spec.module.configMap"));
    let proof = problem("spec.module.digest", Severity::Warning);
    let fault = policy(&spec, Some(&loaded(&spec, Some("module"))), Some(&proof)).fault.unwrap();
    assert_eq!(fault.stage, Stage::Verify);
}

#[test]
fn a_module_that_is_on_its_way_is_pending() {
    let spec = missing();
    for listed in [None, Some(problem("spec.module", Severity::Warning))] {
        let fault = policy(&spec, Some(&loaded(&spec, Some("module"))), listed.as_ref()).fault.unwrap();
        assert!(fault.pending, "{fault:?}");
    }
}

#[test]
fn a_module_that_cannot_be_fetched_again_serves_with_a_fault() {
    let spec = bytes();
    let listed = problem("spec.module.oci.image", Severity::Warning);
    let told = policy(&spec, Some(&loaded(&spec, None)), Some(&listed));
    assert!(told.current);
    assert_eq!(told.fault.unwrap().stage, Stage::Resolve);
}

#[test]
fn what_a_signature_policy_and_the_grants_refuse_has_its_stage() {
    let spec = missing();
    let refused = loaded(&spec, Some("module"));
    let unsigned =
        Problem { remedy: "use a signed image".into(), ..problem("spec.module.oci.image", Severity::Warning) };
    assert_eq!(policy(&spec, Some(&refused), Some(&unsigned)).fault.unwrap().stage, Stage::Verify);
    let ungranted = problem("spec.grants.interfaces", Severity::Warning);
    assert_eq!(policy(&spec, Some(&refused), Some(&ungranted)).fault.unwrap().stage, Stage::Compile);
}

#[test]
fn a_grant_that_was_only_corrected_is_no_fault() {
    let spec = bytes();
    let corrected = problem("spec.limits.memory", Severity::Warning);
    assert_eq!(policy(&spec, Some(&loaded(&spec, None)), Some(&corrected)).fault, None);
    let unused = missing();
    assert_eq!(policy(&unused, None, Some(&corrected)).fault, None);
    assert!(policy(&unused, Some(&loaded(&unused, Some("module"))), Some(&corrected)).fault.unwrap().pending);
}

#[test]
fn a_policy_that_cannot_be_read_is_told_by_its_first_mistake() {
    let told = invalid(&problem("spec.limits.deadline", Severity::Error));
    assert_eq!((told.observed_generation, told.used), (None, false));
    assert_eq!(told.fault.unwrap().reason, "Invalid");
}
