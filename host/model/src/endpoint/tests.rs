#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::{Resolver, resolve};
use crate::config::{
    Config, EndpointSlice, Service, ServiceKind, ServicePort, ServicePortRef, SliceEndpoint, SlicePort, TargetPort,
};
use crate::difference::Difference;
use crate::paged::Paged;
use crate::problem::Origin;
use crate::snapshot::{Backend, BackendId, BackendKey, BackendProtocol, Balance};

fn origin(kind: &'static str, name: &str) -> Origin {
    Origin { source: "test.yaml".into(), document: 1, kind, namespace: "shop".into(), name: name.into() }
}

/// Ports as `name number target protocol`.
fn service(name: &str, ports: &[&str]) -> Arc<Service> {
    let port = |text: &&str| {
        let parts: Vec<&str> = text.split(' ').collect();
        ServicePort {
            name: Some(parts[0]).filter(|name| *name != "-").map(Into::into),
            port: parts[1].parse().unwrap(),
            target: parts[2].parse().map_or_else(|_| TargetPort::Name(parts[2].into()), TargetPort::Number),
            protocol: parts[3].into(),
            app_protocol: None,
        }
    };
    Arc::new(Service {
        origin: origin("Service", name),
        kind: ServiceKind::Endpoints,
        ports: ports.iter().map(port).collect(),
    })
}

/// Ports as `name number`; endpoints as `address` with `+` ready, `~` serving while terminating, `-` neither.
fn slice(service: &str, ports: &[&str], endpoints: &[&str]) -> Arc<EndpointSlice> {
    let port = |text: &&str| {
        let (name, number) = text.split_once(' ').unwrap();
        let name = Some(name).filter(|name| *name != "-").map(Into::into);
        SlicePort { name, port: number.parse().ok(), app_protocol: None }
    };
    let endpoint = |text: &&str| {
        let (state, address) = text.split_at(1);
        SliceEndpoint {
            addresses: vec![address.parse().unwrap()],
            ready: state == "+",
            serving: state != "-",
            terminating: state == "~",
            labels: BTreeMap::from([("zone".to_owned(), format!("zone-of-{address}"))]),
        }
    };
    Arc::new(EndpointSlice {
        origin: origin("EndpointSlice", &format!("{service}-{}", endpoints.join("-"))),
        service: Some(service.into()),
        ports: ports.iter().map(port).collect(),
        endpoints: endpoints.iter().map(endpoint).collect(),
    })
}

fn backend(service: &str, port: ServicePortRef) -> Backend {
    let key = BackendKey { namespace: "shop".into(), service: service.into(), port };
    Backend { name: "x".into(), key, protocol: BackendProtocol::Http1, balance: Balance::RoundRobin }
}

#[track_caller]
fn check(services: Vec<Arc<Service>>, slices: Vec<Arc<EndpointSlice>>, port: ServicePortRef, want: &[&str]) {
    let backend = backend("web", port);
    let config = Config { services, slices, ..Config::default() };
    let resolved = resolve(&config, std::slice::from_ref(&backend));
    let got: Vec<String> =
        resolved[&backend.key].endpoints.iter().map(|endpoint| endpoint.address.to_string()).collect();
    assert_eq!(got, want);
}

fn number(port: u16) -> ServicePortRef {
    ServicePortRef::Number(port)
}

#[test]
fn a_service_port_is_joined_with_slice_ports_by_name() {
    let services = || vec![service("web", &["http 80 web TCP", "admin 81 9001 TCP"])];
    let slices = || {
        // A named container port may differ from pod to pod, and so from slice to slice.
        vec![
            slice("web", &["admin 9001", "http 8080"], &["+10.0.0.2", "+10.0.0.1"]),
            slice("web", &["http 8081"], &["+10.0.0.3", "+fd00::1"]),
            slice("other", &["http 8080"], &["+10.9.9.9"]),
        ]
    };
    check(services(), slices(), number(80), &["10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:8081", "[fd00::1]:8081"]);
    check(services(), slices(), ServicePortRef::Name("admin".into()), &["10.0.0.1:9001", "10.0.0.2:9001"]);
}

#[test]
fn a_single_port_has_no_name_on_either_side() {
    check(
        vec![service("web", &["- 80 8080 TCP"])],
        vec![slice("web", &["- 8080"], &["+10.0.0.1"])],
        number(80),
        &["10.0.0.1:8080"],
    );
    let mut unnamed = EndpointSlice::clone(&slice("web", &["- 8080"], &["+10.0.0.1"]));
    unnamed.ports[0].name = Some("".into());
    check(vec![service("web", &["- 80 8080 TCP"])], vec![Arc::new(unnamed)], number(80), &["10.0.0.1:8080"]);
}

