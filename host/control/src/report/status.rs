//! Which addresses the status of an Ingress should have.

use std::sync::Arc;

use k8s_openapi::api::networking::v1::Ingress;

use super::Address;

/// `status.loadBalancer.ingress` of an Ingress; entries that say no address are left out, ports are not looked at.
pub fn addresses(ingress: &Ingress) -> Arc<[Address]> {
    let balancer = ingress.status.as_ref().and_then(|status| status.load_balancer.as_ref());
    let entries = balancer.and_then(|balancer| balancer.ingress.as_deref()).unwrap_or_default();
    entries.iter().filter_map(|entry| address(entry.ip.as_deref(), entry.hostname.as_deref())).collect()
}

fn address(ip: Option<&str>, hostname: Option<&str>) -> Option<Address> {
    match (ip.and_then(|ip| ip.parse().ok()), hostname.filter(|name| !name.is_empty())) {
        (Some(ip), _) => Some(Address::Ip(ip)),
        (None, Some(hostname)) => Some(Address::Hostname(hostname.into())),
        (None, None) => None,
    }
}
