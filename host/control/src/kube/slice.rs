//! Which addresses an EndpointSlice offers, in what condition, and by which labels a policy may choose among them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use cardea_model::config;
use cardea_model::problem::{Origin, Problem};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort, EndpointSlice};

use super::{Place, port, problem, shared};

const SERVICE: &str = "kubernetes.io/service-name";
/// Labels of the slice in these domains speak to controllers, not to policies.
const RESERVED: [&str; 2] = ["kubernetes.io/", "k8s.io/"];

/// # Errors
/// A name is missing, the addresses are not IP addresses, or a port is out of range.
pub fn read(place: &Place, slice: EndpointSlice) -> Result<config::EndpointSlice, Vec<Problem>> {
    let origin = place.namespaced("EndpointSlice", &slice.metadata)?;
    if slice.address_type == "FQDN" {
        let remedy = "use IPv4 or IPv6 addresses, or a Service of type ExternalName";
        return Err(vec![problem(&origin, "addressType", "FQDN is not served", remedy)]);
    }
    let mut labels = slice.metadata.labels.unwrap_or_default();
    let service = shared(labels.remove(SERVICE));
    labels.retain(|name, _| !reserved(name));
    let mut problems = Vec::new();
    let ports = slice.ports.unwrap_or_default().into_iter().enumerate();
    let ports = ports.map(|(at, port)| slice_port(&origin, at, port, &mut problems)).collect();
    let endpoints = slice.endpoints.into_iter().enumerate();
    let endpoints = endpoints.map(|(at, wire)| endpoint(&origin, at, wire, &labels, &mut problems)).collect();
    match problems.is_empty() {
        true => Ok(config::EndpointSlice { origin, service, ports, endpoints }),
        false => Err(problems),
    }
}

fn reserved(label: &str) -> bool {
    let domain = label.split_inclusive('/').next().unwrap_or_default();
    RESERVED.iter().any(|reserved| domain.ends_with(reserved))
}

fn slice_port(origin: &Origin, at: usize, wire: EndpointPort, problems: &mut Vec<Problem>) -> config::SlicePort {
    let number = wire.port.and_then(port);
    if let (Some(wrong), None) = (wire.port, number) {
        let remedy = "give a number between 1 and 65535";
        problems.push(problem(origin, format!("ports[{at}].port"), format!("{wrong} is not a port"), remedy));
    }
    // The API server makes an absent name the empty string, which joins the unnamed port of a Service.
    let name = shared(wire.name.filter(|name| !name.is_empty()));
    config::SlicePort { name, port: number, app_protocol: shared(wire.app_protocol) }
}

fn endpoint(
    origin: &Origin,
    at: usize,
    wire: Endpoint,
    slice_labels: &BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
) -> config::SliceEndpoint {
    let mut addresses = Vec::with_capacity(wire.addresses.len());
    for (nth, text) in wire.addresses.iter().enumerate() {
        match text.parse::<IpAddr>() {
            Ok(address) => addresses.push(address),
            Err(_) => problems.push(not_an_address(origin, at, nth, text)),
        }
    }
    let conditions = wire.conditions.unwrap_or_default();
    let mut labels = slice_labels.clone();
    labels.extend(wire.deprecated_topology.unwrap_or_default());
    let pod = wire.target_ref.filter(|target| target.kind.as_deref() == Some("Pod")).and_then(|target| target.name);
    let known = [("zone", wire.zone), ("node", wire.node_name), ("hostname", wire.hostname), ("pod", pod)];
    labels.extend(known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    config::SliceEndpoint {
        addresses,
        ready: conditions.ready.unwrap_or(true),
        serving: conditions.serving.unwrap_or(true),
        terminating: conditions.terminating.unwrap_or(false),
        labels,
    }
}

fn not_an_address(origin: &Origin, at: usize, nth: usize, text: &str) -> Problem {
    let field = format!("endpoints[{at}].addresses[{nth}]");
    problem(origin, field, format!("{text:?} is not an IP address"), "give an IPv4 or IPv6 address without a port")
}
