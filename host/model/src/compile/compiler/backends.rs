//! One backend for a Service port, as long as an Ingress uses it; its settings are those of the oldest that says any.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::known::Known;
use super::ledger::{Ledger, Matter};
use super::units::{Age, Units};
use crate::compile::Fault;
use crate::compile::options::{self, Settings};
use crate::compile::unit::{Context, Target, find_port};
use crate::config::{Service, ServicePort, ServicePortRef};
use crate::paged::{Numbers, Paged};
use crate::problem::Problem;
use crate::snapshot::{Action, Backend, BackendId, BackendKey, BackendProtocol, Balance};

#[derive(Debug, Default)]
pub struct Backends {
    ids: HashMap<BackendKey, BackendId>,
    nodes: Vec<Option<Node>>,
    numbers: Numbers,
    list: Paged<Backend>,
    /// To look at when all are taken and released.
    touched: Vec<BackendId>,
    changed: Vec<BackendId>,
}

#[derive(Debug)]
struct Node {
    name: Arc<str>,
    key: BackendKey,
    uses: usize,
    /// What Ingresses say about it; only those that do.
    said: BTreeMap<Age, (Option<Balance>, Option<BackendProtocol>)>,
}

impl Backends {
    pub fn take(&mut self, key: &BackendKey) -> BackendId {
        let id = match self.ids.get(key) {
            Some(id) => *id,
            None => self.add(key),
        };
        if let Some(node) = self.node(id) {
            node.uses += 1;
        }
        self.touched.push(id);
        id
    }

    pub fn release(&mut self, id: BackendId) {
        if let Some(node) = self.node(id) {
            node.uses -= 1;
        }
        self.touched.push(id);
    }

    /// What it was made from may have changed.
    pub fn touch_if(&mut self, id: BackendId, is_meant: impl FnOnce(&BackendKey) -> bool) {
        if self.node(id).is_some_and(|node| is_meant(&node.key)) {
            self.touched.push(id);
        }
    }

    pub fn id(&self, key: &BackendKey) -> Option<BackendId> {
        self.ids.get(key).copied()
    }

    /// Of a target whose backend is taken.
    pub fn action(&self, target: &Target) -> Action {
        match target {
            Target::Unavailable(why) => Action::Unavailable(why.clone()),
            Target::Policy(_) => Action::Answer,
            Target::Backend(key) => match self.id(key) {
                Some(id) => Action::Forward(id),
                None => Action::Unavailable("its backend is not known".into()),
            },
        }
    }

    /// What the annotations of an Ingress say about the backends that it uses. They are the backend's own, shared by all
    /// Ingresses of the namespace.
    pub fn say(&mut self, used: &[BackendId], age: &Age, settings: &Settings) {
        if settings.balance.is_none() && settings.protocol.is_none() {
            return;
        }
        for &id in used {
            if let Some(node) = self.node(id) {
                node.said.insert(age.clone(), (settings.balance, settings.protocol));
            }
        }
    }

    pub fn unsay(&mut self, used: &[BackendId], age: &Age) {
        for &id in used {
            if let Some(node) = self.node(id) {
                node.said.remove(age);
            }
        }
    }

    pub fn settle(&mut self, known: &Known, units: &Units, ledger: &mut Ledger) {
        for id in super::distinct(&mut self.touched) {
            let Some(node) = self.nodes.get(id.0 as usize).and_then(Option::as_ref) else { continue };
            let backend = (node.uses > 0).then(|| node.backend(id, known, units, ledger));
            if backend.is_none() {
                self.ids.remove(&node.key);
                self.numbers.give_back(id.0);
                ledger.set_backend(id.0, None);
                if let Some(node) = self.nodes.get_mut(id.0 as usize) {
                    *node = None;
                }
            }
            if self.list.get(id.0 as usize) != backend.as_ref() {
                self.list.set(id.0 as usize, backend);
                self.changed.push(id);
            }
        }
    }

    pub fn list(&self) -> &Paged<Backend> {
        &self.list
    }

    /// Since this was asked last.
    pub fn changed(&mut self) -> Vec<BackendId> {
        super::distinct(&mut self.changed)
    }

