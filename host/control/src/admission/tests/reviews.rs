//! AdmissionReviews, as the API server sends them.

use std::sync::Arc;

use cardea_model::compile::Options;
use cardea_model::config::Config;
use proptest::prelude::{Just, Strategy, any, prop};
use proptest::sample::select;
use proptest::{prop_assert, prop_oneof, proptest};
use serde_json::{Value, json};

use super::kit::{WORLD, config, index, ingress, rule};
use crate::admission::{Index, Malformed, Outcome, Scope, Writer, review};

fn value(yaml: &str) -> Value {
    serde_yaml::from_str(yaml).unwrap()
}

fn bad() -> Value {
    value(&ingress("", &rule("10.0.0.1", "Prefix", "/")))
}

fn request(operation: &str, object: Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u-1", "operation": operation, "name": "new", "namespace": "shop",
            "kind": { "group": "networking.k8s.io", "version": "v1", "kind": "Ingress" },
            "resource": { "group": "networking.k8s.io", "version": "v1", "resource": "ingresses" },
            "userInfo": { "username": "jane" }, "object": object, "dryRun": true,
        },
    })
}

fn world() -> Arc<Index> {
    index(&config(WORLD))
}

#[track_caller]
fn answer(request: &Value) -> (Outcome, Value) {
    let reviewed = review(&world(), request.to_string().as_bytes()).unwrap();
    let body: Value = serde_json::from_slice(&reviewed.body).unwrap();
    assert_eq!(body["apiVersion"], "admission.k8s.io/v1");
    assert_eq!(body["kind"], "AdmissionReview");
    assert_eq!(body["response"]["uid"], "u-1");
    assert_eq!(body["response"]["allowed"], reviewed.outcome == Outcome::Allowed);
    (reviewed.outcome, body["response"].clone())
}

#[test]
fn a_refusal_names_the_field_and_the_remedy() {
    let (outcome, response) = answer(&request("CREATE", bad()));
    assert_eq!(outcome, Outcome::Refused);
    let status = &response["status"];
    assert_eq!(status["code"], 422);
    assert_eq!(status["reason"], "Invalid");
    assert_eq!(status["details"]["causes"][0]["field"], "spec.rules[0].host");
    let message = status["message"].as_str().unwrap();
    assert!(message.starts_with("spec.rules[0].host: the host is an IP address"), "{message}");
    assert!(message.contains("; Write a DNS name"), "{message}");
}

#[test]
fn what_is_allowed_with_warnings_says_them_shortly() {
    let long = "x".repeat(300);
    let text = ingress(&format!("cardea.dev/policies: {long}"), &rule("b.test", "Prefix", "/"));
    let (outcome, response) = answer(&request("CREATE", value(&text)));
    assert_eq!(outcome, Outcome::Allowed);
    let warnings = response["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1);
    let warning = warnings[0].as_str().unwrap();
    assert!(warning.starts_with("metadata.annotations[cardea.dev/policies]: there is no Policy shop/xxx"), "{warning}");
    assert!(warning.chars().count() < 256, "{warning}");
}

#[test]
fn what_stores_nothing_or_goes_is_allowed() {
    let mut leaving = bad();
    leaving["metadata"]["deletionTimestamp"] = json!("2026-06-02T00:00:00Z");
    let mut status = request("UPDATE", bad());
    status["request"]["subResource"] = json!("status");
    let mut deleted = request("DELETE", Value::Null);
    deleted["request"]["oldObject"] = bad();
    let mut foreign = request("CREATE", json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {} }));
    foreign["request"]["kind"] = json!({ "group": "apps", "version": "v1", "kind": "Deployment" });
    for request in [deleted, request("CONNECT", bad()), request("UPDATE", leaving), status, foreign] {
        assert_eq!(answer(&request).0, Outcome::Allowed, "{request}");
    }
}

