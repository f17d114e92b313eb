//! Which Service port a backend reference means: one [`Backend`] for a port, however often and however it is named.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::options::{self, Settings};
use super::{Fault, Problems};
use crate::config::{Ingress, IngressBackend, Service, ServiceKind, ServicePort, ServicePortRef};
use crate::problem::Origin;
use crate::service::Services;
use crate::snapshot::{Backend, BackendId, BackendKey, BackendProtocol, Balance};

pub struct Backends<'a> {
    services: &'a Services<'a>,
    /// By reference as written: the port's backend, or why there is none.
    known: HashMap<BackendKey, Result<BackendId, BackendFault>>,
    /// By key as kept.
    ids: HashMap<BackendKey, BackendId>,
    list: Vec<Backend>,
    /// Services whose protocol we do not speak.
    foreign: BTreeMap<(Origin, String), Fault>,
    /// Who set what by annotation: the oldest Ingress that does.
    balance_by: HashMap<BackendId, Origin>,
    protocol_by: HashMap<BackendId, Origin>,
}

/// Why a backend cannot be served.
#[derive(Debug, Clone)]
pub struct BackendFault {
    /// Below the backend's own field: `service.name`, `service.port`, `resource`, or nothing.
    pub field: &'static str,
    pub fault: Fault,
}

impl<'a> Backends<'a> {
    pub fn new(services: &'a Services<'a>) -> Self {
        Self {
            services,
            known: HashMap::new(),
            ids: HashMap::new(),
            list: Vec::new(),
            foreign: BTreeMap::new(),
            balance_by: HashMap::new(),
            protocol_by: HashMap::new(),
        }
    }

    pub fn finish(self, problems: &mut Problems) -> Vec<Backend> {
        for ((origin, field), fault) in self.foreign {
            problems.add(&origin, field, fault);
        }
        self.list
    }

    /// The backend of a rule, or of an Ingress.
    pub fn of(&mut self, namespace: &Arc<str>, backend: &IngressBackend) -> Result<BackendId, BackendFault> {
        match backend {
            IngressBackend::Service { name, port } => {
                self.port(BackendKey { namespace: namespace.clone(), service: name.clone(), port: port.clone() })
            }
            IngressBackend::Resource { kind, name } => Err(BackendFault {
                field: "resource",
                fault: Fault::new(format!("resource backends are not supported ({kind} {name})"), "Name a Service"),
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

    /// A Service's port; `key` as it was written.
    pub fn port(&mut self, key: BackendKey) -> Result<BackendId, BackendFault> {
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let found = find(self.services, &key).map(|(service, port)| {
            // By number, so that both ways to name a port share endpoints, connections and metrics.
            let kept = BackendKey { port: ServicePortRef::Number(port.port), ..key.clone() };
            let protocol = self.protocol(service, port);
            self.keep(kept, protocol)
        });
        self.known.insert(key, found.clone());
        found
    }

    /// A backend without endpoints, for a name that a policy may choose although there is no such port (yet).
    pub fn absent(&mut self, key: BackendKey) -> BackendId {
        self.keep(key, BackendProtocol::default())
    }

    fn keep(&mut self, key: BackendKey, protocol: BackendProtocol) -> BackendId {
        if let Some(&id) = self.ids.get(&key) {
            return id;
        }
        let id = BackendId(self.list.len() as u32);
        let port = match &key.port {
            ServicePortRef::Name(name) => name.to_string(),
            ServicePortRef::Number(number) => number.to_string(),
        };
        let name = format!("{}/{}:{port}", key.namespace, key.service).into();
        self.list.push(Backend { name, key: key.clone(), protocol, balance: Balance::default() });
        self.ids.insert(key, id);
        id
    }

    /// What the annotations of an Ingress say about the backends that it uses. They are the backend's own, shared by all
    /// Ingresses of the namespace: the oldest one that says something decides.
    pub fn set(&mut self, used: &[BackendId], settings: &Settings, ingress: &Ingress, problems: &mut Problems) {
        for &id in used {
            let Some(backend) = self.list.get_mut(id.0 as usize) else { continue };
            if let Some(balance) = settings.balance {
                let by = self.balance_by.entry(id).or_insert_with(|| ingress.origin.clone());
                decide(&mut backend.balance, balance, by, ingress, options::LOAD_BALANCE, &backend.name, problems);
            }
            if let Some(protocol) = settings.protocol {
                let by = self.protocol_by.entry(id).or_insert_with(|| ingress.origin.clone());
                decide(
                    &mut backend.protocol,
                    protocol,
                    by,
                    ingress,
                    options::BACKEND_PROTOCOL,
                    &backend.name,
                    problems,
                );
            }
        }
    }

    /// KEP-3726: `kubernetes.io/h2c`. Anything else is spoken to in HTTP/1.1, and named if it wants TLS.
    fn protocol(&mut self, service: &Service, port: &ServicePort) -> BackendProtocol {
        match port.app_protocol.as_deref() {
            Some("kubernetes.io/h2c") => BackendProtocol::H2c,
            Some(tls @ ("https" | "HTTPS" | "kubernetes.io/wss")) => {
                let at = service.ports.iter().position(|other| other == port).unwrap_or_default();
                let message =
                    format!("{tls} asks for TLS to the endpoints, which is not supported: they get plain HTTP/1.1");
                let fault = Fault::warning(message, "Name a port of the Service that speaks plain HTTP");
                self.foreign.insert((service.origin.clone(), format!("spec.ports[{at}].appProtocol")), fault);
                BackendProtocol::Http1
            }
            _ => BackendProtocol::Http1,
        }
    }
}

/// Sets a value that `by`, the oldest Ingress to say something, may set; another one that differs is told.
fn decide<T: PartialEq>(
    value: &mut T,
    wanted: T,
    by: &Origin,
    ingress: &Ingress,
    annotation: &str,
    backend: &str,
    problems: &mut Problems,
) {
    if *by == ingress.origin {
        *value = wanted;
    } else if *value != wanted {
        let message = format!("Ingress {} is older and says otherwise about {backend}", by.name);
        let fault = Fault::warning(message, "Say the same in all Ingresses that use this Service port");
        problems.add(&ingress.origin, options::field(annotation), fault);
    }
}

/// Every fault here is a warning: the Service may come or change without a word from the Ingress.
fn find<'a>(services: &Services<'a>, key: &BackendKey) -> Result<(&'a Service, &'a ServicePort), BackendFault> {
    let BackendKey { namespace, service: name, port } = key;
    let fault =
        |field, message: String, remedy: String| Err(BackendFault { field, fault: Fault::warning(message, remedy) });
    let Some(service) = services.get(namespace, name) else {
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
    if !found.is_tcp() {
        let message = format!("port {} of Service {namespace}/{name} is {}", found.port, found.protocol);
        return fault("service.port", message, "Name a TCP port".to_owned());
    }
    Ok((service, found))
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
