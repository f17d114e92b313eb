//! What is served: immutable, indexed, shared by every worker. Built by `compile`, read by the data plane.
//!
//! Numbers are those of one snapshot. A value keeps its number from one snapshot to the next as long as it is there; then
//! another may have it.
//!
//! Endpoints are not in here: they change more often than routes, and live in [`crate::endpoint`].

use std::sync::Arc;
use std::time::Duration;

use crate::config::{Policy, ServicePortRef, TlsSecret};
use crate::host::HostPattern;
use crate::lookup::Index;
use crate::paged::Paged;
use crate::problem::Origin;
use crate::shards::Shards;

/// Index into [`Snapshot::routes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RouteId(pub u32);
/// Index into [`Snapshot::backends`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BackendId(pub u32);
/// Index into [`Snapshot::policies`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PolicyId(pub u32);
/// Index into [`Snapshot::chains`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChainId(pub u32);

/// A copy costs a pointer for dozens of values; it shares them.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Host and path to route.
    pub index: Index,
    pub routes: Paged<Arc<Route>>,
    pub backends: Paged<Backend>,
    /// Only policies that some route uses, each once.
    pub policies: Paged<Arc<Policy>>,
    /// The distinct orders of policies that routes name; request order.
    pub chains: Paged<Arc<[PolicyId]>>,
    /// By host, never none; in order of precedence (oldest Ingress first), since one that cannot be read makes way for the
    /// next. [`HostPattern::Any`]: hosts omitted, the fallback for names that no other certificate has.
    pub certificates: Shards<HostPattern, Arc<[Arc<TlsSecret>]>>,
    /// What policies may call themselves, by `namespace/name` of the policy; only of those that may.
    pub upstreams: Shards<Arc<str>, Upstreams>,
}

/// By the name that the policy knows it by.
pub type Upstreams = Arc<[(Arc<str>, BackendId)]>;

#[derive(Debug, PartialEq)]
pub struct Route {
    /// `namespace/ingress`: the label of metrics and log lines.
    pub name: Arc<str>,
    pub origin: Origin,
    pub host: HostPattern,
    /// The path as declared; `/` for a default backend.
    pub path: Arc<str>,
    pub kind: PathKind,
    pub action: Action,
    /// What policies do before the action; `None` costs nothing.
    pub chain: Option<ChainId>,
    /// Backends that a policy may choose by name (annotation `cardea.dev/backends`), sorted by name. The rule's own
    /// backend is always allowed, under its Service's name.
    pub named: Arc<[(Arc<str>, BackendId)]>,
    pub options: Arc<RouteOptions>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Forward(BackendId),
    /// The last policy of the chain answers: a Policy is the route's backend.
    Answer,
    /// The route exists but cannot be served: 503 on this path alone. The text says why, for the access line.
    Unavailable(Arc<str>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PathKind {
    Exact,
    Prefix,
    /// The default backend of an Ingress or a rule.
    Default,
}

/// Settings of an Ingress by annotation; one value shared by its routes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RouteOptions {
    /// `cardea.dev/request-timeout`: from the request's last byte to the answer's head. `None`: the process default.
    pub request_timeout: Option<Duration>,
    /// `cardea.dev/body-size-max`, bytes. `None`: the process default.
    pub body_bytes_max: Option<u64>,
}

/// One port of one Service: what has endpoints, a pool and metrics.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Backend {
    /// `namespace/service:port`: stable across snapshots, the key of the endpoint registry and the metrics label.
    pub name: Arc<str>,
    pub key: BackendKey,
    pub protocol: BackendProtocol,
    pub balance: Balance,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BackendKey {
    pub namespace: Arc<str>,
    pub service: Arc<str>,
    pub port: ServicePortRef,
}

/// How the ingress speaks to endpoints: the Service port's `appProtocol` (KEP-3726), or the Ingress annotation
/// `cardea.dev/backend-protocol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum BackendProtocol {
    #[default]
    Http1,
    /// `kubernetes.io/h2c`: HTTP/2 with prior knowledge; gRPC.
    H2c,
}

/// Annotation `cardea.dev/load-balance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Balance {
    #[default]
    RoundRobin,
    LeastRequest,
}