    fn add(&mut self, key: &BackendKey) -> BackendId {
        let number = self.numbers.take();
        if self.nodes.len() <= number as usize {
            self.nodes.resize_with(number as usize + 1, || None);
        }
        if let Some(place) = self.nodes.get_mut(number as usize) {
            *place = Some(Node { name: name(key), key: key.clone(), uses: 0, said: BTreeMap::new() });
        }
        self.ids.insert(key.clone(), BackendId(number));
        BackendId(number)
    }

    fn node(&mut self, id: BackendId) -> Option<&mut Node> {
        self.nodes.get_mut(id.0 as usize)?.as_mut()
    }
}

impl Node {
    /// The backend as it is now, and what is wrong with it told.
    fn backend(&self, id: BackendId, known: &Known, units: &Units, ledger: &mut Ledger) -> Backend {
        let service = known.service(&self.key.namespace, &self.key.service);
        let port = service.zip(find_port(service, &self.key.port));
        let (protocol, problem) =
            port.map_or((BackendProtocol::default(), None), |(service, port)| protocol(service, port));
        ledger.set_backend(id.0, problem);
        let balances = self.said.iter().filter_map(|(age, (balance, _))| balance.map(|balance| (age, balance)));
        let protocols = self.said.iter().filter_map(|(age, (_, protocol))| protocol.map(|protocol| (age, protocol)));
        let mut differ = |age: &Age, first: &Age, matter: Matter, annotation: &str, differs: bool| {
            let problem = differs.then(|| self.contested(units, age, first, annotation)).flatten();
            ledger.contest(age.unit, matter, problem);
        };
        let balance = decide(balances, |age, first, differs| {
            differ(age, first, Matter::Balance(id.0), options::LOAD_BALANCE, differs);
        });
        let said = decide(protocols, |age, first, differs| {
            differ(age, first, Matter::Protocol(id.0), options::BACKEND_PROTOCOL, differs);
        });
        Backend {
            name: self.name.clone(),
            key: self.key.clone(),
            protocol: said.unwrap_or(protocol),
            balance: balance.unwrap_or_default(),
        }
    }

    fn contested(&self, units: &Units, age: &Age, first: &Age, annotation: &str) -> Option<Problem> {
        let (origin, owner) = (&units.get(age.unit)?.ingress.origin, &units.get(first.unit)?.ingress.origin);
        let message = format!("Ingress {} is older and says otherwise about {}", owner.name, self.name);
        let fault = Fault::warning(message, "Say the same in all Ingresses that use this Service port");
        Some(fault.at(origin, options::field(annotation)))
    }
}

/// The first value, which is the oldest Ingress'; tells of each whether it differs from that.
fn decide<'a, T: PartialEq + Copy>(
    mut said: impl Iterator<Item = (&'a Age, T)>,
    mut tell: impl FnMut(&Age, &Age, bool),
) -> Option<T> {
    let (first, value) = said.next()?;
    tell(first, first, false);
    for (age, other) in said {
        tell(age, first, other != value);
    }
    Some(value)
}

/// KEP-3726: `kubernetes.io/h2c`. Anything else is spoken to in HTTP/1.1, and named if it wants TLS.
fn protocol(service: &Service, port: &ServicePort) -> (BackendProtocol, Option<Problem>) {
    match port.app_protocol.as_deref() {
        Some("kubernetes.io/h2c") => (BackendProtocol::H2c, None),
        Some(tls @ ("https" | "HTTPS" | "kubernetes.io/wss")) => {
            let at = service.ports.iter().position(|other| other == port).unwrap_or_default();
            let message =
                format!("{tls} asks for TLS to the endpoints, which is not supported: they get plain HTTP/1.1");
            let fault = Fault::warning(message, "Name a port of the Service that speaks plain HTTP");
            (BackendProtocol::Http1, Some(fault.at(&service.origin, format!("spec.ports[{at}].appProtocol"))))
        }
        _ => (BackendProtocol::Http1, None),
    }
}

fn name(key: &BackendKey) -> Arc<str> {
    match &key.port {
        ServicePortRef::Name(port) => format!("{}/{}:{port}", key.namespace, key.service).into(),
        ServicePortRef::Number(port) => format!("{}/{}:{port}", key.namespace, key.service).into(),
    }
}
