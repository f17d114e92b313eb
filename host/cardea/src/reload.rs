//! From a change in the source to a new generation: compile, load policies and certificates, swap.
//!
//! What does not load never goes live: the last good version of that policy serves on, and a problem says so. A change
//! costs in proportion to itself: what it does not touch is shared with the generation before. Endpoints change without a
//! new generation.

mod applied;
pub mod policies;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use cardea_control::report::{Applied, ObjectName};
use cardea_model::compile::{self, Changes, Compiled, Compiler};
use cardea_model::config::Config;
use cardea_model::difference::Difference;
use cardea_model::endpoint::{EndpointSet, Resolver};
use cardea_model::problem::Problem;
use cardea_model::snapshot::{BackendId, PolicyId, Snapshot};
use cardea_policy::{Chain, Engine, LoadCost, State};
use cardea_proxy::live::Generation;
use cardea_proxy::tls::Keys;
use cardea_proxy::worker::Shared;
use serde_json::json;
use tokio::sync::watch;

use crate::event::{Level, emit};
use crate::scenario::vectors::ModuleTests;

pub use policies::figures;
use policies::{Loaded, Policies};

/// Builds generations, one after the other. It lives on the thread that watches the source.
pub struct Reloader {
    pub engine: Engine,
    pub state: Arc<State>,
    pub shared: Arc<Shared>,
    pub view: Arc<View>,
    /// What was applied last, for those who report it to a cluster.
    pub applied: watch::Sender<Arc<Applied>>,
    compiler: Compiler,
    resolver: Resolver,
    policies: Policies,
    keys: Keys,
    config: Config,
    /// The source's own.
    problems: Vec<Problem>,
    served: Arc<HashSet<ObjectName>>,
    number: u64,
}

/// What the admin listener shows of the last load.
#[derive(Debug, Default)]
pub struct View(Mutex<Seen>);

#[derive(Debug, Default, Clone)]
pub struct Seen {
    pub problems: Arc<[Problem]>,
    pub policies: Arc<[SeenPolicy]>,
}