#[test]
fn a_slice_port_without_number_leaves_it_to_the_service() {
    let slices = || vec![slice("web", &["http *"], &["+10.0.0.1"])];
    check(vec![service("web", &["http 80 8080 TCP"])], slices(), number(80), &["10.0.0.1:8080"]);
    check(vec![service("web", &["http 80 named TCP"])], slices(), number(80), &[]);
}

#[test]
fn those_that_still_serve_are_used_only_when_none_is_ready() {
    let services = || vec![service("web", &["http 80 8080 TCP"])];
    let of = |endpoints: &[&str]| vec![slice("web", &["http 8080"], endpoints)];
    check(services(), of(&["+10.0.0.1", "~10.0.0.2", "-10.0.0.3"]), number(80), &["10.0.0.1:8080"]);
    check(services(), of(&["~10.0.0.2", "-10.0.0.3"]), number(80), &["10.0.0.2:8080"]);
    check(services(), of(&["-10.0.0.3"]), number(80), &[]);
}

#[test]
fn an_address_counts_once() {
    let slices =
        vec![slice("web", &["http 1"], &["+10.0.0.1", "~10.0.0.2"]), slice("web", &["http 1"], &["+10.0.0.1"])];
    check(vec![service("web", &["http 80 1 TCP"])], slices, number(80), &["10.0.0.1:1"]);
}

#[test]
fn labels_come_with_the_address() {
    let config = Config {
        services: vec![service("web", &["http 80 1 TCP"])],
        slices: vec![slice("web", &["http 1"], &["+10.0.0.1"])],
        ..Config::default()
    };
    let backend = backend("web", number(80));
    let endpoints = &resolve(&config, std::slice::from_ref(&backend))[&backend.key].endpoints;
    assert_eq!(endpoints[0].labels["zone"], "zone-of-10.0.0.1");
}

#[test]
fn what_has_no_endpoints_has_an_empty_set() {
    let slices = || vec![slice("web", &["http 1"], &["+10.0.0.1"])];
    check(vec![], slices(), number(80), &[]);
    check(vec![service("web", &["http 80 1 TCP"])], slices(), number(81), &[]);
    check(vec![service("web", &["http 80 1 UDP"])], slices(), number(80), &[]);
    check(vec![service("web", &["other 80 1 TCP"])], slices(), number(80), &[]);
    let external =
        Service { kind: ServiceKind::ExternalName("a".into()), ..Service::clone(&service("web", &["http 80 1 TCP"])) };
    check(vec![Arc::new(external)], slices(), number(80), &[]);
}

#[test]
fn a_number_that_two_protocols_share_means_tcp() {
    let services = vec![service("web", &["quic 443 2 UDP", "http 443 1 TCP"])];
    check(services, vec![slice("web", &["quic 2", "http 1"], &["+10.0.0.1"])], number(443), &["10.0.0.1:1"]);
}

fn shown(set: &super::EndpointSet) -> Vec<String> {
    set.endpoints.iter().map(|endpoint| format!("{} {:?}", endpoint.address, endpoint.labels)).collect()
}

proptest! {
    /// Services, slices and backends come, change and go; what was told last of each backend is what is so now.
    #[test]
    fn what_is_told_of_changes_adds_up_to_the_whole(
        edits in prop::collection::vec((0usize..3, 0usize..3, 0usize..4), 1..40),
    ) {
        let names = ["a", "b", "c"];
        let (mut services, mut slices) = (BTreeMap::new(), BTreeMap::new());
        let (mut config, mut backends) = (Config::default(), Paged::default());
        let (mut resolver, mut told) = (Resolver::default(), BTreeMap::new());
        for (kind, name, version) in edits {
            let ports = [&["http 80 8080 TCP"][..], &["http 80 8081 TCP"], &["http 81 8080 TCP"]];
            let mut changed = Vec::new();
            match (kind, version) {
                (0, 0) => _ = services.remove(&name),
                (0, version) => _ = services.insert(name, service(names[name], ports[version - 1])),
                (1, 0) => _ = slices.remove(&name),
                (1, version) => _ = slices.insert(name, slice(names[version - 1], &["http 9000"], &[&format!("+10.0.0.{name}")])),
                (_, version) => {
                    backends.set(name, (version > 0).then(|| backend(names[version - 1], ServicePortRef::Number(80))));
                    changed.push(BackendId(name as u32));
                }
            }
            let next = Config {
                services: services.values().cloned().collect(),
                slices: slices.values().cloned().collect(),
                ..Config::default()
            };
            changed.iter().for_each(|id| _ = told.remove(id));
            told.extend(resolver.apply(&Difference::between(&config, &next), &backends, &changed));
            config = next;
            let whole = resolve(&config, backends.iter());
            prop_assert_eq!(told.len(), backends.len());
            for (id, set) in &told {
                let key = &backends.get(id.0 as usize).unwrap().key;
                prop_assert_eq!(shown(set), shown(&whole[key]));
            }
        }
    }
}
