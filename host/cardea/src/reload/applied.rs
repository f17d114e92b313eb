//! What is told to whoever reports to the cluster, of one generation.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use cardea_control::report::{Applied, AppliedPolicy, ObjectName, PolicyFault, Stage};
use cardea_model::config::{Config, ModuleSource, Policy};
use cardea_model::problem::{Origin, Problem, Severity};
use cardea_policy::LoadError;

use super::policies::{Loaded, Policies};

pub fn of(
    generation: u64,
    config: &Config,
    served: Arc<HashSet<ObjectName>>,
    loaded: &Policies,
    problems: &[Problem],
) -> Applied {
    Applied { generation, served, problems: problems.to_vec(), policies: policies(config, loaded, problems) }
}

pub fn name_of(origin: &Origin) -> ObjectName {
    ObjectName::new(Arc::clone(&origin.namespace), Arc::clone(&origin.name))
}

/// Those that can be read, and those of which nothing is known but their mistakes.
fn policies(config: &Config, loaded: &Policies, problems: &[Problem]) -> Vec<AppliedPolicy> {
    let mut faults: HashMap<&Origin, &Problem> = HashMap::new();
    for problem in problems.iter().filter(|problem| problem.origin.kind == "Policy") {
        let fault = faults.entry(&problem.origin).or_insert(problem);
        // What is wrong with the module comes first; what else there is may keep it from being fetched.
        if !is_about_module(fault) && is_about_module(problem) {
            *fault = problem;
        }
    }
    let loaded: HashMap<&Origin, &Loaded> = loaded.iter().map(|loaded| (&loaded.spec.origin, &**loaded)).collect();
    let mut all: Vec<AppliedPolicy> = config
        .policies
        .iter()
        .map(|spec| policy(spec, loaded.get(&spec.origin).copied(), faults.get(&spec.origin).copied()))
        .collect();
    let declared: HashSet<&Origin> = config.policies.iter().map(|spec| &spec.origin).collect();
    let unreadable =
        problems.iter().filter(|problem| problem.origin.kind == "Policy" && !declared.contains(&problem.origin));
    let mut told = HashSet::new();
    all.extend(unreadable.filter(|problem| told.insert(&problem.origin)).map(invalid));
    all
}

fn policy(spec: &Policy, loaded: Option<&Loaded>, fault: Option<&Problem>) -> AppliedPolicy {
    let (path, message) = match &spec.module {
        ModuleSource::Bytes { path, .. } => (path, None),
        ModuleSource::Missing { path, message } => (path, Some(message)),
    };
    let refused = loaded.and_then(|loaded| loaded.refused.as_ref());
    // Limits and grants that were only corrected keep nothing from serving.
    let fault = fault.filter(|problem| is_about_module(problem) || (loaded.is_some() && problem.field == UNGRANTED));
    let fault = match (message, fault, refused) {
        (Some(message), Some(problem), _) if is_fetching(problem) => Some(fetching(message)),
        // The source knows better than the engine why there are no bytes.
        (Some(_), Some(problem), _) => Some(of_source(problem)),
        (Some(message), None, Some(_)) => Some(fetching(message)),
        (None, _, Some(error)) => Some(of_engine(error)),
        // The module serves as it was fetched before, and cannot be fetched again.
        (None, Some(problem), None) => Some(of_source(problem)),
        (_, None, None) => None,
    };
    AppliedPolicy {
        object: name_of(&spec.origin),
        module: Arc::clone(path),
        observed_generation: Some(spec.generation).filter(|generation| *generation > 0),
        used: loaded.is_some(),
        digest: loaded.and_then(|loaded| loaded.live.as_ref()).map(|live| Arc::clone(&live.digest)),
        current: loaded.is_some_and(|loaded| loaded.current),
        fault,
    }
}

/// The field of a module that was not pulled since it imports what is not granted.
const UNGRANTED: &str = "spec.grants.interfaces";

fn is_about_module(problem: &Problem) -> bool {
    problem.field.starts_with("spec.module")
}

fn of_source(problem: &Problem) -> PolicyFault {
    let (stage, reason) = match problem.field.as_str() {
        UNGRANTED => (Stage::Compile, "ImportsRefused"),
        field if field.contains("digest") || is_about_signatures(problem) => (Stage::Verify, "NotVerified"),
        _ => (Stage::Resolve, "NotFetched"),
    };
    PolicyFault {
        stage,
        pending: false,
        reason: reason.into(),
        field: problem.field.clone(),
        message: problem.message.clone(),
        remedy: problem.remedy.clone(),
    }
}

/// They have no field of their own. Remedies, unlike messages, hold nothing that an author has written.
fn is_about_signatures(problem: &Problem) -> bool {
    ["sign it with", "a signed image"].iter().any(|words| problem.remedy.contains(words))
}

/// A source that knows why there is no module names the field of it.
fn is_fetching(problem: &Problem) -> bool {
    problem.severity == Severity::Warning && problem.field == "spec.module"
}

fn fetching(message: &str) -> PolicyFault {
    PolicyFault {
        stage: Stage::Resolve,
        pending: true,
        reason: "Fetching".into(),
        field: "spec.module".into(),
        message: message.to_owned(),
        remedy: "wait".into(),
    }
}

fn of_engine(error: &LoadError) -> PolicyFault {
    let (stage, reason) = match error.stage {
        "module" => (Stage::Resolve, "NotFound"),
        "digest" => (Stage::Verify, "DigestDiffers"),
        "compile" => (Stage::Compile, "NotCompiled"),
        "imports" => (Stage::Compile, "ImportsRefused"),
        "exports" => (Stage::Compile, "ExportsMissing"),
        "limits" => (Stage::Compile, "LimitsExceeded"),
        "init" => (Stage::Compile, "InitFailed"),
        "vectors" => (Stage::Compile, "ScenariosBroken"),
        _ => (Stage::Compile, "NotLoaded"),
    };
    PolicyFault {
        stage,
        pending: false,
        reason: reason.into(),
        field: error.field.into(),
        message: error.message.clone(),
        remedy: error.remedy.clone(),
    }
}

/// A Policy that cannot be read, by the first of its mistakes.
fn invalid(problem: &Problem) -> AppliedPolicy {
    AppliedPolicy {
        object: name_of(&problem.origin),
        module: Arc::from(""),
        observed_generation: None,
        used: false,
        digest: None,
        current: false,
        fault: Some(PolicyFault { reason: "Invalid".into(), ..of_source(problem) }),
    }
}

#[cfg(test)]
mod tests;
