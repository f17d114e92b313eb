//! What one Ingress says: read by itself, against the objects that it names.
//!
//! Whoever knows those objects can ask: the compiler, which goes on to settle which of several Ingresses has a place, and
//! an admission check, which has only this one in hand.

mod certificate;
mod chain;
mod named;
mod precedence;
mod reference;

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, LazyLock};

use super::class::Classes;
use super::options::{self, Settings};
use super::path::{self, Reading};
use super::{Fault, HOST_REMEDY, Problems};
use crate::config::{Ingress, IngressBackend, IngressPath, IngressRule, Service};
use crate::host::HostPattern;
use crate::problem::{Origin, Problem, Severity};
use crate::snapshot::{BackendKey, PathKind};

pub use certificate::Certificate;
pub use precedence::Precedence;
use reference::BackendFault;
pub use reference::find as find_port;

/// The objects that an Ingress may name, as they are now.
pub trait Context {
    fn classes(&self) -> &Classes;
    fn service(&self, namespace: &str, name: &str) -> Option<&Service>;
    fn has_policy(&self, namespace: &str, name: &str) -> bool;
    fn has_secret(&self, namespace: &str, name: &str) -> bool;
}

/// One Ingress as read.
#[derive(Debug, Default)]
pub struct Unit {
    /// It is of a class of ours. Of others there is nothing here but problems with their class.
    pub is_served: bool,
    /// Everything that is wrong with it, but for what other Ingresses have.
    pub problems: Vec<Problem>,
    /// What it declares: each place once.
    pub rules: Vec<Rule>,
    /// The hosts of its rules, each once: their requests reach no wildcard's rules any more.
    pub hosts: Vec<HostPattern>,
    /// What answers for every host, if this is the Ingress that decides it.
    pub default: Option<Target>,
    /// Declares nothing but that default backend.
    pub is_without_rules: bool,
    /// Which Secret proves which host.
    pub certificates: Vec<Certificate>,
    /// Its policies by name, in the order of requests.
    pub chain: Option<Vec<Arc<str>>>,
    /// Backends that a policy may choose, sorted by name.
    pub named: Vec<(Arc<str>, BackendKey)>,
    /// Every Service port that it refers to, sorted, each once.
    pub backends: Vec<BackendKey>,
    pub(super) settings: Settings,
}

/// A rule's claim to a place.
#[derive(Debug)]
pub struct Rule {
    pub place: Place,
    /// The path as declared.
    pub text: Arc<str>,
    pub field: Field,
    pub target: Target,
}

/// Where requests match. One Ingress has a place; others that declare it wait.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    pub host: HostPattern,
    /// Normalised, as requests are; `/` for a default backend.
    pub path: Arc<str>,
    pub kind: PathKind,
}

/// What a rule answers with.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    Backend(BackendKey),
    /// A Policy of its namespace, by name.
    Policy(Arc<str>),
    /// 503, and why.
    Unavailable(Arc<str>),
}

/// Which field declares a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// `spec.rules[0].http.paths[1].path`
    Path { rule: u32, path: u32 },
    /// `spec.defaultBackend`
    Default,
}

impl Field {
    /// The field of the backend, and what is below it, if anything.
    fn backend(self, below: &str) -> String {
        let dot = if below.is_empty() { "" } else { "." };
        match self {
            Self::Path { rule, path } => format!("spec.rules[{rule}].http.paths[{path}].backend{dot}{below}"),
            Self::Default => format!("spec.defaultBackend{dot}{below}"),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path { rule, path } => write!(f, "spec.rules[{rule}].http.paths[{path}].path"),
            Self::Default => f.write_str("spec.defaultBackend"),
        }
    }
}

/// Reads an Ingress; takes time in proportion to it.
pub fn read(ingress: &Ingress, context: &impl Context) -> Unit {
    let mut problems = Problems::default();
    if !context.classes().serve(ingress, &mut problems) {
        return Unit { problems: problems.list, ..Unit::default() };
    }
    let mut reader = Reader {
        ingress,
        context,
        problems,
        unit: Unit { is_served: true, is_without_rules: ingress.rules.is_empty(), ..Unit::default() },
        closed: None,
        places: HashSet::new(),
    };
    reader.annotations();
    for (at, rule) in ingress.rules.iter().enumerate() {
        reader.rule(at, rule);
    }
    reader.default();
    reader.unit.certificates = certificate::read(ingress, context, &mut reader.problems);
    reader.finish()
}

