//! Which addresses serve a backend now: Services joined with EndpointSlices. Changes here never rebuild routes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::compile::unit::find_port;
use crate::config::{Config, EndpointSlice, Service, ServicePort, SliceEndpoint, TargetPort};
use crate::difference::Difference;
use crate::names::Names;
use crate::paged::Paged;
use crate::snapshot::{Backend, BackendId, BackendKey};

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
pub fn resolve<'b>(
    config: &Config,
    backends: impl IntoIterator<Item = &'b Backend>,
) -> BTreeMap<BackendKey, EndpointSet> {
    let backends: Paged<Backend> = backends.into_iter().cloned().collect();
    let all: Vec<BackendId> = backends.entries().map(|(number, _)| BackendId(number as u32)).collect();
    let whole = Difference::between(&Config::default(), config);
    let resolved = Resolver::default().apply(&whole, &backends, &all);
    let key = |id: BackendId| backends.get(id.0 as usize).map(|backend| backend.key.clone());
    resolved.into_iter().filter_map(|(id, set)| Some((key(id)?, set))).collect()
}

/// Services and slices as they are now: a change costs what the endpoints of its Service cost.
#[derive(Debug, Default)]
pub struct Resolver {
    services: Names<Joined>,
    /// By number of the backend.
    backends: Vec<Option<BackendKey>>,
}

/// What goes by the name of a Service.
#[derive(Debug, Default)]
struct Joined {
    service: Option<Arc<Service>>,
    /// Those that have it in their label `kubernetes.io/service-name`, by name.
    slices: BTreeMap<Arc<str>, Arc<EndpointSlice>>,
    backends: Vec<BackendId>,
}

impl Resolver {
    /// Goes from the configuration that it knows to the next. Says the endpoints of each backend that may have others than
    /// before; `changed` are those that are new, gone, or another one by the same number.
    pub fn apply(
        &mut self,
        difference: &Difference,
        backends: &Paged<Backend>,
        changed: &[BackendId],
    ) -> Vec<(BackendId, EndpointSet)> {
        let mut stale: BTreeSet<BackendId> = BTreeSet::new();
        for &id in changed {
            self.join(id, backends.get(id.0 as usize).map(|backend| &backend.key));
            stale.insert(id);
        }
        for service in &difference.services.gone {
            stale.extend(self.edit(&service.origin.namespace, &service.origin.name, |joined| joined.service = None));
        }
        for service in &difference.services.come {
            let origin = &service.origin;
            stale.extend(self.edit(&origin.namespace, &origin.name, |joined| joined.service = Some(service.clone())));
        }
        for slice in &difference.slices.gone {
            stale.extend(self.slice(slice, |slices| _ = slices.remove(&slice.origin.name)));
        }
        for slice in &difference.slices.come {
            stale.extend(self.slice(slice, |slices| _ = slices.insert(slice.origin.name.clone(), slice.clone())));
        }
        let known = stale.into_iter().filter_map(|id| Some((id, self.endpoints(id)?)));
        known.collect()
    }

    fn slice(
        &mut self,
        slice: &EndpointSlice,
        edit: impl FnOnce(&mut BTreeMap<Arc<str>, Arc<EndpointSlice>>),
    ) -> Vec<BackendId> {
        // A slice without the label serves nobody.
        let Some(service) = &slice.service else { return Vec::new() };
        self.edit(&slice.origin.namespace, service, |joined| edit(&mut joined.slices))
    }

    /// Says whose endpoints may be others after that.
    fn edit(&mut self, namespace: &Arc<str>, name: &Arc<str>, edit: impl FnOnce(&mut Joined)) -> Vec<BackendId> {
        let joined = self.services.at(namespace, name);
        edit(joined);
        let backends = joined.backends.clone();
        if joined.service.is_none() && joined.slices.is_empty() && joined.backends.is_empty() {
            self.services.remove(namespace, name);
        }
        backends
    }

    /// The number is this backend's from now on, or nobody's.
    fn join(&mut self, id: BackendId, key: Option<&BackendKey>) {
        let at = id.0 as usize;
        if self.backends.len() <= at {
            self.backends.resize(at + 1, None);
        }
        let Some(known) = self.backends.get_mut(at) else { return };
        if known.as_ref() == key {
            return;
        }
        if let Some(old) = std::mem::replace(known, key.cloned()) {
            self.edit(&old.namespace, &old.service, |joined| joined.backends.retain(|other| *other != id));
        }
        if let Some(key) = key {
            self.edit(&key.namespace, &key.service, |joined| joined.backends.push(id));
        }
    }

    /// Empty where the Service or its port is missing, is not TCP, or is an ExternalName: `compile` says so.
    fn endpoints(&self, id: BackendId) -> Option<EndpointSet> {
        let key = self.backends.get(id.0 as usize)?.as_ref()?;
        let joined = self.services.get(&key.namespace, &key.service)?;
        Some(
            find_port(joined.service.as_deref(), &key.port)
                .map_or_else(EndpointSet::default, |port| joined.endpoints(port)),
        )
    }
}

impl Joined {
    fn endpoints(&self, port: &ServicePort) -> EndpointSet {
        let ready = collect(self.slices.values(), port, |endpoint| endpoint.ready);
        if !ready.endpoints.is_empty() {
            return ready;
        }
        collect(self.slices.values(), port, |endpoint| endpoint.serving && endpoint.terminating)
    }
}

/// An address that several slices name has the labels of the first by name.
fn collect<'a>(
    slices: impl Iterator<Item = &'a Arc<EndpointSlice>>,
    port: &ServicePort,
    is_wanted: fn(&SliceEndpoint) -> bool,
) -> EndpointSet {
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
