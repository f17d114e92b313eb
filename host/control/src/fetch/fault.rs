//! Why a module could not be had: which field of the Policy it is about, what happened, what to do.
//!
//! A fault names hosts and statuses, never a credential, and never what a server wrote in a body.

use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// Below `spec`, for a Policy; other callers leave it out.
    pub field: &'static str,
    pub message: String,
    pub remedy: String,
}

pub(super) const IMAGE: &str = "spec.module.oci.image";
pub(super) const PULL_SECRET: &str = "spec.module.oci.pullSecret";
pub(super) const URL: &str = "spec.module.http.url";
pub(super) const DIGEST: &str = "spec.module.digest";
pub(super) const GRANTS: &str = "spec.grants.interfaces";

impl Fault {
    pub(super) fn new(field: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { field, message: message.into(), remedy: remedy.into() }
    }

    /// Something that may be over by itself.
    pub(super) fn passing(field: &'static str, message: impl Into<String>) -> Self {
        Self::new(field, message, "see that the server is up and reachable; it is asked again by itself")
    }

    /// What came is not what it says it is, or is too large.
    pub(super) fn content(field: &'static str, message: impl Into<String>) -> Self {
        Self::new(field, message, "push the module anew: `cardea policy push` writes what is read here")
    }

    /// An error of the HTTP client, with its causes, which name the reason (`connection refused`, a certificate).
    pub(super) fn http(field: &'static str, host: &str, error: &reqwest::Error) -> Self {
        let mut causes = Causes(error).to_string();
        if error.is_timeout() {
            causes = String::from("it did not answer in time");
        }
        if causes.contains("certificate") || causes.contains("UnknownIssuer") {
            let remedy = "give the authority that signed it with --registry-ca";
            return Self::new(field, format!("{host} is not trusted: {causes}"), remedy);
        }
        if causes.contains("InvalidContentType") {
            let remedy = "give it to --registry-insecure, if it may be spoken to without TLS";
            return Self::new(field, format!("{host} does not speak TLS"), remedy);
        }
        Self::passing(field, format!("{host} cannot be reached: {causes}"))
    }
}

/// The innermost causes: the outer ones repeat the URL.
struct Causes<'a>(&'a dyn std::error::Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = self.0;
        while let Some(source) = last.source() {
            last = source;
        }
        write!(f, "{last}")
    }
}