/// The Services of its namespace whose presence and ports decide how an Ingress reads; some of them more than once.
pub fn services(ingress: &Ingress) -> impl Iterator<Item = &str> {
    let by_field = backends(ingress).filter_map(|backend| match backend {
        IngressBackend::Service { name, .. } => Some(&**name),
        _ => None,
    });
    let annotation = ingress.annotations.get(options::BACKENDS);
    by_field.chain(annotation.into_iter().flat_map(|annotation| named::services(annotation)))
}

/// The Policies of its namespace whose presence decides how an Ingress reads.
pub fn policies(ingress: &Ingress) -> impl Iterator<Item = &str> {
    let annotation = ingress.annotations.get(options::POLICIES);
    let answering = backends(ingress).filter_map(reference::policy);
    annotation.into_iter().flat_map(|annotation| chain::names(annotation)).chain(answering)
}

fn backends(ingress: &Ingress) -> impl Iterator<Item = &IngressBackend> {
    let paths = ingress.rules.iter().filter_map(|rule| rule.paths.as_ref()).flatten();
    paths.map(|path| &path.backend).chain(&ingress.default_backend)
}

/// The Secrets of its namespace whose presence decides how an Ingress reads.
pub fn secrets(ingress: &Ingress) -> impl Iterator<Item = &str> {
    ingress.tls.iter().filter_map(certificate::secret).map(|name| &**name)
}

/// What is told to an Ingress that declares a place which an older one has.
pub fn taken(rule: &Rule, origin: &Origin, owner: &Origin) -> Problem {
    taken_at(rule.field, &rule.place.host, &rule.text, origin, owner)
}

pub(super) fn taken_at(field: Field, host: &HostPattern, path: &str, origin: &Origin, owner: &Origin) -> Problem {
    let by = format!("Ingress {}/{}, which is older,", owner.namespace, owner.name);
    let fault = Fault { severity: severity_against(origin, owner), ..taken_by(&by, host, path) };
    fault.at(origin, field.to_string())
}

/// What is told to an Ingress without rules where an older one has the default backend.
pub fn default_taken(origin: &Origin, owner: &Origin) -> Problem {
    let message = format!("{}/{} is older, and has the default backend for every host", owner.namespace, owner.name);
    let fault = Fault::new(message, "Keep one Ingress without rules, or give this one rules");
    Fault { severity: severity_against(origin, owner), ..fault }.at(origin, "spec.defaultBackend")
}

/// A namespace may move what it has from one Ingress to another; it may not take what another namespace has.
pub fn severity_against(origin: &Origin, owner: &Origin) -> Severity {
    if origin.namespace == owner.namespace { Severity::Warning } else { Severity::Error }
}

struct Reader<'a, C> {
    ingress: &'a Ingress,
    context: &'a C,
    problems: Problems,
    unit: Unit,
    /// Why all of its routes answer 503.
    closed: Option<Arc<str>>,
    /// Those of the rules so far, if there is more than one path.
    places: HashSet<Place>,
}

