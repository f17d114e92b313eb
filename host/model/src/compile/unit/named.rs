//! The annotation `cardea.dev/backends`: what a policy may choose beyond the rule's own backend.

use std::sync::Arc;

use super::super::Fault;
use super::{Context, reference};
use crate::config::ServicePortRef;
use crate::snapshot::BackendKey;

/// Longest name, and most names, of one Ingress.
const NAME_BYTES_MAX: usize = 63;
const NAMES_MAX: usize = 64;

#[derive(Debug)]
pub(super) struct Named {
    /// Sorted by name.
    pub list: Vec<(Arc<str>, BackendKey)>,
    /// Names whose Service port does not exist. They have a backend without endpoints, so that only requests for which a
    /// policy chooses it are answered 503.
    pub absent: Vec<Fault>,
}

/// Reads `name=service:port, ...`. A fault closes the routes, since nobody knows what was meant.
pub(super) fn read(annotation: &str, namespace: &Arc<str>, context: &impl Context) -> Result<Named, Fault> {
    let mut named = Named { list: Vec::new(), absent: Vec::new() };
    for item in annotation.split(',').map(str::trim) {
        let (name, service, port) = parts(item).ok_or_else(|| {
            Fault::new(
                format!("{item:?} is not name=service:port"),
                "Write a list such as canary=shop-next:80, beta=shop-beta:http",
            )
        })?;
        if named.list.iter().any(|(other, _)| **other == *name) {
            return Err(Fault::new(format!("the name {name} is used twice"), "Give each backend its own name"));
        }
        let key = BackendKey { namespace: namespace.clone(), service: service.into(), port };
        let key = reference::port(key.clone(), context).unwrap_or_else(|found| {
            let message = format!("{name}: {}, so requests that a policy sends there answer 503", found.fault.message);
            named.absent.push(Fault { message, ..found.fault });
            key
        });
        named.list.push((name.into(), key));
    }
    if named.list.len() > NAMES_MAX {
        return Err(Fault::new(format!("{} backends are more than {NAMES_MAX}", named.list.len()), "Name fewer"));
    }
    named.list.sort_unstable();
    Ok(named)
}

/// The Services that the annotation names, as far as it can be read.
pub(super) fn services(annotation: &str) -> impl Iterator<Item = &str> {
    annotation.split(',').filter_map(|item| parts(item.trim())).map(|(_, service, _)| service)
}

fn parts(item: &str) -> Option<(&str, &str, ServicePortRef)> {
    let (name, target) = item.split_once('=')?;
    let (service, port) = target.split_once(':')?;
    let (name, service, port) = (name.trim(), service.trim(), port.trim());
    if name.len() > NAME_BYTES_MAX || ![name, service, port].into_iter().all(is_name) {
        return None;
    }
    // A port's name has a letter (Kubernetes API, IANA_SVC_NAME), so digits are a number.
    let port = match port.bytes().all(|byte| byte.is_ascii_digit()) {
        true => ServicePortRef::Number(port.parse().ok().filter(|&number| number != 0)?),
        false => ServicePortRef::Name(port.into()),
    };
    Some((name, service, port))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}