#[derive(Debug, Clone)]
pub struct SeenPolicy {
    pub name: Arc<str>,
    /// Of the version that serves; `None` when none ever loaded.
    pub digest: Option<Arc<str>>,
    /// The version that is declared is the one that serves.
    pub current: bool,
    /// Of the version that serves.
    pub cost: Option<LoadCost>,
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
        tests: ModuleTests,
        engine: Engine,
        state: Arc<State>,
        shared: Arc<Shared>,
        view: Arc<View>,
    ) -> Self {
        Self {
            engine,
            state,
            shared,
            view,
            applied: watch::Sender::new(Arc::default()),
            compiler: Compiler::new(options),
            resolver: Resolver::default(),
            policies: Policies::new(tests),
            keys: Keys::default(),
            config: Config::default(),
            problems: Vec::new(),
            served: Arc::default(),
            number: 0,
        }
    }

    /// Takes a configuration live.
    pub fn apply(&mut self, config: Config, problems: Vec<Problem>) {
        let start = Instant::now();
        let difference = Difference::between(&self.config, &config);
        if self.number > 0 && difference.is_of_endpoints_alone() && problems == self.problems {
            self.publish_endpoints(&difference);
            self.config = config;
            return self.report(start, &[], true);
        }
        let Compiled { snapshot, problems: found, changes } = self.compiler.apply(&difference);
        let failures = self.policies.take(&snapshot.policies, &changes.policies, &self.engine, &self.state);
        self.shared.metrics.policy_load_failures.add(failures);
        for host in &changes.certificates {
            self.keys.declare(host, snapshot.certificates.get(host));
        }
        self.shared.warming.warm(self.policies.cold(&changes.policies), self.number + 1);
        self.publish(snapshot, &changes, &difference);
        self.config = config;
        self.problems = problems;
        let new = self.show(&found);
        self.tell(&changes);
        self.report(start, &new, false);
    }

    fn publish(&mut self, snapshot: Snapshot, changes: &Changes, difference: &Difference) {
        let shared = &self.shared;
        let before = shared.live.load();
        let mut next = Generation {
            number: self.number + 1,
            route_stats: before.route_stats.clone(),
            backends: before.backends.clone(),
            chains: before.chains.clone(),
            snapshot,
        };
        adopt_routes(&mut next, &before, changes, shared);
        adopt_backends(&mut next, &before, changes, shared);
        self.join_chains(&mut next, changes);
        let endpoints = self.resolver.apply(difference, &next.snapshot.backends, &changes.backends);
        publish_endpoints(&next, endpoints);
        if !changes.certificates.is_empty() {
            shared.tls.publish(self.keys.certificates());
        }
        self.number = next.number;
        shared.live.publish(next);
        // What stays was adopted before what goes is forgotten, and so kept its counters and connections.
        forget(&before, changes, shared);
        shared.metrics.generation.set(self.number);
        shared.metrics.generations_published.add(1);
    }

    /// There are few chains, so that all are looked at if a policy changed.
    fn join_chains(&self, next: &mut Generation, changes: &Changes) {
        for id in &changes.chains {
            let chain = next.snapshot.chains.get(id.0 as usize).map(|ids| self.chain(ids));
            next.chains.set(id.0 as usize, chain);
        }
        if changes.policies.is_empty() {
            return;
        }
        let chains: Vec<_> = next.snapshot.chains.entries().map(|(at, ids)| (at, Arc::clone(ids))).collect();
        for (at, ids) in chains {
            if ids.iter().any(|id| changes.policies.binary_search(id).is_ok()) {
                next.chains.set(at, Some(self.chain(&ids)));
            }
        }
    }

    fn chain(&self, ids: &[PolicyId]) -> Arc<Chain> {
        let members = ids.iter().filter_map(|id| self.policies.get(*id)).map(|loaded| loaded.member());
        Arc::new(Chain { members: members.collect() })
    }

    fn publish_endpoints(&mut self, difference: &Difference) {
        let live = self.shared.live.load();
        publish_endpoints(&live, self.resolver.apply(difference, &live.snapshot.backends, &[]));
    }

    /// Shows everything that is wrong now, with what the compiler found; says what of it is new.
    fn show(&self, found: &[Problem]) -> Vec<Problem> {
        let seen = self.view.get();
        let mut all: Vec<Problem> = self.problems.iter().chain(found).cloned().collect();
        let mut unreadable: Vec<Problem> = self.keys.problems().collect();
        unreadable.sort_unstable();
        unreadable.dedup();
        all.extend(unreadable);
        let refused: Vec<Problem> = self.policies.iter().filter_map(|loaded| loaded.problem(&all)).collect();
        all.extend(refused);
        let policies = self.policies.iter().map(|loaded| SeenPolicy::of(loaded)).collect();
        if *seen.problems == *all {
            self.view.set(Seen { problems: seen.problems, policies });
            return Vec::new();
        }
        let known: HashSet<&Problem> = seen.problems.iter().collect();
        let new = all.iter().filter(|problem| !known.contains(problem)).cloned().collect();
        self.view.set(Seen { problems: all.into(), policies });
        new
    }

    /// Tells those who report it to a cluster, if any do.
    fn tell(&mut self, changes: &Changes) {
        if self.applied.receiver_count() == 0 {
            return;
        }
        if changes.served || self.served.is_empty() {
            let served = self.compiler.served().map(|ingress| applied::name_of(&ingress.origin));
            self.served = Arc::new(served.collect());
        }
        let (served, seen) = (Arc::clone(&self.served), self.view.get());
        let applied = applied::of(self.number, &self.config, served, &self.policies, &seen.problems);
        self.applied.send_replace(Arc::new(applied));
    }

    /// Problems that stay are told once.
    fn report(&self, start: Instant, new: &[Problem], endpoints_only: bool) {
        let problems = self.view.get().problems;
        self.shared.metrics.problems.set(problems.len() as u64);
        for problem in new.iter().take(PROBLEMS_LOGGED_MAX) {
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

fn adopt_routes(next: &mut Generation, before: &Generation, changes: &Changes, shared: &Shared) {
    for id in &changes.routes {
        let at = id.0 as usize;
        let stats = match (before.route(*id), next.route(*id)) {
            (Some(old), Some(new)) if old.name == new.name => continue,
            (_, new) => new.map(|route| shared.metrics.adopt_route(&route.name)),
        };
        next.route_stats.set(at, stats);
    }
}

fn adopt_backends(next: &mut Generation, before: &Generation, changes: &Changes, shared: &Shared) {
    for id in &changes.backends {
        let at = id.0 as usize;
        let state = match (before.backend(*id), next.backend(*id)) {
            (Some(old), Some(new)) if old.name == new.name => continue,
            (_, new) => new.map(|backend| shared.registry.adopt(&backend.name, shared.metrics.workers())),
        };
        next.backends.set(at, state);
    }
}

/// The names that the numbers that changed had before.
fn forget(before: &Generation, changes: &Changes, shared: &Shared) {
    let live = shared.live.load();
    for id in &changes.routes {
        if let Some(old) = before.route(*id)
            && live.route(*id).is_none_or(|new| new.name != old.name)
        {
            shared.metrics.forget_route(&old.name);
        }
    }
    for id in &changes.backends {
        if let Some(old) = before.backend(*id)
            && live.backend(*id).is_none_or(|new| new.name != old.name)
        {
            shared.registry.forget(&old.name);
        }
    }
}

fn publish_endpoints(generation: &Generation, endpoints: Vec<(BackendId, EndpointSet)>) {
    for (id, set) in endpoints {
        if let Some(state) = generation.backends.get(id.0 as usize) {
            state.publish(set);
        }
    }
}

impl SeenPolicy {
    fn of(loaded: &Loaded) -> Self {
        Self {
            name: Arc::clone(&loaded.name),
            digest: loaded.live.as_ref().map(|policy| Arc::clone(&policy.digest)),
            current: loaded.current,
            cost: loaded.live.as_ref().map(|policy| policy.cost),
        }
    }
}
