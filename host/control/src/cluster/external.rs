//! Services that are only a name for something outside: resolved if the operator allows it and something accepted uses
//! them, and served as if they had endpoints.
//!
//! Such a name is written by whoever may write Services, and could lead to what only this process may reach. So loopback
//! and link-local addresses, where agents and cloud metadata are, are refused whatever the name.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use cardea_model::config::{EndpointSlice, Service, ServiceKind, SliceEndpoint, SlicePort, TargetPort};
use cardea_model::problem::Problem;

use super::table::Patch;
use crate::kube::problem;
use crate::report::ObjectName;

#[derive(Debug, Default)]
pub(super) struct Externals {
    allowed: bool,
    /// How many accepted Ingresses use a Service, and how many times; kept only where the operator allows any.
    used: HashMap<ObjectName, usize>,
    /// Every Service of this kind.
    services: BTreeMap<ObjectName, Arc<Service>>,
    /// What is known of the names that are used.
    hosts: BTreeMap<Arc<str>, Option<Answer>>,
    served: BTreeMap<ObjectName, Served>,
    changed: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Answer {
    addresses: Arc<[IpAddr]>,
    mistake: Option<String>,
}

#[derive(Debug)]
struct Served {
    /// What it was made of.
    declared: Arc<Service>,
    addresses: Arc<[IpAddr]>,
    service: Arc<Service>,
    slice: Arc<EndpointSlice>,
}

impl Externals {
    pub(super) fn new(allowed: bool) -> Self {
        Self { allowed, ..Self::default() }
    }

    pub(super) fn use_services(&mut self, services: &BTreeSet<ObjectName>) {
        if self.allowed {
            services.iter().for_each(|service| *self.used.entry(service.clone()).or_default() += 1);
            self.changed = true;
        }
    }

    pub(super) fn leave_services(&mut self, services: &BTreeSet<ObjectName>) {
        for service in services {
            if let Some(uses) = self.used.get_mut(service) {
                *uses -= 1;
                if *uses == 0 {
                    self.used.remove(service);
                }
                self.changed = true;
            }
        }
    }

    pub(super) fn services_changed(&mut self, patch: &Patch<Service>) {
        if !self.allowed {
            return;
        }
        for service in patch.objects.iter().filter_map(|(before, _)| before.as_ref()) {
            self.changed |= self.services.remove(&name_of(service)).is_some();
        }
        for service in patch.objects.iter().filter_map(|(_, after)| after.as_ref()) {
            if matches!(service.kind, ServiceKind::ExternalName(_)) {
                self.services.insert(name_of(service), Arc::clone(service));
                self.changed = true;
            }
        }
    }

    /// The names to resolve, if they may be others than before.
    pub(super) fn take_hosts(&mut self) -> Option<BTreeSet<Arc<str>>> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        let hosts: BTreeSet<Arc<str>> = self.used().map(|(_, _, host)| Arc::clone(host)).collect();
        let mut known = std::mem::take(&mut self.hosts);
        self.hosts = hosts.iter().map(|host| (Arc::clone(host), known.remove(host).flatten())).collect();
        Some(hosts)
    }

    /// A name that is used was not resolved yet.
    pub(super) fn is_waiting(&self) -> bool {
        self.hosts.values().any(Option::is_none)
    }

    /// True if that changes anything. A name that cannot be resolved for once keeps its addresses.
    pub(super) fn resolved(&mut self, host: Arc<str>, found: Result<Vec<IpAddr>, String>) -> bool {
        let Some(known) = self.hosts.get_mut(&host) else { return false };
        let answer = match found {
            Ok(all) => checked(all),
            Err(mistake) => Answer {
                addresses: known.as_ref().map(|known| Arc::clone(&known.addresses)).unwrap_or_default(),
                mistake: Some(format!("{host} cannot be resolved: {mistake}")),
            },
        };
        let changed = known.as_ref() != Some(&answer);
        *known = Some(answer);
        changed
    }

