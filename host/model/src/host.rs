//! Which host names a rule means, and how a request's host is compared.
//!
//! Hosts compare without case, port and trailing dot. A wildcard stands for exactly one leftmost label
//! (Kubernetes API, IngressRule.host).

use std::sync::Arc;

/// A checked `spec.rules[].host`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostPattern {
    /// Lower case, no trailing dot.
    Precise(Arc<str>),
    /// `*.foo.com` is kept as `foo.com`.
    Wildcard(Arc<str>),
    Any,
}
