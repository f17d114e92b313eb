//! How problems read as Events, and how often they are told.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use cardea_model::problem::{Origin, Problem, Severity};
use k8s_openapi::jiff::Timestamp;
use tokio::sync::watch;

use super::{AGAIN_AFTER, Due, EVENTS_OF_OBJECT_MAX, Reporter, Told};
use crate::report::{Known, KnownIngress, KnownObject, KnownPolicy, ObjectName};

/// A cluster that has every object but those named `gone`.
struct Cluster;

impl Known for Cluster {
    fn ingresses(&self) -> Vec<KnownIngress> {
        Vec::new()
    }

    fn ingress(&self, _: &ObjectName) -> Option<KnownIngress> {
        None
    }

    fn policy(&self, _: &ObjectName) -> Option<KnownPolicy> {
        None
    }

    fn object(&self, _: &str, name: &ObjectName) -> Option<KnownObject> {
        (&*name.name != "gone").then(|| KnownObject {
            api_version: "networking.k8s.io/v1".into(),
            uid: "0b1c".into(),
            resource_version: "7".into(),
        })
    }

    fn changes(&self) -> watch::Receiver<u64> {
        watch::channel(0).1
    }
}

fn problem(name: &str, field: &str, message: &str) -> Problem {
    Problem {
        origin: Origin {
            source: "cluster".into(),
            document: 0,
            kind: "Ingress",
            namespace: "shop".into(),
            name: Arc::from(name),
        },
        field: field.into(),
        message: message.into(),
        remedy: "mend it".into(),
        severity: Severity::Error,
    }
}

fn event(problem: &Problem) -> k8s_openapi::api::events::v1::Event {
    let regarding = Cluster.object("Ingress", &ObjectName::new("shop", "x")).unwrap();
    let reporter = Reporter { controller: "cardea.dev/ingress".into(), instance: "cardea-0".into() };
    Due { problem, regarding }.event(&reporter, Timestamp::UNIX_EPOCH)
}

#[test]
fn an_event_names_the_object_the_field_and_the_remedy() {
    let event = event(&problem("web", "spec.rules[0].http.paths[1].pathType", "is not known"));
    assert_eq!(event.note.unwrap(), "spec.rules[0].http.paths[1].pathType: is not known; mend it");
    assert_eq!(event.reason.unwrap(), "InvalidPath");
    assert_eq!(event.type_.unwrap(), "Warning");
    let regarding = event.regarding.unwrap();
    assert_eq!((regarding.kind.unwrap().as_str(), regarding.name.unwrap().as_str()), ("Ingress", "web"));
    assert_eq!(regarding.uid.unwrap(), "0b1c");
    assert_eq!(event.metadata.namespace.unwrap(), "shop");
    assert_eq!(event.reporting_controller.unwrap(), "cardea.dev/ingress");
}

#[test]
fn a_reason_is_one_word_that_says_which_part_and_whether_it_may_pass() {
    let reason = |field: &str, severity| event(&Problem { severity, ..problem("web", field, "m") }).reason.unwrap();
    for (field, expected) in [
        ("spec.rules[0].http.paths[0].backend.service.port", "InvalidBackend"),
        ("spec.defaultBackend", "InvalidBackend"),
        ("spec.rules[2].host", "InvalidHost"),
        ("spec.tls[0].secretName", "InvalidCertificate"),
        ("metadata.annotations[kubernetes.io/ingress.class]", "InvalidClass"),
        ("metadata.annotations[cardea.dev/policies]", "InvalidPolicies"),
        ("metadata.annotations[cardea.dev/load-balance]", "InvalidAnnotation"),
        ("metadata.annotations[cardea.dev/backends]", "InvalidAnnotation"),
        ("spec.module.digest", "InvalidModule"),
        ("", "InvalidObject"),
    ] {
        assert_eq!(reason(field, Severity::Error), expected, "{field}");
    }
    assert_eq!(reason("spec.defaultBackend", Severity::Warning), "BackendNotReady");
}

#[test]
fn equal_problems_have_one_name_and_others_have_others() {
    let name = |problem: &Problem| event(problem).metadata.name.unwrap();
    let one = problem("web", "spec.tls", "m");
    assert_eq!(name(&one), name(&one.clone()));
    assert!(name(&one).starts_with("web."));
    assert_ne!(name(&one), name(&problem("web", "spec.tls", "n")));
    assert_ne!(name(&one), name(&problem("web", "spec.rules", "m")));
}

#[test]
fn what_is_too_long_is_cut_to_what_the_api_takes() {
    let long = problem(&format!("{}.{}", "a".repeat(235), "b".repeat(17)), "spec.tls", &"ä".repeat(2000));
    let event = event(&long);
    let (name, note) = (event.metadata.name.unwrap(), event.note.unwrap());
    assert!(name.len() <= 253 && !name.contains(".."), "{name}");
    assert!(note.len() <= 1024 && note.len() > 1000);
}

#[test]
fn events_about_objects_of_the_whole_cluster_are_kept_in_default() {
    let mut class = problem("web", "spec.parameters", "m");
    class.origin.namespace = "".into();
    let event = event(&class);
    assert_eq!(event.metadata.namespace.unwrap(), "default");
    assert_eq!(event.regarding.unwrap().namespace, None);
}

#[test]
fn a_problem_is_told_once_in_some_hours() {
    let (mut told, now) = (Told::default(), Instant::now());
    let problems = [problem("web", "spec.tls", "m")];
    assert_eq!(told.due(&problems, &Cluster, now).len(), 1);
    told.tell(problems[0].clone(), now);
    assert_eq!(told.due(&problems, &Cluster, now + AGAIN_AFTER - Duration::from_secs(1)), []);
    assert_eq!(told.next(&problems), Some(now + AGAIN_AFTER));
    assert_eq!(told.due(&problems, &Cluster, now + AGAIN_AFTER).len(), 1);
    told.tell(problems[0].clone(), now + AGAIN_AFTER);
    assert_eq!(told.times(&problems[0]), 2);
}

#[test]
fn a_problem_that_comes_and_goes_is_told_once() {
    let (mut told, now) = (Told::default(), Instant::now());
    let problems = [problem("web", "spec.tls", "m")];
    told.tell(problems[0].clone(), now);
    for round in 0..100_u64 {
        let at = now + Duration::from_secs(round);
        assert_eq!(told.due(&[], &Cluster, at), []);
        assert_eq!(told.due(&problems, &Cluster, at), []);
    }
}

#[test]
fn an_object_that_is_gone_or_not_seen_yet_waits() {
    let told = Told::default();
    assert_eq!(told.due(&[problem("gone", "spec.tls", "m")], &Cluster, Instant::now()), []);
}

#[test]
fn one_object_does_not_fill_the_list() {
    let problems: Vec<Problem> = (0..50).map(|at| problem("web", &format!("spec.rules[{at}]"), "m")).collect();
    assert_eq!(Told::default().due(&problems, &Cluster, Instant::now()).len(), EVENTS_OF_OBJECT_MAX);
}

#[test]
fn what_was_told_does_not_grow_without_end() {
    let (mut told, start) = (Told::default(), Instant::now());
    for at in 0..100_000_u64 {
        told.tell(problem("web", "spec", &at.to_string()), start + Duration::from_secs(at * 60));
    }
    assert!(told.at.len() < 2048, "{}", told.at.len());
}