    /// Puts what serves in the place of what is declared.
    pub(super) fn serve(&mut self, services: &mut [Arc<Service>], slices: &mut Vec<Arc<EndpointSlice>>) {
        let mut before = std::mem::take(&mut self.served);
        let mut now = BTreeMap::new();
        for (name, declared, host) in self.used() {
            let Some(Some(answer)) = self.hosts.get(host) else { continue };
            let served = before
                .remove(name)
                .filter(|served| Arc::ptr_eq(&served.declared, declared) && served.addresses == answer.addresses);
            now.insert(name.clone(), served.unwrap_or_else(|| Served::of(declared, &answer.addresses)));
        }
        for (name, served) in &now {
            let at = services.binary_search_by(|service| {
                (&service.origin.namespace, &service.origin.name).cmp(&(&name.namespace, &name.name))
            });
            if let Some(slot) = at.ok().and_then(|at| services.get_mut(at)) {
                *slot = Arc::clone(&served.service);
                slices.push(Arc::clone(&served.slice));
            }
        }
        self.served = now;
    }

    pub(super) fn problems(&self) -> impl Iterator<Item = Problem> {
        self.used().filter_map(|(_, service, host)| {
            let mistake = self.hosts.get(host)?.as_ref()?.mistake.clone()?;
            let remedy = "name a host that can be resolved, and not to a loopback or link-local address";
            Some(problem(&service.origin, "spec.externalName", mistake, remedy))
        })
    }

    fn used(&self) -> impl Iterator<Item = (&ObjectName, &Arc<Service>, &Arc<str>)> {
        let services = self.services.iter().filter(|(name, _)| self.used.contains_key(name));
        services.filter_map(|(name, service)| match &service.kind {
            ServiceKind::ExternalName(host) => Some((name, service, host)),
            ServiceKind::Endpoints => None,
        })
    }
}

impl Served {
    fn of(declared: &Arc<Service>, addresses: &Arc<[IpAddr]>) -> Self {
        let origin = &declared.origin;
        let ports = declared.ports.iter().map(|port| SlicePort {
            name: port.name.clone(),
            port: match port.target {
                TargetPort::Number(number) => Some(number),
                // Nothing outside has named ports of ours.
                TargetPort::Name(_) => Some(port.port),
            },
            app_protocol: port.app_protocol.clone(),
        });
        let endpoints = addresses.iter().map(|address| SliceEndpoint {
            addresses: vec![*address],
            ready: true,
            serving: true,
            terminating: false,
            labels: BTreeMap::new(),
        });
        let slice = EndpointSlice {
            origin: origin.clone(),
            service: Some(Arc::clone(&origin.name)),
            ports: ports.collect(),
            endpoints: endpoints.collect(),
        };
        let service = Service { kind: ServiceKind::Endpoints, ..(**declared).clone() };
        Self {
            declared: Arc::clone(declared),
            addresses: Arc::clone(addresses),
            service: Arc::new(service),
            slice: Arc::new(slice),
        }
    }
}

fn checked(mut all: Vec<IpAddr>) -> Answer {
    all.sort_unstable();
    all.dedup();
    let (refused, addresses): (Vec<IpAddr>, Vec<IpAddr>) = all.into_iter().partition(is_refused);
    let mistake = match (refused.first(), addresses.is_empty()) {
        (Some(address), _) => Some(format!("resolves to {address}, which is refused")),
        (None, true) => Some("resolves to no address".to_owned()),
        (None, false) => None,
    };
    Answer { addresses: addresses.into(), mistake }
}

/// Loopback, link-local, and what is no single host.
fn is_refused(address: &IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            v4.is_loopback() || v4.is_link_local() || v4.is_multicast() || v4.is_broadcast() || v4.octets()[0] == 0
        }
        IpAddr::V6(v6) => {
            let is_nat64 = v6.segments().starts_with(&[0x64, 0xff9b, 0, 0, 0, 0]);
            let embedded = is_nat64.then(|| embedded_v4(v6)).is_some_and(|address| is_refused(&address));
            v6.is_loopback() || v6.is_unspecified() || v6.is_unicast_link_local() || v6.is_multicast() || embedded
        }
    }
}

/// The IPv4 address that a NAT64 gateway would send it to (RFC 6052, section 2.2).
fn embedded_v4(address: Ipv6Addr) -> IpAddr {
    let [.., a, b, c, d] = address.octets();
    IpAddr::from([a, b, c, d])
}

fn name_of(service: &Service) -> ObjectName {
    ObjectName { namespace: Arc::clone(&service.origin.namespace), name: Arc::clone(&service.origin.name) }
}
