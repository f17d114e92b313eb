//! What the process tells its operator about what it writes to the cluster.

use std::sync::Arc;

/// The binary makes a line on stderr of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    Leading,
    NotLeading,
    /// Something could not be read or written; it is tried again, and not told again until it worked once.
    Failed {
        object: Arc<str>,
        message: String,
        remedy: String,
    },
}

pub type Notify = Arc<dyn Fn(Notice) + Send + Sync>;

/// The error with its causes; of the API server's refusals, what it says.
pub(super) fn explain(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return format!("the API server answers {}: {}", status.code, status.message);
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// What an operator can do about a request that was refused.
pub(super) fn api_remedy(error: &kube::Error, verbs: &str, resource: &str, namespace: &str) -> String {
    match error {
        kube::Error::Api(status) if status.code == 403 => {
            let place =
                if namespace.is_empty() { "of the cluster".into() } else { format!("in namespace {namespace}") };
            format!("allow the service account to {verbs} {resource} {place}")
        }
        kube::Error::Api(status) if status.code == 404 => "create the object, or correct its name".into(),
        _ => "look at the API server; it is tried again".into(),
    }
}
