//! Which addresses serve a backend now: Services joined with EndpointSlices. Changes here never rebuild routes.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::config::{Config, EndpointSlice, ServiceKind, ServicePort, SliceEndpoint, TargetPort};
use crate::service::Services;
use crate::snapshot::{Backend, BackendKey};

/// The endpoints of one backend at one moment, ready ones only (or, where none is ready, those that are still serving
/// while they terminate). Sorted by address, each once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EndpointSet {
    pub endpoints: Vec<Endpoint>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    pub address: SocketAddr,
    pub labels: Arc<BTreeMap<String, String>>,
}

/// Joins every backend with its slices. A backend without endpoints has an empty set, never no entry.
pub fn resolve(config: &Config, backends: &[Backend]) -> BTreeMap<BackendKey, EndpointSet> {
    let directory = Directory::of(config);
    backends.iter().map(|backend| (backend.key.clone(), directory.endpoints(&backend.key))).collect()
}

/// Services and slices, indexed once; then each backend costs what its own endpoints cost.
#[derive(Debug)]
pub struct Directory<'a> {
    services: Services<'a>,
    /// By namespace and the label `kubernetes.io/service-name`.
    slices: HashMap<(&'a str, &'a str), Vec<&'a EndpointSlice>>,
}

impl<'a> Directory<'a> {
    pub fn of(config: &'a Config) -> Self {
        let mut slices: HashMap<_, Vec<_>> = HashMap::new();
        for slice in &config.slices {
            if let Some(service) = &slice.service {
                slices.entry((&*slice.origin.namespace, &**service)).or_default().push(&**slice);
            }
        }
        Self { services: Services::of(config), slices }
    }

    /// Empty where the Service or its port is missing, is not TCP, or is an ExternalName: `compile` says so.
    pub fn endpoints(&self, backend: &BackendKey) -> EndpointSet {
        let service = self.services.get(&backend.namespace, &backend.service);
        let Some(service) = service.filter(|service| service.kind == ServiceKind::Endpoints) else {
            return EndpointSet::default();
        };
        let Some(port) = service.port(&backend.port).filter(|port| port.is_tcp()) else {
            return EndpointSet::default();
        };
        let slices = self.slices.get(&(&*backend.namespace, &*backend.service)).map(Vec::as_slice).unwrap_or_default();
        let ready = collect(slices, port, |endpoint| endpoint.ready);
        if !ready.endpoints.is_empty() {
            return ready;
        }
        collect(slices, port, |endpoint| endpoint.serving && endpoint.terminating)
    }
}

/// An address that several slices name has the labels of the first.
fn collect(slices: &[&EndpointSlice], port: &ServicePort, is_wanted: fn(&SliceEndpoint) -> bool) -> EndpointSet {
    let mut found: BTreeMap<SocketAddr, Arc<BTreeMap<String, String>>> = BTreeMap::new();
    for slice in slices {
        let Some(number) = target_port(slice, port) else { continue };
        for endpoint in slice.endpoints.iter().filter(|endpoint| is_wanted(endpoint)) {
            let labels = Arc::new(endpoint.labels.clone());
            for &address in &endpoint.addresses {
                found.entry(SocketAddr::new(address, number)).or_insert_with(|| labels.clone());
            }
        }
    }
    EndpointSet { endpoints: found.into_iter().map(|(address, labels)| Endpoint { address, labels }).collect() }
}

/// The port of this slice that has the Service port's name: a named container port differs from pod to pod, and so from
/// slice to slice. A slice port without number means every port, so the Service's target decides.
fn target_port(slice: &EndpointSlice, port: &ServicePort) -> Option<u16> {
    let joined = slice
        .ports
        .iter()
        .find(|other| other.name.as_deref().unwrap_or_default() == port.name().unwrap_or_default())?;
    joined.port.or(match port.target {
        TargetPort::Number(number) => Some(number),
        TargetPort::Name(_) => None,
    })
}

#[cfg(test)]
mod tests;