impl<C: Context> Reader<'_, C> {
    fn finish(self) -> Unit {
        let mut unit = Unit { problems: self.problems.list, ..self.unit };
        unit.backends.sort_unstable();
        unit.backends.dedup();
        unit
    }

    fn tell(&mut self, field: impl Into<String>, fault: Fault) {
        self.problems.add(&self.ingress.origin, field, fault);
    }

    fn annotations(&mut self) {
        let ingress = self.ingress;
        self.unit.settings = options::read(ingress, &mut self.problems);
        if let Some(annotation) = ingress.annotations.get(options::BACKENDS) {
            match named::read(annotation, &ingress.origin.namespace, self.context) {
                Ok(named) => {
                    for fault in named.absent {
                        self.tell(options::field(options::BACKENDS), fault);
                    }
                    self.unit.backends.extend(named.list.iter().map(|(_, key)| key.clone()));
                    self.unit.named = named.list;
                }
                Err(fault) => self.close(options::BACKENDS, fault),
            }
        }
        if let Some(annotation) = ingress.annotations.get(options::POLICIES) {
            match chain::read(annotation, &ingress.origin.namespace, self.context) {
                Ok(chain) => self.unit.chain = Some(chain),
                Err(fault) => self.close(options::POLICIES, fault),
            }
        }
    }

    fn close(&mut self, annotation: &str, fault: Fault) {
        self.closed = Some(format!("{annotation}: {}", fault.message).into());
        let remedy = format!("{}; until then the routes of this Ingress answer 503", fault.remedy);
        self.tell(options::field(annotation), Fault { remedy, ..fault });
    }

    fn rule(&mut self, at: usize, rule: &IngressRule) {
        let host = match HostPattern::parse(rule.host.as_deref().unwrap_or_default()) {
            Ok(host) => host,
            Err(error) => {
                return self.tell(format!("spec.rules[{at}].host"), Fault::new(error.to_string(), HOST_REMEDY));
            }
        };
        if !self.unit.hosts.contains(&host) {
            self.unit.hosts.push(host.clone());
        }
        let paths = rule.paths.as_deref().unwrap_or_default();
        if paths.is_empty() && rule.paths.is_some() {
            let fault =
                Fault::new("the rule has no path", "Declare one, or leave http out to mean the default backend");
            self.tell(format!("spec.rules[{at}].http.paths"), fault);
        }
        for (number, declared) in paths.iter().enumerate() {
            self.path((at, number), &host, declared);
        }
    }

    fn path(&mut self, (rule, path): (usize, usize), host: &HostPattern, declared: &IngressPath) {
        let at = Field::Path { rule: rule as u32, path: path as u32 };
        let Reading { place, fault } = path::read(declared);
        let mut closed = None;
        if let Some(path::PathFault { field: below, fault, closes }) = fault {
            closed = closes.then(|| Arc::from(fault.message.as_str()));
            self.tell(format!("spec.rules[{rule}].http.paths[{path}].{below}"), fault);
        }
        let target = self.target(at, &declared.backend);
        let Some((key, kind)) = place else { return };
        let target = closed.map_or(target, Target::Unavailable);
        let text = match &declared.path {
            Some(path) if !path.is_empty() => path.clone(),
            _ => root(),
        };
        // Mostly, what is declared is normal.
        let key = if *key == *text { text.clone() } else { key.into() };
        let place = Place { host: host.clone(), path: key, kind };
        self.declare(Rule { place, text, field: at, target });
    }

    fn declare(&mut self, rule: Rule) {
        if self.has_many_paths() && !self.places.insert(rule.place.clone()) {
            return self.tell(rule.field.to_string(), taken_by("this Ingress", &rule.place.host, &rule.text));
        }
        self.unit.rules.push(rule);
    }

    fn has_many_paths(&self) -> bool {
        self.ingress.rules.len() > 1
            || self.ingress.rules.iter().any(|rule| rule.paths.as_ref().is_some_and(|paths| paths.len() > 1))
    }

    /// For its own hosts, and for every host if it is the Ingress that decides that.
    fn default(&mut self) {
        let Some(backend) = &self.ingress.default_backend else {
            if self.ingress.rules.is_empty() {
                let fault = Fault::new("there are neither rules nor a default backend", "Declare one of them");
                self.tell("spec.rules", fault);
            }
            return;
        };
        let target = self.target(Field::Default, backend);
        for host in self.unit.hosts.clone() {
            let place = Place { host, path: root(), kind: PathKind::Default };
            self.declare(Rule { place, text: root(), field: Field::Default, target: target.clone() });
        }
        self.unit.default = Some(target);
    }

    /// What a backend reference comes to. Its problems are told even where the Ingress is closed for other reasons.
    fn target(&mut self, at: Field, backend: &IngressBackend) -> Target {
        let namespace = &self.ingress.origin.namespace;
        let read = match reference::policy(backend) {
            Some(name) => reference::answering(namespace, name, self.context).map(|()| Target::Policy(Arc::from(name))),
            None => reference::read(namespace, backend, self.context).map(Target::Backend),
        };
        let target = match read {
            Ok(target) => {
                if let Target::Backend(key) = &target {
                    self.unit.backends.push(key.clone());
                }
                target
            }
            Err(BackendFault { field: below, fault }) => {
                let reason = Arc::from(fault.message.as_str());
                self.tell(at.backend(below), fault);
                Target::Unavailable(reason)
            }
        };
        self.closed.clone().map_or(target, Target::Unavailable)
    }
}

fn taken_by(owner: &str, host: &HostPattern, path: &str) -> Fault {
    Fault::new(
        format!("{owner} has host {host} and path {path} with the same path type already, and keeps them"),
        "Remove one of the two",
    )
}

/// The path `/`, for all that declare none.
pub(super) fn root() -> Arc<str> {
    static ROOT: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from("/"));
    ROOT.clone()
}
