//! The annotation `cardea.dev/policies`: which policies see the requests of an Ingress, in which order.

use std::sync::Arc;

use super::super::Fault;
use super::Context;

/// Longest chain of one Ingress.
const CHAIN_MAX: usize = 16;

/// Any fault closes the routes: a policy that does not run must not open them.
pub(super) fn read(annotation: &str, namespace: &str, context: &impl Context) -> Result<Vec<Arc<str>>, Fault> {
    let mut chain: Vec<Arc<str>> = Vec::new();
    for name in names(annotation) {
        if name.is_empty() {
            return Err(Fault::new(
                "a policy name is empty",
                "Write names of Policies with commas between, or remove the annotation",
            ));
        }
        if !context.has_policy(namespace, name) {
            let remedy = format!("Declare Policy {name} in namespace {namespace}, or name one that exists there");
            return Err(Fault::warning(format!("there is no Policy {namespace}/{name}"), remedy));
        }
        if chain.iter().any(|other| **other == *name) {
            return Err(Fault::new(format!("Policy {name} is named twice"), "Name it once"));
        }
        chain.push(name.into());
    }
    if chain.len() > CHAIN_MAX {
        return Err(Fault::new(format!("{} policies are more than {CHAIN_MAX}", chain.len()), "Name fewer"));
    }
    Ok(chain)
}

/// As written; a name may be empty.
pub(super) fn names(annotation: &str) -> impl Iterator<Item = &str> {
    annotation.split(',').map(str::trim)
}
