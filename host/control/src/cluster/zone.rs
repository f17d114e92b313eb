//! Which endpoints serve a zone: those that are hinted for it, if all of a Service are hinted for some.
//!
//! The rule is that of kube-proxy (Kubernetes, Topology Aware Routing): one ready endpoint without a hint, or none that is
//! hinted for our zone, and all serve.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use cardea_model::config::EndpointSlice;

use super::table::{Patch, Table};
use crate::report::ObjectName;

/// A slice, and the zones that its endpoints are hinted for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Hinted {
    pub slice: Arc<EndpointSlice>,
    /// By endpoint; empty where no endpoint has a hint.
    pub zones: Vec<BTreeSet<String>>,
}

impl Hinted {
    pub(super) fn zones(wire: &k8s_openapi::api::discovery::v1::EndpointSlice) -> Vec<BTreeSet<String>> {
        let zones = wire.endpoints.iter().map(|endpoint| {
            let hints = endpoint.hints.as_ref().and_then(|hints| hints.for_zones.as_deref());
            hints.unwrap_or_default().iter().map(|zone| zone.name.clone()).collect()
        });
        let zones: Vec<BTreeSet<String>> = zones.collect();
        if zones.iter().all(BTreeSet::is_empty) { Vec::new() } else { zones }
    }

    fn name(&self) -> ObjectName {
        let origin = &self.slice.origin;
        ObjectName { namespace: Arc::clone(&origin.namespace), name: Arc::clone(&origin.name) }
    }

    fn service(&self) -> Option<ObjectName> {
        let service = self.slice.service.as_ref()?;
        Some(ObjectName { namespace: Arc::clone(&self.slice.origin.namespace), name: Arc::clone(service) })
    }

    /// Of the ready endpoints: whether all are hinted, and whether one is for this zone.
    fn hints(&self, zone: &str) -> (bool, bool) {
        let ready = self.slice.endpoints.iter().enumerate().filter(|(_, endpoint)| endpoint.ready);
        let of = |at: usize| self.zones.get(at);
        let (mut all, mut ours) = (true, false);
        for (at, _) in ready {
            all &= of(at).is_some_and(|zones| !zones.is_empty());
            ours |= of(at).is_some_and(|zones| zones.contains(zone));
        }
        (all, ours)
    }

    /// Without the ready endpoints that are for other zones.
    fn only(&self, zone: &str) -> EndpointSlice {
        let is_ours = |at: usize| self.zones.get(at).is_some_and(|zones| zones.contains(zone));
        let endpoints = self.slice.endpoints.iter().enumerate();
        let endpoints = endpoints.filter(|(at, endpoint)| !endpoint.ready || is_ours(*at));
        EndpointSlice { endpoints: endpoints.map(|(_, endpoint)| endpoint.clone()).collect(), ..(*self.slice).clone() }
    }
}

/// The slices as they serve our zone.
#[derive(Debug, Default)]
pub(super) struct Zones {
    zone: Option<Arc<str>>,
    /// The slices of each Service; kept only while there is a zone.
    of_service: HashMap<ObjectName, BTreeSet<ObjectName>>,
    /// The slices that do not serve as they are.
    narrowed: BTreeMap<ObjectName, Arc<EndpointSlice>>,
}

impl Zones {
    pub(super) fn of(zone: Option<Arc<str>>) -> Self {
        Self { zone, ..Self::default() }
    }

    /// True if the zone is another.
    pub(super) fn move_to(&mut self, zone: Arc<str>, slices: &Table<Hinted>) -> bool {
        if self.zone.as_ref() == Some(&zone) {
            return false;
        }
        *self = Self::of(Some(zone));
        let objects = slices.objects().iter().map(|slice| (None, Some(Arc::clone(slice)))).collect();
        self.slices_changed(&Patch { objects, problems: false }, slices);
        true
    }

    pub(super) fn slices_changed(&mut self, patch: &Patch<Hinted>, slices: &Table<Hinted>) {
        let Some(zone) = self.zone.clone() else { return };
        let mut services = BTreeSet::new();
        for (before, after) in &patch.objects {
            if let Some(before) = before {
                self.narrowed.remove(&before.name());
                services.extend(before.service().inspect(|service| self.leave(service, &before.name())));
            }
            if let Some(after) = after {
                let service = after.service();
                services.extend(service.inspect(|service| {
                    self.of_service.entry(service.clone()).or_default().insert(after.name());
                }));
            }
        }
        services.iter().for_each(|service| self.narrow(service, &zone, slices));
    }

    pub(super) fn serve(&self, slices: &Table<Hinted>) -> Vec<Arc<EndpointSlice>> {
        let slices = slices.objects().iter();
        if self.narrowed.is_empty() {
            return slices.map(|hinted| Arc::clone(&hinted.slice)).collect();
        }
        slices.map(|hinted| Arc::clone(self.narrowed.get(&hinted.name()).unwrap_or(&hinted.slice))).collect()
    }

    fn leave(&mut self, service: &ObjectName, slice: &ObjectName) {
        if let Some(slices) = self.of_service.get_mut(service) {
            slices.remove(slice);
            if slices.is_empty() {
                self.of_service.remove(service);
            }
        }
    }

    fn narrow(&mut self, service: &ObjectName, zone: &str, slices: &Table<Hinted>) {
        let names = self.of_service.get(service).into_iter().flatten();
        let of_service: Vec<_> = names.filter_map(|name| Some((name, slices.get(name)?))).collect();
        let hints = of_service.iter().map(|(_, slice)| slice.hints(zone));
        let (all, ours) = hints.fold((true, false), |(all, ours), (its, own)| (all && its, ours || own));
        for (name, slice) in of_service {
            if !(all && ours) {
                self.narrowed.remove(name);
                continue;
            }
            let narrow = slice.only(zone);
            // The same value while it says the same, so that pointers tell.
            if self.narrowed.get(name).is_none_or(|known| **known != narrow) {
                self.narrowed.insert(name.clone(), Arc::new(narrow));
            }
        }
    }
}
