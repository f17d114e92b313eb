//! What a Service offers: its ports, and whether it is only a name for something outside.

use std::sync::Arc;

use cardea_model::config;
use cardea_model::config::{ServiceKind, TargetPort};
use cardea_model::problem::{Origin, Problem};
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{Place, port, problem, shared};

/// # Errors
/// A name is missing, a port is out of range, several ports are not all named, or an ExternalName names nothing.
pub fn read(place: &Place, service: Service) -> Result<config::Service, Vec<Problem>> {
    let origin = place.namespaced("Service", &service.metadata)?;
    let mut problems = Vec::new();
    let spec = service.spec.unwrap_or_default();
    let kind = kind(&origin, &spec, &mut problems);
    let wire = spec.ports.unwrap_or_default();
    let single = wire.len() == 1;
    let ports = wire.into_iter().enumerate();
    let ports = ports.filter_map(|(at, port)| service_port(&origin, at, single, port, &mut problems)).collect();
    match problems.is_empty() {
        true => Ok(config::Service { origin, kind, ports }),
        false => Err(problems),
    }
}

fn kind(origin: &Origin, spec: &ServiceSpec, problems: &mut Vec<Problem>) -> ServiceKind {
    if spec.type_.as_deref() != Some("ExternalName") {
        return ServiceKind::Endpoints;
    }
    let name = spec.external_name.as_deref().unwrap_or_default();
    if name.is_empty() {
        let remedy = "name the outside host, or leave out type: ExternalName";
        problems.push(problem(origin, "spec.externalName", "is missing", remedy));
    }
    ServiceKind::ExternalName(name.into())
}

fn service_port(
    origin: &Origin,
    at: usize,
    single: bool,
    wire: ServicePort,
    problems: &mut Vec<Problem>,
) -> Option<config::ServicePort> {
    let field = format!("spec.ports[{at}]");
    let name = shared(wire.name.filter(|name| !name.is_empty()));
    if name.is_none() && !single {
        let remedy = "name each port of a Service that has several";
        problems.push(problem(origin, format!("{field}.name"), "is missing", remedy));
    }
    let number = checked(origin, format!("{field}.port"), wire.port, problems)?;
    let target = match wire.target_port {
        None => TargetPort::Number(number),
        // 0 and "" are what the API server takes for "not given".
        Some(IntOrString::Int(0)) => TargetPort::Number(number),
        Some(IntOrString::Int(target)) => {
            TargetPort::Number(checked(origin, format!("{field}.targetPort"), target, problems)?)
        }
        Some(IntOrString::String(target)) if target.is_empty() => TargetPort::Number(number),
        Some(IntOrString::String(target)) => TargetPort::Name(target.into()),
    };
    Some(config::ServicePort {
        name,
        port: number,
        target,
        protocol: shared(wire.protocol).unwrap_or_else(|| Arc::from("TCP")),
        app_protocol: shared(wire.app_protocol),
    })
}

fn checked(origin: &Origin, field: String, number: i32, problems: &mut Vec<Problem>) -> Option<u16> {
    let checked = port(number);
    if checked.is_none() {
        problems.push(problem(origin, field, format!("{number} is not a port"), "give a number between 1 and 65535"));
    }
    checked
}
