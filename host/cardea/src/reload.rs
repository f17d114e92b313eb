//! From a change in the source to a new generation: compile, load policies and certificates, swap.
//!
//! What does not load never goes live: the last good version of that policy or certificate serves on, and a problem says
//! so. Endpoints change without a new generation.

mod applied;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use cardea_control::report::Applied;
use cardea_model::config::{Config, ModuleSource, Policy as Spec};
use cardea_model::problem::{Problem, Severity};
use cardea_model::snapshot::Snapshot;
use cardea_model::{compile, endpoint};
use cardea_policy::{Chain, Engine, LoadError, Member, Policy, State};
use cardea_proxy::live::Generation;
use cardea_proxy::upstream::registry::Registry;
use cardea_proxy::worker::Shared;
use serde_json::json;
use tokio::sync::watch;

use crate::event::{Level, emit};

/// Builds generations, one after the other. It lives on the thread that watches the source.
pub struct Reloader {
    pub options: compile::Options,
    pub engine: Engine,
    pub state: Arc<State>,
    pub shared: Arc<Shared>,
    pub view: Arc<View>,
    /// What was applied last, for those who report it to a cluster.
    pub applied: watch::Sender<Arc<Applied>>,
    loaded: HashMap<Arc<str>, Arc<Policy>>,
    config: Config,
    number: u64,
}

/// What the admin listener shows of the last load.
#[derive(Debug, Default)]
pub struct View(Mutex<Seen>);

#[derive(Debug, Default, Clone)]
pub struct Seen {
    pub problems: Vec<Problem>,
    pub policies: Vec<SeenPolicy>,
}

#[derive(Debug, Clone)]
pub struct SeenPolicy {
    pub name: Arc<str>,
    /// Of the version that serves; `None` when none ever loaded.
    pub digest: Option<Arc<str>>,
    /// The version that is declared is the one that serves.
    pub current: bool,
}

impl View {
    pub fn get(&self) -> Seen {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, seen: Seen) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }
}

impl Reloader {
    pub fn new(
        options: compile::Options,
        engine: Engine,
        state: Arc<State>,
        shared: Arc<Shared>,
        view: Arc<View>,
    ) -> Self {
        let applied = watch::Sender::new(Arc::default());
        let config = Config::default();
        Self { options, engine, state, shared, view, applied, loaded: HashMap::new(), config, number: 0 }
    }

    /// Takes a configuration live.
    pub fn apply(&mut self, config: Config, problems: Vec<Problem>) {
        let start = Instant::now();
        if self.number > 0
            && only_endpoints_differ(&self.config, &config)
            && self.view.get().problems.is_empty()
            && problems.is_empty()
        {
            self.publish_endpoints(&config);
            self.config = config;
            return self.report(start, &[], true);
        }
        let (snapshot, mut all) = compile::compile(&config, &self.options);
        all.splice(0..0, problems);
        let (certificates, unreadable) = self.shared.tls.read(&snapshot.certificates);
        all.extend(unreadable);
        let policies = self.load(&snapshot, &mut all);
        self.publish(snapshot, &policies, certificates, &config);
        self.config = config;
        if self.applied.receiver_count() > 0 {
            let applied = applied::of(self.number, &self.config, &self.options, &policies, &all);
            self.applied.send_replace(Arc::new(applied));
        }
        self.view.set(Seen { problems: all.clone(), policies: policies.iter().map(SeenPolicy::of).collect() });
        self.report(start, &all, false);
    }

    /// Loads every policy of a snapshot; one that does not load keeps its last good version.
    fn load(&mut self, snapshot: &Snapshot, problems: &mut Vec<Problem>) -> Vec<Loaded> {
        let mut next = HashMap::new();
        let mut all = Vec::new();
        for spec in &snapshot.policies {
            let name: Arc<str> = format!("{}/{}", spec.origin.namespace, spec.origin.name).into();
            let previous = self.loaded.get(&name);
            let mut refused = None;
            let (live, current) = match self.engine.load(spec, &self.state, previous) {
                Ok(policy) => (Some(policy), true),
                Err(error) => {
                    self.shared.metrics.policy_load_failures.add(1);
                    problems.extend(self.fault(spec, &error, problems));
                    refused = Some(error);
                    (previous.cloned(), false)
                }
            };
            if let Some(policy) = &live {
                next.insert(Arc::clone(&name), Arc::clone(policy));
            }
            all.push(Loaded { name, spec: Arc::clone(spec), live, current, refused });
        }
        self.loaded = next;
        all
    }

