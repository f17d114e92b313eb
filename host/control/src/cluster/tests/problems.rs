//! What is told of objects that are wrong, and of what may not be read.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use cardea_model::config::{Ingress, IngressClass, Service};
use serde_json::json;

use super::super::kind::Kind;
use super::super::stores::{Stores, Terms};
use super::super::watched::Change;
use super::super::zone::Hinted;
use super::kit::{class, complete, gone, ingress, name, service, set, whole, with_secret};

fn denied(kind: Kind, only: Option<&str>) -> Change {
    Change::Denied { kind, only: only.map(name), message: "User \"x\" cannot".into() }
}

fn texts(stores: &mut Stores) -> Vec<String> {
    stores.load().1.iter().map(ToString::to_string).collect()
}

#[test]
fn a_malformed_object_is_a_problem_and_its_last_good_state_serves() {
    let mut stores = complete();
    stores.apply(set::<Service>(&service("shop/web", 80)));
    let mut broken = service("shop/web", 80);
    broken["spec"]["ports"] = json!("eighty");
    assert!(stores.apply(set::<Service>(&broken)));

    let (config, problems) = stores.load();
    assert_eq!(config.services[0].ports[0].port, 80);
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].origin.to_string(), "Service shop/web");
    assert_eq!(problems[0].field, "spec.ports");
    assert!(problems[0].remedy.contains("last good state serves"), "{}", problems[0].remedy);

    assert!(stores.apply(set::<Service>(&service("shop/web", 81))));
    let (config, problems) = stores.load();
    assert_eq!((config.services[0].ports[0].port, problems.len()), (81, 0));
}

#[test]
fn a_malformed_object_of_a_list_costs_itself_alone() {
    let mut stores = complete();
    let mut broken = service("shop/broken", 80);
    broken["metadata"]["labels"] = json!(["not", "a", "map"]);
    broken["spec"] = json!(7);
    stores.apply(whole::<Service>(&[service("shop/a", 80), broken, service("shop/z", 80)]));
    let (config, problems) = stores.load();
    let names: Vec<&str> = config.services.iter().map(|service| &*service.origin.name).collect();
    assert_eq!(names, ["a", "z"]);
    assert_eq!(problems[0].origin.to_string(), "Service shop/broken");
}

#[test]
fn a_mistake_goes_with_its_object() {
    let mut stores = complete();
    let mut broken = service("shop/web", 80);
    broken["spec"]["ports"] = json!("eighty");
    stores.apply(set::<Service>(&broken));
    assert_eq!(texts(&mut stores).len(), 1);
    assert!(stores.apply(gone::<Service>("shop/web")));
    assert_eq!(texts(&mut stores), [""; 0]);
}

#[test]
fn a_forbidden_secret_is_a_problem_of_each_ingress_that_names_it() {
    let mut stores = complete();
    stores.apply(set::<Ingress>(&with_secret(ingress("shop/a", "a.test"), "tls")));
    stores.apply(set::<Ingress>(&with_secret(ingress("shop/b", "b.test"), "tls")));
    assert!(stores.apply(denied(Kind::Secret, Some("shop/tls"))));
    assert!(!stores.is_waiting());
    let texts = texts(&mut stores);
    assert_eq!(texts.len(), 2);
    assert!(texts[0].starts_with("Ingress shop/a: spec.tls: Secret shop/tls may not be read"), "{}", texts[0]);
    let rule = "a Role in namespace shop: apiGroups: [\"\"], resources: [\"secrets\"], resourceNames: [\"tls\"]";
    assert!(texts[1].contains(rule), "{}", texts[1]);
}

#[test]
fn a_denial_that_is_lifted_is_no_problem_any_more() {
    let mut stores = complete();
    assert!(stores.apply(denied(Kind::Service, None)));
    assert!(!stores.apply(denied(Kind::Service, None)), "nothing new");
    let told = texts(&mut stores);
    assert!(told[0].contains("resources: [\"services\"], verbs: [\"list\", \"watch\"]"), "{}", told[0]);
    assert!(stores.apply(whole::<Service>(&[])), "although the list is what it was");
    assert_eq!(texts(&mut stores), [""; 0]);
}

#[test]
fn without_sight_of_classes_the_class_that_is_named_by_flag_is_ours() {
    let terms = Terms { class: Some(Arc::from("ours")), ..Terms::default() };
    let mut stores = Stores::new(terms);
    assert!(stores.apply(denied(Kind::IngressClass, None)));
    assert!(!stores.apply(denied(Kind::IngressClass, None)), "nothing new");
    assert_eq!(texts(&mut stores), [""; 0], "nothing is missing");
    stores.apply(whole::<Ingress>(&[with_secret(ingress("shop/a", "a.test"), "tls")]));
    stores.apply(whole::<Service>(&[]));
    stores.apply(whole::<Hinted>(&[]));
    assert!(!stores.is_complete(), "Policies are missing");
    let (config, _) = stores.load();
    assert_eq!(config.classes.len(), 1);
    assert_eq!(stores.take_wishes().len(), 1);
}

#[test]
fn with_a_class_by_flag_others_are_nobodys_mistake() {
    let terms = Terms { class: Some(Arc::from("ours")), ..Terms::default() };
    let mut stores = Stores::new(terms);
    let both = [class("ours", "cardea.dev/ingress"), class("also", "cardea.dev/ingress")];
    stores.apply(whole::<IngressClass>(&both));
    let mut other = ingress("shop/b", "b.test");
    other["spec"]["ingressClassName"] = "also".into();
    stores.apply(whole::<Ingress>(&[ingress("shop/a", "a.test"), other]));
    let (config, _) = stores.load();
    assert_eq!((config.classes.len(), config.ingresses.len()), (1, 1));
}

#[test]
fn parameters_are_a_problem_of_a_class_of_ours_alone() {
    let mut stores = complete();
    let parameters = json!({ "apiGroup": "example.com", "kind": "Settings", "name": "s" });
    for (name, controller) in [("theirs", "example.com/other"), ("ours", "cardea.dev/ingress")] {
        let mut class = class(name, controller);
        class["spec"]["parameters"] = parameters.clone();
        stores.apply(set::<IngressClass>(&class));
    }
    let texts = texts(&mut stores);
    assert_eq!(texts.len(), 1);
    assert!(texts[0].starts_with("IngressClass ours: spec.parameters: Settings s is no kind"), "{}", texts[0]);
    assert_eq!(stores.load().0.classes.len(), 2, "it serves");
}
