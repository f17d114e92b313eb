//! The engine that an author's commands use, and the Policy that a manifest declares.

use std::path::Path;
use std::sync::Arc;

use cardea_control::file::{Object, parse};
use cardea_control::kube::policy::Declared;
use cardea_policy::EngineError;

use super::mistake::Mistake;
use crate::scenario::stage::Stage;

/// Time and chance as they are.
pub fn live() -> Result<Stage, Mistake> {
    Stage::live().map_err(no_engine)
}

/// Time stands still, and chance is a fixed sequence until told otherwise.
pub fn scripted() -> Result<Stage, Mistake> {
    Stage::scripted().map_err(no_engine)
}

fn no_engine(error: EngineError) -> Mistake {
    Mistake::usage(error.to_string(), "see that the machine lets a process map memory")
}

/// The one Policy of a manifest, as the ingress would read it.
pub fn declared(path: &Path) -> Result<Arc<Declared>, Mistake> {
    let text = std::fs::read(path).map_err(|error| Mistake::unreadable(path, &error))?;
    let parsed = parse(&path.display().to_string(), &text);
    if let Some(problem) = parsed.problems.first() {
        let field = if problem.field.is_empty() { String::new() } else { format!("{}: ", problem.field) };
        return Err(Mistake::usage(format!("{}: {field}{}", path.display(), problem.message), problem.remedy.clone()));
    }
    let mut policies = parsed.objects.into_iter().filter_map(|object| match object {
        Object::Policy(policy) => Some(policy),
        _ => None,
    });
    match (policies.next(), policies.next()) {
        (Some(policy), None) => Ok(policy),
        (None, _) => Err(Mistake::usage(
            format!("{} declares no Policy", path.display()),
            "name a manifest with kind: Policy, apiVersion: cardea.dev/v1alpha1",
        )),
        (Some(_), Some(_)) => Err(Mistake::usage(
            format!("{} declares several Policies", path.display()),
            "name a manifest with the one that is meant",
        )),
    }
}
