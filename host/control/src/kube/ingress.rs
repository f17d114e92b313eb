//! What an Ingress declares: its rules, backends and TLS hosts, as written.
//!
//! A backend that is not exactly one thing is kept as `Invalid`, so that only its own path is lost; hosts, path types
//! and annotations are judged by `compile`.

use std::sync::Arc;

use cardea_model::config;
use cardea_model::config::ServicePortRef;
use cardea_model::problem::Problem;
use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, Ingress, IngressBackend, IngressRule, IngressServiceBackend, IngressTLS,
};

use super::{Place, created, port, problem, shared};

/// # Errors
/// A name or the whole `spec` is missing.
pub fn read(place: &Place, ingress: Ingress) -> Result<config::Ingress, Vec<Problem>> {
    let origin = place.namespaced("Ingress", &ingress.metadata)?;
    let created = created(&ingress.metadata);
    let Some(spec) = ingress.spec else {
        return Err(vec![problem(&origin, "spec", "is missing", "declare rules or a defaultBackend")]);
    };
    Ok(config::Ingress {
        origin,
        created,
        class_name: shared(spec.ingress_class_name),
        annotations: ingress.metadata.annotations.unwrap_or_default(),
        default_backend: spec.default_backend.map(backend),
        rules: spec.rules.unwrap_or_default().into_iter().map(rule).collect(),
        tls: spec.tls.unwrap_or_default().into_iter().map(tls).collect(),
    })
}

fn rule(rule: IngressRule) -> config::IngressRule {
    config::IngressRule {
        host: shared(rule.host),
        paths: rule.http.map(|http| http.paths.into_iter().map(path).collect()),
    }
}

fn path(path: HTTPIngressPath) -> config::IngressPath {
    config::IngressPath {
        path: shared(path.path),
        // The wire type makes an absent `pathType` the empty string.
        path_type: Some(path.path_type).filter(|kind| !kind.is_empty()).map(Arc::from),
        backend: backend(path.backend),
    }
}

fn tls(tls: IngressTLS) -> config::IngressTls {
    config::IngressTls {
        hosts: tls.hosts.unwrap_or_default().into_iter().map(Arc::from).collect(),
        secret_name: shared(tls.secret_name.filter(|name| !name.is_empty())),
    }
}

fn backend(backend: IngressBackend) -> config::IngressBackend {
    match (backend.service, backend.resource) {
        (Some(service), None) => service_backend(service),
        (None, Some(resource)) => {
            let group = resource.api_group.unwrap_or_default();
            config::IngressBackend::Resource { group, kind: resource.kind, name: resource.name }
        }
        (Some(_), Some(_)) => invalid("names both a service and a resource"),
        (None, None) => invalid("names neither a service nor a resource"),
    }
}

fn service_backend(service: IngressServiceBackend) -> config::IngressBackend {
    if service.name.is_empty() {
        return invalid("service.name is missing");
    }
    let reference = service.port.map(|port| (port.name.filter(|name| !name.is_empty()), port.number));
    let port = match reference.unwrap_or_default() {
        (Some(name), None) => ServicePortRef::Name(name.into()),
        (None, Some(number)) => match port(number) {
            Some(number) => ServicePortRef::Number(number),
            None => return invalid(format!("service.port.number {number} is not between 1 and 65535")),
        },
        (Some(_), Some(_)) => return invalid("service.port has both a name and a number"),
        (None, None) => return invalid("service.port has neither a name nor a number"),
    };
    config::IngressBackend::Service { name: service.name.into(), port }
}

fn invalid(message: impl Into<String>) -> config::IngressBackend {
    config::IngressBackend::Invalid { message: message.into() }
}
