//! The routes of one Ingress after another, oldest first: the first to declare a host, path and type keeps it.

use std::sync::Arc;

use super::backend::{BackendFault, Backends};
use super::options::{self, Settings};
use super::path::{self, Reading};
use super::policies::Policies;
use super::{Fault, HOST_REMEDY, Problems, named};
use crate::config::{Ingress, IngressBackend, IngressPath, IngressRule};
use crate::host::HostPattern;
use crate::lookup::Draft;
use crate::problem::{Origin, Severity};
use crate::snapshot::{Action, BackendId, ChainId, PathKind, Route, RouteId, Snapshot};

pub struct Routes<'a> {
    policies: Policies<'a>,
    backends: Backends<'a>,
    problems: &'a mut Problems,
    builder: Builder,
    list: Vec<Route>,
    /// The default backends that answer for every host: of the oldest Ingress without rules, and of the oldest with.
    default_without_rules: Option<RouteId>,
    default_with_rules: Option<RouteId>,
    /// The path `/`, for all that declare none.
    root: Arc<str>,
}

/// What the routes of one Ingress share.
struct Shared<'i> {
    ingress: &'i Ingress,
    /// `namespace/ingress`
    name: Arc<str>,
    settings: Settings,
    chain: Option<ChainId>,
    named: Vec<(Arc<str>, BackendId)>,
    /// Why all of its routes answer 503.
    closed: Option<Arc<str>>,
    /// Backends that the settings are for.
    used: Vec<BackendId>,
}

/// Where requests match: host, normalised path and kind.
struct Place<'p> {
    host: &'p HostPattern,
    path: &'p str,
    kind: PathKind,
}

impl<'a> Routes<'a> {
    pub fn new(policies: Policies<'a>, backends: Backends<'a>, problems: &'a mut Problems) -> Self {
        Self {
            policies,
            backends,
            problems,
            builder: Builder(Draft::new()),
            list: Vec::new(),
            default_without_rules: None,
            default_with_rules: None,
            root: "/".into(),
        }
    }

    pub fn add(&mut self, ingress: &Ingress) {
        let mut shared = self.shared(ingress);
        let mut hosts = Vec::new();
        for (at, rule) in ingress.rules.iter().enumerate() {
            hosts.extend(self.add_rule(&mut shared, at, rule));
        }
        match &ingress.default_backend {
            Some(backend) => self.add_default(&mut shared, backend, &hosts),
            None if ingress.rules.is_empty() => {
                let fault = Fault::new("there are neither rules nor a default backend", "Declare one of them");
                self.problems.add(&ingress.origin, "spec.rules", fault);
            }
            None => {}
        }
        shared.used.sort_unstable();
        shared.used.dedup();
        self.backends.set(&shared.used, &shared.settings, ingress, self.problems);
    }

    /// Everything but certificates.
    pub fn finish(mut self) -> Snapshot {
        if let Some(default) = self.default_without_rules.or(self.default_with_rules) {
            self.builder.add_default(default);
        }
        let (policies, chains) = self.policies.finish();
        Snapshot {
            index: self.builder.build(),
            routes: self.list,
            backends: self.backends.finish(self.problems),
            policies,
            chains,
            certificates: Vec::new(),
        }
    }

