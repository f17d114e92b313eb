//! Which endpoints serve: those for our zone, and those outside.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use cardea_model::config::{Config, Ingress, Service, ServiceKind};
use serde_json::{Value, json};

use super::super::stores::{Stores, Terms};
use super::super::watched::Change;
use super::super::zone::Hinted;
use super::kit::{class, gone, ingress, service, set, slice, whole};
use cardea_model::config::IngressClass;

fn here() -> Stores {
    Stores::new(Terms { zone: Some("here".into()), ..Terms::default() })
}

/// A slice of `web` with an endpoint for each address, hinted for the zone after it.
fn hinted(text: &str, endpoints: &[(&str, &str)]) -> Value {
    let mut value = slice(text, "web", "10.9.9.9");
    let endpoints = endpoints.iter().map(|(address, zone)| match *zone {
        "" => json!({ "addresses": [address] }),
        zone => json!({ "addresses": [address], "hints": { "forZones": [{ "name": zone }] } }),
    });
    value["endpoints"] = endpoints.collect();
    value
}

fn addresses(stores: &mut Stores) -> Vec<String> {
    let Config { slices, .. } = stores.load().0;
    let endpoints = slices.iter().flat_map(|slice| slice.endpoints.iter().filter(|endpoint| endpoint.ready));
    endpoints.flat_map(|endpoint| &endpoint.addresses).map(ToString::to_string).collect()
}

#[test]
fn endpoints_hinted_for_our_zone_serve_alone() {
    let mut stores = here();
    stores.apply(set::<Hinted>(&hinted("shop/web-1", &[("10.0.0.1", "here"), ("10.0.0.2", "there")])));
    assert_eq!(addresses(&mut stores), ["10.0.0.1"]);
    // Another slice of the same Service, for others alone.
    stores.apply(set::<Hinted>(&hinted("shop/web-2", &[("10.0.0.3", "there")])));
    assert_eq!(addresses(&mut stores), ["10.0.0.1"]);
}

#[test]
fn one_endpoint_without_a_hint_makes_all_serve() {
    let mut stores = here();
    stores.apply(set::<Hinted>(&hinted("shop/web-1", &[("10.0.0.1", "here"), ("10.0.0.2", "there")])));
    stores.apply(set::<Hinted>(&hinted("shop/web-2", &[("10.0.0.3", "")])));
    assert_eq!(addresses(&mut stores), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    stores.apply(gone::<Hinted>("shop/web-2"));
    assert_eq!(addresses(&mut stores), ["10.0.0.1"]);
}

#[test]
fn a_zone_without_endpoints_is_served_by_all() {
    let mut stores = here();
    stores.apply(set::<Hinted>(&hinted("shop/web-1", &[("10.0.0.1", "far"), ("10.0.0.2", "there")])));
    assert_eq!(addresses(&mut stores), ["10.0.0.1", "10.0.0.2"]);
}

#[test]
fn without_a_zone_hints_mean_nothing_until_it_is_known() {
    let mut stores = Stores::new(Terms::default());
    stores.apply(set::<Hinted>(&hinted("shop/web-1", &[("10.0.0.1", "here"), ("10.0.0.2", "there")])));
    assert_eq!(addresses(&mut stores), ["10.0.0.1", "10.0.0.2"]);
    assert!(stores.apply(Change::Zone("there".into())));
    assert_eq!(addresses(&mut stores), ["10.0.0.2"]);
    assert!(!stores.apply(Change::Zone("there".into())));
}

#[test]
fn a_slice_that_serves_as_before_is_the_same_value() {
    let mut stores = here();
    stores.apply(set::<Hinted>(&hinted("shop/web-1", &[("10.0.0.1", "here"), ("10.0.0.2", "there")])));
    let before = stores.load().0.slices;
    stores.apply(set::<Hinted>(&hinted("shop/web-2", &[("10.0.0.3", "there")])));
    assert!(Arc::ptr_eq(&before[0], &stores.load().0.slices[0]));
}

fn external(text: &str, host: &str) -> Value {
    let mut value = service(text, 80);
    value["spec"]["type"] = json!("ExternalName");
    value["spec"]["externalName"] = json!(host);
    value
}

fn outside(allowed: bool) -> Stores {
    let mut stores = Stores::new(Terms { allow_external_name: allowed, ..Terms::default() });
    stores.apply(whole::<IngressClass>(&[class("ours", "cardea.dev/ingress")]));
    stores.apply(set::<Service>(&external("shop/web", "out.test")));
    stores.apply(set::<Service>(&external("shop/unused", "unused.test")));
    stores.apply(set::<Ingress>(&ingress("shop/a", "a.test")));
    stores
}

fn resolved(found: &[&str]) -> Change {
    let found = found.iter().map(|address| address.parse::<IpAddr>().unwrap()).collect();
    Change::Resolved { host: "out.test".into(), found: Ok(found) }
}

#[test]
fn an_external_name_is_neither_resolved_nor_served_unless_allowed() {
    let mut stores = outside(false);
    assert_eq!(stores.take_hosts(), None);
    assert!(!stores.apply(resolved(&["192.0.2.1"])));
    assert_eq!(addresses(&mut stores), [""; 0]);
    assert!(matches!(stores.load().0.services[1].kind, ServiceKind::ExternalName(_)));
}

#[test]
fn an_external_name_that_is_used_serves_what_it_resolves_to() {
    let mut stores = outside(true);
    assert_eq!(stores.take_hosts(), Some(BTreeSet::from([Arc::from("out.test")])));
    assert!(stores.is_waiting());
    assert!(stores.apply(resolved(&["192.0.2.1", "2001:db8::1"])));
    assert!(!stores.is_waiting());
    assert_eq!(addresses(&mut stores), ["192.0.2.1", "2001:db8::1"]);
    let (config, problems) = stores.load();
    assert_eq!(config.services[1].kind, ServiceKind::Endpoints);
    assert_eq!(problems, []);

    let failed = Change::Resolved { host: "out.test".into(), found: Err("no answer in time".into()) };
    assert!(stores.apply(failed));
    assert_eq!(addresses(&mut stores), ["192.0.2.1", "2001:db8::1"]);
    assert!(stores.load().1[0].message.contains("no answer in time"));

    stores.apply(gone::<Ingress>("shop/a"));
    assert_eq!(stores.take_hosts(), Some(BTreeSet::new()));
    assert_eq!(addresses(&mut stores), [""; 0]);
}

#[test]
fn loopback_and_link_local_addresses_are_refused() {
    let refused = [
        "127.0.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "::1",
        "::",
        "fe80::1",
        "::ffff:127.0.0.1",
        "224.0.0.1",
        "ff02::1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
    ];
    for address in refused {
        let mut stores = outside(true);
        stores.take_hosts();
        stores.apply(resolved(&[address, "192.0.2.1"]));
        assert_eq!(addresses(&mut stores), ["192.0.2.1"], "{address}");
        assert!(stores.load().1[0].message.contains("which is refused"), "{address}");
    }
}
