//! What a failed call to the API means for the next one, and what a person can do about it.

use std::error::Error as _;
use std::time::Duration;

use ::kube::Error;
use ::kube::core::Status;

use super::kind::Kind;
use crate::report::ObjectName;

/// Why a list or watch did not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// The authoriser says no, in these words.
    Forbidden(String),
    /// The server does not know the kind.
    Absent,
    /// The version that we stopped at is too old: only a new list helps.
    Expired,
    /// The server answered, and not with what was asked for.
    Refused { code: u16, message: String, retry_after: Option<Duration> },
    /// No answer.
    Unreachable(String),
}

impl Fault {
    pub(super) fn of_status(status: &Status) -> Self {
        let message = match status.message.as_str() {
            "" => status.reason.clone(),
            message => message.to_owned(),
        };
        match status.code {
            403 => Self::Forbidden(message),
            404 => Self::Absent,
            410 => Self::Expired,
            code => {
                let seconds = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
                let retry_after = (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)));
                Self::Refused { code, message, retry_after }
            }
        }
    }

    /// A server without streaming lists answers the wish for one in this way.
    pub(super) fn may_mean_no_streaming_list(&self) -> bool {
        matches!(self, Self::Refused { code: 400 | 422 | 500 | 501, .. })
    }

    pub(super) fn message(&self) -> String {
        match self {
            Self::Forbidden(message) => message.clone(),
            Self::Absent => "the API server does not know this kind".to_owned(),
            Self::Expired => "the watch is too far behind".to_owned(),
            Self::Refused { code, message, .. } => format!("{code}: {message}"),
            Self::Unreachable(message) => message.clone(),
        }
    }

    pub(super) fn remedy(&self, kind: Kind, only: Option<&ObjectName>, namespace: Option<&str>) -> String {
        match self {
            Self::Forbidden(_) => missing_rule(kind, only, namespace),
            Self::Absent if kind == Kind::Policy => "Install the CustomResourceDefinition of Policy".to_owned(),
            Self::Absent => "Use a Kubernetes version that has this API".to_owned(),
            Self::Refused { code: 401, .. } => {
                "Check the service account's token, or the credentials of the kubeconfig".to_owned()
            }
            Self::Expired | Self::Refused { .. } => "Nothing: it is tried again".to_owned(),
            Self::Unreachable(_) => "Check that the API server runs and can be reached; it is tried again".to_owned(),
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match &error {
            Error::Api(status) => Self::of_status(status),
            _ => Self::Unreachable(with_causes(&error)),
        }
    }
}

/// The RBAC rule without which a list or watch is refused.
pub(super) fn missing_rule(kind: Kind, only: Option<&ObjectName>, namespace: Option<&str>) -> String {
    let namespace = only.map(|only| &*only.namespace).or(namespace.filter(|_| kind.is_namespaced()));
    let role = match namespace {
        Some(namespace) => format!("a Role in namespace {namespace}"),
        None => "a ClusterRole".to_owned(),
    };
    let names = only.map(|only| format!(", resourceNames: [\"{}\"]", only.name)).unwrap_or_default();
    format!(
        "Grant the service account, by {role}: apiGroups: [\"{}\"], resources: [\"{}\"]{names}, verbs: [\"list\", \"watch\"]",
        kind.group(),
        kind.resource(),
    )
}

/// An error's own words are often only the layer that failed; the reason is below.
fn with_causes(error: &Error) -> String {
    // Its own words for these are only that there was an error below.
    let mut text = match error {
        Error::Service(below) => below.to_string(),
        error => error.to_string(),
    };
    let mut cause = error.source();
    while let Some(error) = cause {
        let below = error.to_string();
        if !text.contains(&below) {
            text.push_str(": ");
            text.push_str(&below);
        }
        cause = error.source();
    }
    text
}
