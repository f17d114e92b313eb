//! Which Service port a backend reference means: one key for a port, however it is named.

use std::sync::Arc;

use super::super::Fault;
use super::Context;
use crate::config::{IngressBackend, Service, ServiceKind, ServicePort, ServicePortRef};
use crate::snapshot::BackendKey;

/// Why a backend cannot be served.
#[derive(Debug, Clone)]
pub(super) struct BackendFault {
    /// Below the backend's own field: `service.name`, `service.port`, `resource`, `resource.name`, or nothing.
    pub field: &'static str,
    pub fault: Fault,
}

/// The name of the Policy that is the backend, if it is one.
pub(super) fn policy(backend: &IngressBackend) -> Option<&str> {
    match backend {
        IngressBackend::Resource { group, kind, name } if group == "cardea.dev" && kind == "Policy" => Some(name),
        _ => None,
    }
}

/// Every fault here is a warning, as for a Service.
pub(super) fn answering(namespace: &str, name: &str, context: &impl Context) -> Result<(), BackendFault> {
    if context.has_policy(namespace, name) {
        return Ok(());
    }
    let remedy = format!("Declare the Policy in namespace {namespace}, or name one that exists");
    let fault = Fault::warning(format!("there is no Policy {namespace}/{name}"), remedy);
    Err(BackendFault { field: "resource.name", fault })
}

/// The backend of a rule, or of an Ingress.
pub(super) fn read(
    namespace: &Arc<str>,
    backend: &IngressBackend,
    context: &impl Context,
) -> Result<BackendKey, BackendFault> {
    match backend {
        IngressBackend::Service { name, port } => {
            let key = BackendKey { namespace: namespace.clone(), service: name.clone(), port: port.clone() };
            self::port(key, context)
        }
        IngressBackend::Resource { kind, name, .. } => Err(BackendFault {
            field: "resource",
            fault: Fault::new(
                format!("a resource of this kind is not a backend ({kind} {name})"),
                "Name a Service, or a Policy of apiGroup cardea.dev that answers itself",
            ),
        }),
        IngressBackend::Invalid { message } => Err(BackendFault {
            field: "",
            fault: Fault::new(
                message.clone(),
                "Give service.name, and either service.port.name or service.port.number",
            ),
        }),
    }
}

/// The key that the port is kept under: by number, so that both ways to name a port share endpoints, connections and
/// metrics.
pub(super) fn port(key: BackendKey, context: &impl Context) -> Result<BackendKey, BackendFault> {
    let service = context.service(&key.namespace, &key.service);
    let number = check(service, &key)?.port;
    Ok(BackendKey { port: ServicePortRef::Number(number), ..key })
}

/// A port that can be served.
pub fn find<'a>(service: Option<&'a Service>, port: &ServicePortRef) -> Option<&'a ServicePort> {
    let service = service.filter(|service| service.kind == ServiceKind::Endpoints)?;
    service.port(port).filter(|port| port.is_tcp())
}

/// Every fault here is a warning: the Service may come or change without a word from the Ingress.
fn check<'a>(service: Option<&'a Service>, key: &BackendKey) -> Result<&'a ServicePort, BackendFault> {
    if let Some(found) = find(service, &key.port) {
        return Ok(found);
    }
    let BackendKey { namespace, service: name, port } = key;
    let fault =
        |field, message: String, remedy: String| Err(BackendFault { field, fault: Fault::warning(message, remedy) });
    let Some(service) = service else {
        let remedy = format!("Declare the Service in namespace {namespace}, or name one that exists");
        return fault("service.name", format!("there is no Service {namespace}/{name}"), remedy);
    };
    if let ServiceKind::ExternalName(target) = &service.kind {
        let message =
            format!("Service {namespace}/{name} is an ExternalName ({target}), which could point at anything");
        return fault("service.name", message, "Use a Service with EndpointSlices".to_owned());
    }
    let Some(found) = service.port(port) else {
        let (field, what) = match port {
            ServicePortRef::Name(name) => ("service.port.name", format!("port named {name}")),
            ServicePortRef::Number(number) => ("service.port.number", format!("port {number}")),
        };
        let remedy = format!("Use a port of the Service (not of its pods): {}", ports(service));
        return fault(field, format!("Service {namespace}/{name} has no {what}"), remedy);
    };
    let message = format!("port {} of Service {namespace}/{name} is {}", found.port, found.protocol);
    fault("service.port", message, "Name a TCP port".to_owned())
}

/// `http (80), 8080`: what the author may choose from.
fn ports(service: &Service) -> String {
    let described = service.ports.iter().filter(|port| port.is_tcp()).map(|port| match port.name() {
        Some(name) => format!("{name} ({})", port.port),
        None => port.port.to_string(),
    });
    let described: Vec<String> = described.collect();
    if described.is_empty() { "it has none".to_owned() } else { described.join(", ") }
}
