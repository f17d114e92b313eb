//! Which addresses the status of an Ingress should have.
//!
//! An Ingress of ours has the published addresses. One that was ours and is no longer loses them, if it was we who wrote
//! what is there: the object's managed fields tell. While nothing is published, or it is not known yet what, every status
//! stays as it is; and nothing is removed because a replica stops.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use serde_json::{Value, json};

use super::{Address, KnownIngress};

/// What an Ingress should come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    AsItIs,
    /// These and no others.
    Publish(Arc<[Address]>),
    /// None, if what is there is of our writing.
    RemoveOurs,
}

/// `was_served` since this process has begun; `published` is `None` while it is not known.
pub fn wanted(ingress: &KnownIngress, is_served: bool, was_served: bool, published: Option<&Arc<[Address]>>) -> Wanted {
    let Some(published) = published else { return Wanted::AsItIs };
    match is_served {
        true if same(&ingress.addresses, published) => Wanted::AsItIs,
        true if published.is_empty() => Wanted::RemoveOurs,
        true => Wanted::Publish(Arc::clone(published)),
        false if ingress.addresses.is_empty() => Wanted::AsItIs,
        // The process may have begun after the class changed; equal addresses are then the only trace.
        false if was_served || same(&ingress.addresses, published) => Wanted::RemoveOurs,
        false => Wanted::AsItIs,
    }
}

/// In any order; mostly in the one that we write.
fn same(left: &[Address], right: &[Address]) -> bool {
    left == right || (left.len() == right.len() && left.iter().collect::<BTreeSet<_>>() == right.iter().collect())
}

/// `status.loadBalancer.ingress` of an Ingress; entries that say no address are left out, ports are not looked at.
pub fn addresses(ingress: &Ingress) -> Arc<[Address]> {
    let balancer = ingress.status.as_ref().and_then(|status| status.load_balancer.as_ref());
    let entries = balancer.and_then(|balancer| balancer.ingress.as_deref()).unwrap_or_default();
    entries.iter().filter_map(|entry| address(entry.ip.as_deref(), entry.hostname.as_deref())).collect()
}

pub(super) fn address(ip: Option<&str>, hostname: Option<&str>) -> Option<Address> {
    match (ip.and_then(|ip| ip.parse().ok()), hostname.filter(|name| !name.is_empty())) {
        (Some(ip), _) => Some(Address::Ip(ip)),
        (None, Some(hostname)) => Some(Address::Hostname(hostname.into())),
        (None, None) => None,
    }
}

/// A JSON merge patch of the status subresource: it replaces the list as a whole, and only of this version of the object.
///
/// Not server-side apply: the list is atomic, so applying it would own nothing finer, while a plain patch with a
/// precondition is refused when somebody else wrote, and removal needs no other form.
pub fn patch(resource_version: &str, addresses: &[Address]) -> Value {
    let entries: Vec<Value> = addresses
        .iter()
        .map(|address| match address {
            Address::Ip(ip) => json!({ "ip": ip.to_string() }),
            Address::Hostname(hostname) => json!({ "hostname": &**hostname }),
        })
        .collect();
    let entries = if entries.is_empty() { Value::Null } else { Value::Array(entries) };
    json!({
        "metadata": { "resourceVersion": resource_version },
        "status": { "loadBalancer": { "ingress": entries } },
    })
}

/// What tells who wrote the addresses of an Ingress, and the conditions of a Policy: of a condition, only what has
/// changed is owned by whom has changed it.
pub const ADDRESSES: &str = "/f:status/f:loadBalancer/f:ingress";
pub const CONDITIONS: &str = r#"/f:status/f:conditions/k:{"type":"Programmed"}/f:reason"#;

/// Whether `manager`, and nobody else, wrote what an object has in a field.
pub fn is_written_by(manager: &str, field: &str, entries: &[ManagedFieldsEntry]) -> bool {
    let owns =
        |entry: &ManagedFieldsEntry| entry.fields_v1.as_ref().and_then(|fields| fields.0.pointer(field)).is_some();
    let mut owners = entries.iter().filter(|entry| owns(entry));
    owners.next().is_some_and(|first| first.manager.as_deref() == Some(manager)) && owners.next().is_none()
}

#[cfg(test)]
mod tests;
