//! What a declared Policy gets of the fetcher: the module that serves, and the mistake to list.

use std::sync::Arc;

use cardea_model::config::ModuleSource;
use cardea_model::problem::{Problem, Severity};

use super::{Credentials, Fetcher, Found, Good, Remote, Wanted};
use crate::kube::policy::Declared;

/// The module of a Policy that names a remote place.
///
/// `secret` finds the `.dockerconfigjson` of a Secret of the Policy's namespace by name. `fetcher` is `None` where
/// modules are not fetched, as in a check of manifests.
pub fn module(
    fetcher: Option<&Fetcher>,
    declared: &Declared,
    remote: &Remote,
    pull_secret: Option<&str>,
    secret: impl FnOnce(&str) -> Option<Credentials>,
) -> (ModuleSource, Option<Problem>) {
    let path = Arc::clone(remote.path());
    let Some(fetcher) = fetcher else {
        return (ModuleSource::Missing { path, message: String::from("modules are not fetched here") }, None);
    };
    let credentials = pull_secret.and_then(secret);
    let absent = pull_secret.filter(|_| credentials.is_none()).map(|name| no_secret(declared, name));
    let wanted = Wanted {
        namespace: Arc::clone(&declared.origin.namespace),
        remote: remote.clone(),
        digest: declared.digest().map(Arc::from),
        credentials,
        grants: declared.interfaces().to_vec(),
    };
    let (source, problem) = match fetcher.find(&wanted) {
        Found::Ready { bytes, path, .. } => (ModuleSource::Bytes { path, bytes }, None),
        Found::Pending { path } => (ModuleSource::Missing { path, message: "it is being fetched".into() }, None),
        Found::Failed { path, field, message, remedy, last_good } => {
            let problem = problem(declared, field, format!("{path}: {message}"), remedy);
            let source = match last_good {
                Some(Good { bytes, .. }) => ModuleSource::Bytes { path, bytes },
                None => ModuleSource::Missing { path, message },
            };
            (source, Some(problem))
        }
    };
    // What the registry says without credentials is a consequence only.
    (source, absent.or(problem))
}

fn no_secret(declared: &Declared, name: &str) -> Problem {
    let message = format!("there is no Secret {name} of type kubernetes.io/dockerconfigjson in the namespace");
    problem(declared, "spec.module.oci.pullSecret", message, "create it, or correct the name".into())
}

/// A warning: it comes right when the other side does.
fn problem(declared: &Declared, field: &str, message: String, remedy: String) -> Problem {
    let severity = Severity::Warning;
    Problem { origin: declared.origin.clone(), field: field.to_owned(), message, remedy, severity }
}
