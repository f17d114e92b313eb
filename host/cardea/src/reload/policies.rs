//! The policies of the live generation, loaded: only one that changed is loaded again.
//!
//! What does not load, or breaks the scenarios that it brings, never goes live: the last good version of that policy serves on,
//! and a problem says so.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use cardea_model::config::{ModuleSource, Policy as Spec};
use cardea_model::paged::Paged;
use cardea_model::problem::{Problem, Severity};
use cardea_model::snapshot::PolicyId;
use cardea_policy::{Engine, LoadCost, LoadError, Member, Policy, State};
use serde_json::{Value, json};

use crate::event::{Level, emit};
use crate::scenario::vectors::{self, Held, ModuleTests};

/// An instance that takes longer to make is made before its version goes live.
const COLD_START: Duration = Duration::from_micros(200);

#[derive(Debug, Default)]
pub struct Policies {
    list: Paged<Arc<Loaded>>,
    /// By name, as a policy may change its number.
    live: HashMap<Arc<str>, Arc<Policy>>,
    tests: ModuleTests,
}

/// A declared policy, and what of it serves.
#[derive(Debug)]
pub struct Loaded {
    pub name: Arc<str>,
    pub spec: Arc<Spec>,
    pub live: Option<Arc<Policy>>,
    pub current: bool,
    /// Why the declared version does not serve.
    pub refused: Option<LoadError>,
}

impl Policies {
    pub fn new(tests: ModuleTests) -> Self {
        Self { tests, ..Self::default() }
    }

    /// Loads those that changed; says how many did not load.
    pub fn take(&mut self, specs: &Paged<Arc<Spec>>, changed: &[PolicyId], engine: &Engine, state: &Arc<State>) -> u64 {
        let mut gone = Vec::new();
        let mut failures = 0;
        for id in changed {
            let at = id.0 as usize;
            gone.extend(self.list.get(at).map(|loaded| Arc::clone(&loaded.name)));
            let loaded = specs.get(at).map(|spec| self.load(spec, engine, state));
            failures += loaded.iter().filter(|loaded| !loaded.current).count() as u64;
            self.list.set(at, loaded.map(Arc::new));
        }
        for name in gone {
            if !self.list.iter().any(|loaded| loaded.name == name) {
                self.live.remove(&name);
            }
        }
        failures
    }

    /// Of those that changed, what a request would wait for if it were the first to call it, and what works without requests.
    pub fn cold(&self, changed: &[PolicyId]) -> Vec<Arc<Policy>> {
        let live = changed.iter().filter_map(|id| self.get(*id)?.live.clone());
        live.filter(|policy| policy.cost.start > COLD_START || policy.is_eager()).collect()
    }

    pub fn get(&self, id: PolicyId) -> Option<&Arc<Loaded>> {
        self.list.get(id.0 as usize)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Loaded>> {
        self.list.iter()
    }

    fn load(&mut self, spec: &Arc<Spec>, engine: &Engine, state: &Arc<State>) -> Loaded {
        let name: Arc<str> = format!("{}/{}", spec.origin.namespace, spec.origin.name).into();
        let previous = self.live.get(&name);
        let loaded = engine.load(spec, state, previous).and_then(|policy| {
            if previous.is_none_or(|previous| previous.digest != policy.digest) {
                hold(engine, spec, &name, self.tests)?;
            }
            Ok(policy)
        });
        let (live, refused) = match loaded {
            Ok(policy) => {
                if previous.is_none_or(|previous| !Arc::ptr_eq(previous, &policy)) {
                    announce(&policy);
                }
                (Some(policy), None)
            }
            Err(error) => (previous.cloned(), Some(error)),
        };
        if let Some(policy) = &live {
            self.live.insert(Arc::clone(&name), Arc::clone(policy));
        }
        Loaded { name, spec: Arc::clone(spec), live, current: refused.is_none(), refused }
    }
}

/// The scenarios that a module brings are played before it goes live.
fn hold(engine: &Engine, spec: &Spec, name: &str, tests: ModuleTests) -> Result<(), LoadError> {
    let Held { played, left } = vectors::hold(engine, spec, tests)?;
    if left > 0 {
        emit(
            Level::Warn,
            "scenarios_left",
            json!({ "policy": name, "played": played, "left": left, "message": "the module's own scenarios take too long: these were not played" }),
        );
    }
    Ok(())
}

/// Says what a version costs, and warns of one that a load would show to be slow.
fn announce(policy: &Policy) {
    let mut figures = figures(&policy.cost);
    if let Some(fields) = figures.as_object_mut() {
        fields.insert(String::from("policy"), (*policy.name).into());
        fields.insert(String::from("digest"), (*policy.digest).into());
    }
    emit(Level::Info, "loaded", figures);
    if let Some(slow) = policy.slow() {
        emit(Level::Warn, "slow", json!({ "policy": &*policy.name, "message": slow.message, "remedy": slow.remedy }));
    }
}

/// For the log and the debug view.
pub fn figures(cost: &LoadCost) -> Value {
    json!({
        "compile_ms": cost.compile.as_secs_f64() * 1e3,
        "start_us": cost.start.as_secs_f64() * 1e6,
        "memory_bytes": cost.memory_bytes,
        "code_bytes": cost.code_bytes,
    })
}

impl Loaded {
    pub fn member(&self) -> Member {
        Member { name: Arc::clone(&self.name), spec: Arc::clone(&self.spec), loaded: self.live.clone() }
    }

    /// The problem to list; none where what is told already says why there is no module.
    pub fn problem(&self, told: &[Problem]) -> Option<Problem> {
        let error = self.refused.as_ref()?;
        let origin = &self.spec.origin;
        let (field, message, remedy, severity) = match &self.spec.module {
            ModuleSource::Missing { .. } if told.iter().any(|problem| problem.origin == *origin) => return None,
            ModuleSource::Missing { path, message } => {
                let message = format!("{path} is not here yet: {message}");
                ("spec.module", message, String::from("wait: it is taken as soon as it is here"), Severity::Warning)
            }
            ModuleSource::Bytes { .. } => (error.field, error.to_string(), error.remedy.clone(), Severity::Error),
        };
        let serves_on = if self.live.is_some() { "; the last good version serves on" } else { "" };
        let message = format!("{message}{serves_on}");
        Some(Problem { origin: origin.clone(), field: field.into(), message, remedy, severity })
    }
}
