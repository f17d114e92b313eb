//! Which addresses an Ingress comes to have.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use k8s_openapi::api::networking::v1::Ingress;
use serde_json::{Value, json};

use super::{ADDRESSES, CONDITIONS, Wanted, addresses, is_written_by, patch, wanted};
use crate::report::{Address, KnownIngress, KnownObject, ObjectName};

fn ip(text: &str) -> Address {
    Address::Ip(text.parse().unwrap())
}

fn ingress(addresses: &[Address]) -> KnownIngress {
    KnownIngress {
        name: ObjectName::new("default", "shop"),
        object: KnownObject {
            api_version: "networking.k8s.io/v1".into(),
            uid: "u".into(),
            resource_version: "7".into(),
        },
        addresses: addresses.into(),
    }
}

fn published(addresses: &[Address]) -> Option<Arc<[Address]>> {
    Some(addresses.into())
}

#[test]
fn an_ingress_of_ours_gets_the_published_addresses() {
    let ours = published(&[ip("192.0.2.1"), Address::Hostname("lb.test".into())]);
    let expected = Wanted::Publish(ours.clone().unwrap());
    assert_eq!(wanted(&ingress(&[]), true, true, ours.as_ref()), expected);
    assert_eq!(wanted(&ingress(&[ip("192.0.2.9")]), true, true, ours.as_ref()), expected);
}

#[test]
fn equal_addresses_in_another_order_are_left_alone() {
    let there = ingress(&[ip("192.0.2.2"), ip("192.0.2.1")]);
    let ours = published(&[ip("192.0.2.1"), ip("192.0.2.2")]);
    assert_eq!(wanted(&there, true, true, ours.as_ref()), Wanted::AsItIs);
}

#[test]
fn nothing_is_touched_while_it_is_not_known_what_to_publish() {
    for (is_served, was_served) in [(true, true), (false, true), (false, false)] {
        assert_eq!(wanted(&ingress(&[ip("192.0.2.1")]), is_served, was_served, None), Wanted::AsItIs);
    }
}

#[test]
fn an_ingress_that_changed_its_class_loses_what_is_ours() {
    let ours = published(&[ip("192.0.2.1")]);
    assert_eq!(wanted(&ingress(&[ip("192.0.2.1")]), false, true, ours.as_ref()), Wanted::RemoveOurs);
    assert_eq!(wanted(&ingress(&[]), false, true, ours.as_ref()), Wanted::AsItIs);
}

#[test]
fn an_ingress_that_changed_its_class_before_we_began_is_known_by_its_addresses() {
    let ours = published(&[ip("192.0.2.1")]);
    assert_eq!(wanted(&ingress(&[ip("192.0.2.1")]), false, false, ours.as_ref()), Wanted::RemoveOurs);
    assert_eq!(wanted(&ingress(&[ip("192.0.2.8")]), false, false, ours.as_ref()), Wanted::AsItIs);
}

#[test]
fn a_service_that_lost_its_address_takes_it_from_the_ingresses() {
    assert_eq!(wanted(&ingress(&[ip("192.0.2.1")]), true, true, published(&[]).as_ref()), Wanted::RemoveOurs);
}

#[test]
fn a_patch_replaces_the_list_of_one_version_of_the_object() {
    let some = patch("7", &[ip("2001:db8::1"), Address::Hostname("lb.test".into())]);
    let entries = json!([{ "ip": "2001:db8::1" }, { "hostname": "lb.test" }]);
    assert_eq!(
        some,
        json!({ "metadata": { "resourceVersion": "7" }, "status": { "loadBalancer": { "ingress": entries } } })
    );
    assert_eq!(patch("7", &[]).pointer("/status/loadBalancer/ingress"), Some(&Value::Null));
}

#[test]
fn the_addresses_of_an_object_are_read_as_they_were_written() {
    let written = [ip("192.0.2.1"), ip("2001:db8::1"), Address::Hostname("lb.test".into())];
    let mut object = patch("7", &written);
    object.as_object_mut().unwrap().insert("spec".into(), json!({}));
    let ingress: Ingress = serde_json::from_value(object).unwrap();
    assert_eq!(&*addresses(&ingress), written);
}

#[test]
fn only_the_sole_writer_of_the_addresses_owns_them() {
    let entry = |manager: &str, fields: Value| {
        serde_json::from_value(json!({ "manager": manager, "fieldsType": "FieldsV1", "fieldsV1": fields })).unwrap()
    };
    let status = || json!({ "f:status": { "f:loadBalancer": { "f:ingress": {} } } });
    let spec = || json!({ "f:spec": { "f:rules": {} } });
    assert!(is_written_by("us", ADDRESSES, &[entry("kubectl", spec()), entry("us", status())]));
    assert!(!is_written_by("us", ADDRESSES, &[entry("us", spec()), entry("them", status())]));
    assert!(!is_written_by("us", ADDRESSES, &[entry("us", status()), entry("them", status())]));
    assert!(!is_written_by("us", ADDRESSES, &[]));
}

#[test]
fn the_conditions_are_of_who_changed_their_reason_last() {
    let entry = |manager: &str, condition: Value| {
        let fields = json!({ "f:status": { "f:conditions": { "k:{\"type\":\"Programmed\"}": condition } } });
        serde_json::from_value(json!({ "manager": manager, "fieldsType": "FieldsV1", "fieldsV1": fields })).unwrap()
    };
    let entries =
        [entry("them", json!({ ".": {}, "f:type": {} })), entry("us", json!({ "f:reason": {}, "f:status": {} }))];
    assert!(is_written_by("us", CONDITIONS, &entries));
    assert!(!is_written_by("them", CONDITIONS, &entries));
}
