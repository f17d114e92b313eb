//! Which addresses a Service or a node stands for.

#![allow(clippy::unwrap_used)]

use k8s_openapi::api::core::v1::{Node, Service};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{of_node, of_service, selector, set};
use crate::report::Address;

fn ip(text: &str) -> Address {
    Address::Ip(text.parse().unwrap())
}

fn service(spec: Value, ingress: Value) -> Vec<Address> {
    let service = json!({ "spec": spec, "status": { "loadBalancer": { "ingress": ingress } } });
    of_service(&serde_json::from_value::<Service>(service).unwrap())
}

#[test]
fn a_load_balancer_has_what_its_status_says_and_external_ips() {
    let spec = json!({ "type": "LoadBalancer", "clusterIPs": ["10.0.0.1"], "externalIPs": ["192.0.2.7"] });
    let addresses = service(spec.clone(), json!([{ "ip": "192.0.2.1" }, { "hostname": "lb.test" }]));
    assert_eq!(addresses, [ip("192.0.2.1"), Address::Hostname("lb.test".into()), ip("192.0.2.7")]);
    assert_eq!(service(json!({ "type": "LoadBalancer", "clusterIPs": ["10.0.0.1"] }), json!([])), []);
}

#[test]
fn other_services_have_external_ips_or_cluster_ips() {
    let both = json!({ "type": "NodePort", "clusterIPs": ["10.0.0.1"], "externalIPs": ["192.0.2.7"] });
    assert_eq!(service(both, json!([])), [ip("192.0.2.7")]);
    let dual = json!({ "type": "ClusterIP", "clusterIPs": ["10.0.0.1", "fd00::1"] });
    assert_eq!(service(dual, json!([])), [ip("10.0.0.1"), ip("fd00::1")]);
    assert_eq!(service(json!({ "clusterIPs": ["None"] }), json!([])), []);
    let name = json!({ "type": "ExternalName", "externalName": "lb.test" });
    assert_eq!(service(name, json!([])), [Address::Hostname("lb.test".into())]);
}

#[test]
fn a_node_has_its_external_addresses_or_else_its_internal_ones() {
    let node = |addresses: Value| {
        of_node(&serde_json::from_value::<Node>(json!({ "status": { "addresses": addresses } })).unwrap())
    };
    let internal = json!({ "type": "InternalIP", "address": "10.1.0.1" });
    let external = json!({ "type": "ExternalIP", "address": "192.0.2.1" });
    assert_eq!(node(json!([internal, external])), [ip("192.0.2.1")]);
    assert_eq!(node(json!([internal, { "type": "Hostname", "address": "n" }])), [ip("10.1.0.1")]);
}

#[test]
fn pods_like_ours_have_the_labels_that_do_not_differ_between_them() {
    let labels = [("app", "cardea"), ("pod-template-hash", "abc"), ("tier", "edge")];
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(selector(Some(&labels)), "app=cardea,tier=edge");
    assert_eq!(selector(None), "cardea.dev/none");
}

#[test]
fn the_same_addresses_are_no_news() {
    let (sender, mut receiver) = watch::channel(None);
    set(&sender, [ip("192.0.2.2"), ip("192.0.2.1"), ip("192.0.2.2")]);
    assert_eq!(receiver.borrow_and_update().as_deref(), Some(&[ip("192.0.2.1"), ip("192.0.2.2")][..]));
    set(&sender, [ip("192.0.2.1"), ip("192.0.2.2")]);
    assert!(!receiver.has_changed().unwrap());
}