    /// The problem to list; none where the source has said already why there is no module.
    fn fault(&self, spec: &Spec, error: &LoadError, problems: &[Problem]) -> Option<Problem> {
        let (field, message, remedy, severity) = match &spec.module {
            ModuleSource::Missing { .. } if problems.iter().any(|problem| problem.origin == spec.origin) => return None,
            ModuleSource::Missing { path, message } => {
                let message = format!("{path} is not here yet: {message}");
                ("spec.module", message, String::from("wait: it is taken as soon as it is here"), Severity::Warning)
            }
            ModuleSource::Bytes { .. } => (error.field, error.to_string(), error.remedy.clone(), Severity::Error),
        };
        let name = format!("{}/{}", spec.origin.namespace, spec.origin.name);
        let serves_on = if self.loaded.contains_key(name.as_str()) { "; the last good version serves on" } else { "" };
        let message = format!("{message}{serves_on}");
        Some(Problem { origin: spec.origin.clone(), field: field.into(), message, remedy, severity })
    }

    fn publish(
        &mut self,
        snapshot: Snapshot,
        policies: &[Loaded],
        certificates: cardea_proxy::tls::Certificates,
        config: &Config,
    ) {
        let shared = &self.shared;
        let backends = shared.registry.adopt(&snapshot.backends, shared.metrics.workers());
        Registry::publish(&snapshot.backends, &backends, &endpoint::resolve(config, &snapshot.backends));
        let chains = snapshot.chains.iter().map(|ids| {
            let members = ids.iter().filter_map(|id| policies.get(id.0 as usize)).map(Loaded::member).collect();
            Arc::new(Chain { members })
        });
        let chains = chains.collect();
        let route_stats = shared.metrics.adopt_routes(snapshot.routes.iter().map(|route| &route.name));
        self.number += 1;
        shared.tls.publish(certificates);
        shared.live.publish(Generation { number: self.number, snapshot, route_stats, backends, chains });
        shared.metrics.generation.set(self.number);
        shared.metrics.generations_published.add(1);
    }

    fn publish_endpoints(&self, config: &Config) {
        let live = self.shared.live.load();
        let backends = &live.snapshot.backends;
        Registry::publish(backends, &live.backends, &endpoint::resolve(config, backends));
    }

    fn report(&self, start: Instant, problems: &[Problem], endpoints_only: bool) {
        self.shared.metrics.problems.set(problems.len() as u64);
        for problem in problems.iter().take(PROBLEMS_LOGGED_MAX) {
            emit(
                Level::Warn,
                "problem",
                json!({ "object": problem.origin.to_string(), "field": problem.field, "message": problem.message, "remedy": problem.remedy }),
            );
        }
        let live = self.shared.live.load();
        emit(
            Level::Info,
            "generation",
            json!({
                "number": self.number,
                "routes": live.snapshot.routes.len(),
                "policies": live.snapshot.policies.len(),
                "problems": problems.len(),
                "endpoints_only": endpoints_only,
                "took_ms": u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
            }),
        );
    }
}

/// More are in the debug view; a log is not the place for thousands.
const PROBLEMS_LOGGED_MAX: usize = 50;

/// A declared policy, and what of it serves.
struct Loaded {
    name: Arc<str>,
    spec: Arc<Spec>,
    live: Option<Arc<Policy>>,
    current: bool,
    /// Why the declared version does not serve.
    refused: Option<LoadError>,
}

impl Loaded {
    fn member(&self) -> Member {
        Member { name: Arc::clone(&self.name), spec: Arc::clone(&self.spec), loaded: self.live.clone() }
    }
}

impl SeenPolicy {
    fn of(loaded: &Loaded) -> Self {
        Self {
            name: Arc::clone(&loaded.name),
            digest: loaded.live.as_ref().map(|policy| Arc::clone(&policy.digest)),
            current: loaded.current,
        }
    }
}

/// Sources keep the `Arc` of what did not change, so that pointers tell.
fn only_endpoints_differ(before: &Config, after: &Config) -> bool {
    same(&before.classes, &after.classes)
        && same(&before.ingresses, &after.ingresses)
        && same(&before.services, &after.services)
        && same(&before.secrets, &after.secrets)
        && same(&before.policies, &after.policies)
}

fn same<T>(before: &[Arc<T>], after: &[Arc<T>]) -> bool {
    before.len() == after.len() && before.iter().zip(after).all(|(before, after)| Arc::ptr_eq(before, after))
}