#[test]
fn nothing_is_said_before_anything_is_known() {
    let mut writer = Writer::new(Options::default(), Scope::Everything);
    let body =
        request("CREATE", value(&ingress("cardea.dev/policies: soon", &rule("b.test", "Prefix", "/")))).to_string();
    let ask = |writer: &Writer| review(&writer.reader().get(), body.as_bytes()).unwrap().warnings;
    assert_eq!(ask(&writer), 0);
    writer.update(&Config::default());
    assert_eq!(ask(&writer), 1, "there is no such class");
}

#[test]
fn an_update_that_repairs_step_by_step_is_allowed() {
    let mut update = request("UPDATE", bad());
    assert_eq!(answer(&update).0, Outcome::Refused);
    update["request"]["oldObject"] = bad();
    let (outcome, response) = answer(&update);
    assert_eq!(outcome, Outcome::Allowed);
    assert!(response["warnings"][0].as_str().unwrap().starts_with("spec.rules[0].host"));
}

#[test]
fn a_policy_with_a_misspelt_field_is_refused_by_name() {
    let policy = json!({
        "apiVersion": "cardea.dev/v1alpha1", "kind": "Policy", "metadata": { "generateName": "p-" },
        "spec": { "module": { "configMap": { "name": "m", "key": "k" } }, "limits": { "deadlin": "5ms" } },
    });
    let (outcome, response) = answer(&request("CREATE", policy));
    assert_eq!(outcome, Outcome::Refused);
    let message = response["status"]["message"].as_str().unwrap();
    assert!(message.contains("spec.limits.deadlin"), "{message}");
}

#[test]
fn a_name_that_the_request_alone_knows_is_enough() {
    let mut object = value(&ingress("", &rule("b.test", "Prefix", "/")));
    object["metadata"] = json!({ "generateName": "new-" });
    let mut nameless = request("CREATE", object);
    nameless["request"]["name"] = Value::Null;
    assert_eq!(answer(&nameless).1["warnings"], Value::Null);
}

#[test]
fn what_is_no_review_is_told_apart() {
    let world = world();
    let ask = |body: &[u8]| review(&world, body).unwrap_err();
    assert!(matches!(ask(b"{"), Malformed::Unreadable(_)));
    assert!(matches!(ask(b"[]"), Malformed::Version(_) | Malformed::Unreadable(_)));
    let mut other = request("CREATE", bad());
    other["apiVersion"] = json!("admission.k8s.io/v1beta1");
    assert!(matches!(ask(other.to_string().as_bytes()), Malformed::Version(_)));
    other = request("CREATE", bad());
    other["request"]["uid"] = json!("");
    assert_eq!(ask(other.to_string().as_bytes()), Malformed::NoRequest);
}

#[test]
fn a_cluster_where_secrets_are_not_listed_warns_of_none() {
    let mut writer = Writer::new(Options::default(), Scope::NamedSecrets);
    writer.update(&config(WORLD));
    let spec = format!("{}, tls: [{{secretName: unseen}}]", rule("b.test", "Prefix", "/"));
    let body = request("CREATE", value(&ingress("", &spec))).to_string();
    assert_eq!(review(&writer.reader().get(), body.as_bytes()).unwrap().warnings, 0);
}

/// A JSON value of the names and kinds that reviews are made of.
fn odd() -> impl Strategy<Value = Value> {
    let names =
        select(&["metadata", "spec", "rules", "http", "paths", "name", "items", "kind", "uid", "annotations"][..]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        select(&["", "Ingress", "CREATE", "a.test", "networking.k8s.io/v1"][..]).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_the_object_is_there_is_an_answer(odd in odd(), spec in odd(), at in any::<prop::sample::Index>()) {
        let mut object = bad();
        object["spec"] = spec;
        for object in [object, odd.clone()] {
            let text = request("UPDATE", object).to_string();
            prop_assert!(review(&world(), text.as_bytes()).is_ok());
            let cut = at.index(text.len());
            let _ = review(&world(), text.get(..cut).unwrap_or_default().as_bytes());
        }
        let _ = review(&world(), odd.to_string().as_bytes());
    }
}