    fn shared<'i>(&mut self, ingress: &'i Ingress) -> Shared<'i> {
        let origin = &ingress.origin;
        let mut shared = Shared {
            ingress,
            name: format!("{}/{}", origin.namespace, origin.name).into(),
            settings: options::read(ingress, self.problems),
            chain: None,
            named: Vec::new(),
            closed: None,
            used: Vec::new(),
        };
        if let Some(annotation) = ingress.annotations.get(options::BACKENDS) {
            match named::read(annotation, &origin.namespace, &mut self.backends) {
                Ok(named) => {
                    for fault in named.absent {
                        self.problems.add(origin, options::field(options::BACKENDS), fault);
                    }
                    shared.used.extend(named.list.iter().map(|(_, id)| *id));
                    shared.named = named.list;
                }
                Err(fault) => self.close(&mut shared, options::BACKENDS, fault),
            }
        }
        if let Some(annotation) = ingress.annotations.get(options::POLICIES) {
            match self.policies.chain(&origin.namespace, annotation) {
                Ok(chain) => shared.chain = Some(chain),
                Err(fault) => self.close(&mut shared, options::POLICIES, fault),
            }
        }
        shared
    }

    fn close(&mut self, shared: &mut Shared, annotation: &str, fault: Fault) {
        shared.closed = Some(format!("{annotation}: {}", fault.message).into());
        let remedy = format!("{}; until then the routes of this Ingress answer 503", fault.remedy);
        self.problems.add(&shared.ingress.origin, options::field(annotation), Fault { remedy, ..fault });
    }

    /// Says which host the rule is about, if that can be known.
    fn add_rule(&mut self, shared: &mut Shared, at: usize, rule: &IngressRule) -> Option<HostPattern> {
        let origin = &shared.ingress.origin;
        let host = match HostPattern::parse(rule.host.as_deref().unwrap_or_default()) {
            Ok(host) => host,
            Err(error) => {
                let fault = Fault::new(error.to_string(), HOST_REMEDY);
                self.problems.add(origin, format!("spec.rules[{at}].host"), fault);
                return None;
            }
        };
        self.builder.host(&host);
        let paths = rule.paths.as_deref().unwrap_or_default();
        if paths.is_empty() && rule.paths.is_some() {
            let fault =
                Fault::new("the rule has no path", "Declare one, or leave http out to mean the default backend");
            self.problems.add(origin, format!("spec.rules[{at}].http.paths"), fault);
        }
        for (number, declared) in paths.iter().enumerate() {
            self.add_path(shared, &format_args!("spec.rules[{at}].http.paths[{number}]"), &host, declared);
        }
        Some(host)
    }

    fn add_path(
        &mut self,
        shared: &mut Shared,
        field: &std::fmt::Arguments<'_>,
        host: &HostPattern,
        declared: &IngressPath,
    ) {
        let Reading { place, fault } = path::read(declared);
        let mut closed = None;
        if let Some(path::PathFault { field: below, fault, closes }) = fault {
            closed = closes.then(|| Arc::from(fault.message.as_str()));
            self.problems.add(&shared.ingress.origin, format!("{field}.{below}"), fault);
        }
        let action = self.action(shared, &format_args!("{field}.backend"), &declared.backend);
        let Some((path, kind)) = place else { return };
        let action = closed.map_or(action, Action::Unavailable);
        let text = declared.path.clone().filter(|path| !path.is_empty()).unwrap_or_else(|| self.root.clone());
        self.add_route(shared, &format_args!("{field}.path"), Place { host, path: &path, kind }, text, action);
    }

    /// Of an Ingress with rules: for its own hosts, and for every host if no Ingress without rules has a default backend.
    fn add_default(&mut self, shared: &mut Shared, backend: &IngressBackend, hosts: &[HostPattern]) {
        let field = "spec.defaultBackend";
        let action = self.action(shared, &format_args!("{field}"), backend);
        let mut hosts: Vec<&HostPattern> = hosts.iter().collect();
        hosts.sort_unstable();
        hosts.dedup();
        for host in hosts {
            let place = Place { host, path: "/", kind: PathKind::Default };
            self.add_route(shared, &format_args!("{field}"), place, self.root.clone(), action.clone());
        }
        let without_rules = shared.ingress.rules.is_empty();
        let first = if without_rules { self.default_without_rules } else { self.default_with_rules };
        match first {
            None => {
                let id = self.push(shared, HostPattern::Any, self.root.clone(), PathKind::Default, action);
                let first = if without_rules { &mut self.default_without_rules } else { &mut self.default_with_rules };
                *first = Some(id);
            }
            Some(first) if without_rules => {
                let message = format!("{} is older, and has the default backend for every host", self.name_of(first));
                let severity = self.severity_against(&shared.ingress.origin, first);
                let fault = Fault::new(message, "Keep one Ingress without rules, or give this one rules");
                self.problems.add(&shared.ingress.origin, field, Fault { severity, ..fault });
            }
            Some(_) => {}
        }
    }

    /// What a backend reference comes to. Its problems are told even where the Ingress is closed for other reasons.
    fn action(&mut self, shared: &mut Shared, field: &std::fmt::Arguments<'_>, backend: &IngressBackend) -> Action {
        let origin = &shared.ingress.origin;
        let action = match self.backends.of(&origin.namespace, backend) {
            Ok(id) => {
                shared.used.push(id);
                Action::Forward(id)
            }
            Err(BackendFault { field: below, fault }) => {
                let dot = if below.is_empty() { "" } else { "." };
                let reason = Arc::from(fault.message.as_str());
                self.problems.add(origin, format!("{field}{dot}{below}"), fault);
                Action::Unavailable(reason)
            }
        };
        shared.closed.clone().map_or(action, Action::Unavailable)
    }

    fn add_route(
        &mut self,
        shared: &Shared,
        field: &std::fmt::Arguments<'_>,
        place: Place<'_>,
        path: Arc<str>,
        action: Action,
    ) {
        let Place { host, path: key, kind } = place;
        match self.builder.add(host, key, kind, RouteId(self.list.len() as u32)) {
            Ok(()) => {
                self.push(shared, host.clone(), path, kind, action);
            }
            Err(first) => {
                let origin = &shared.ingress.origin;
                let fault = self.taken(origin, host, &path, first);
                self.problems.add(origin, field.to_string(), fault);
            }
        }
    }

    fn taken(&self, origin: &Origin, host: &HostPattern, path: &str, first: RouteId) -> Fault {
        let is_own = self.list.get(first.0 as usize).is_some_and(|route| route.origin == *origin);
        let by = if is_own {
            "this Ingress".to_owned()
        } else {
            format!("Ingress {}, which is older,", self.name_of(first))
        };
        let message = format!("{by} has host {host} and path {path} with the same path type already, and keeps them");
        let severity = if is_own { Severity::Error } else { self.severity_against(origin, first) };
        Fault { severity, ..Fault::new(message, "Remove one of the two") }
    }

    /// A namespace may move what it has from one Ingress to another; it may not take what another namespace has.
    fn severity_against(&self, origin: &Origin, first: RouteId) -> Severity {
        let owner = self.list.get(first.0 as usize).map(|route| &route.origin.namespace);
        if owner == Some(&origin.namespace) { Severity::Warning } else { Severity::Error }
    }

    fn name_of(&self, route: RouteId) -> &str {
        self.list.get(route.0 as usize).map_or("another", |route| &route.name)
    }

    fn push(&mut self, shared: &Shared, host: HostPattern, path: Arc<str>, kind: PathKind, action: Action) -> RouteId {
        self.list.push(Route {
            name: shared.name.clone(),
            origin: shared.ingress.origin.clone(),
            host,
            path,
            kind,
            action,
            chain: shared.chain,
            named: shared.named.as_slice().into(),
            options: shared.settings.route.clone(),
        });
        RouteId((self.list.len() - 1) as u32)
    }
}

struct Builder(Draft);

impl Builder {
    fn host(&mut self, host: &HostPattern) {
        self.0.know(host);
    }

    fn add(&mut self, host: &HostPattern, path: &str, kind: PathKind, route: RouteId) -> Result<(), RouteId> {
        let spot = self.0.spot(host, path, kind);
        match self.0.get(spot) {
            Some(first) => Err(first),
            None => {
                self.0.set(spot, Some(route));
                Ok(())
            }
        }
    }

    fn add_default(&mut self, route: RouteId) {
        self.0.set_default(Some(route));
    }

    fn build(mut self) -> crate::lookup::Index {
        self.0.index().unwrap_or_default()
    }
}
