//! What was declared: the objects of Kubernetes reduced to what routing needs, each with its origin.
//!
//! A value here has the right shape (it parsed) but nothing else is checked: references may dangle, hosts may be
//! invalid, classes may be somebody else's. `compile` decides. Objects are behind `Arc`, so that a source can keep
//! what did not change.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::problem::Origin;

/// Everything that a source declares at one moment.
#[derive(Debug, Clone, Default)]
pub struct Config {
    pub classes: Vec<Arc<IngressClass>>,
    pub ingresses: Vec<Arc<Ingress>>,
    pub services: Vec<Arc<Service>>,
    pub slices: Vec<Arc<EndpointSlice>>,
    pub secrets: Vec<Arc<TlsSecret>>,
    pub policies: Vec<Arc<Policy>>,
}

/// networking.k8s.io/v1 IngressClass.
#[derive(Debug, Clone, PartialEq)]
pub struct IngressClass {
    pub origin: Origin,
    pub controller: Arc<str>,
    /// Annotation `ingressclass.kubernetes.io/is-default-class: "true"`.
    pub is_default: bool,
    /// Seconds since 1970 of `metadata.creationTimestamp`; absent in most files.
    pub created: Option<i64>,
}

/// networking.k8s.io/v1 Ingress.
#[derive(Debug, Clone, PartialEq)]
pub struct Ingress {
    pub origin: Origin,
    pub created: Option<i64>,
    /// `spec.ingressClassName`.
    pub class_name: Option<Arc<str>>,
    /// Every annotation, as written.
    pub annotations: BTreeMap<String, String>,
    pub default_backend: Option<IngressBackend>,
    pub rules: Vec<IngressRule>,
    pub tls: Vec<IngressTls>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct IngressRule {
    /// As written; `None` or empty means every host.
    pub host: Option<Arc<str>>,
    /// `None` where the rule has no `http`: everything on this host goes to the default backend.
    pub paths: Option<Vec<IngressPath>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct IngressPath {
    pub path: Option<Arc<str>>,
    /// As written: `Exact`, `Prefix`, `ImplementationSpecific`, or a mistake.
    pub path_type: Option<Arc<str>>,
    pub backend: IngressBackend,
}

#[derive(Debug, Clone, PartialEq)]
pub enum IngressBackend {
    Service {
        name: Arc<str>,
        port: ServicePortRef,
    },
    /// A typed local object reference. A Policy (`cardea.dev`) answers itself; others are refused, with a problem.
    Resource {
        /// `apiGroup`; empty for the core group.
        group: String,
        kind: String,
        name: String,
    },
    /// Neither or both were given.
    Invalid {
        message: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ServicePortRef {
    Name(Arc<str>),
    Number(u16),
}

#[derive(Debug, Clone, PartialEq)]
pub struct IngressTls {
    pub hosts: Vec<Arc<str>>,
    pub secret_name: Option<Arc<str>>,
}

/// v1 Service.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    pub origin: Origin,
    pub kind: ServiceKind,
    pub ports: Vec<ServicePort>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceKind {
    /// ClusterIP, NodePort, LoadBalancer and headless alike: traffic goes to the endpoints.
    Endpoints,
    ExternalName(Arc<str>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct ServicePort {
    /// Absent only where the Service has a single port.
    pub name: Option<Arc<str>>,
    pub port: u16,
    pub target: TargetPort,
    /// `TCP`, `UDP`, `SCTP`; a route needs TCP.
    pub protocol: Arc<str>,
    pub app_protocol: Option<Arc<str>>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum TargetPort {
    Number(u16),
    Name(Arc<str>),
}

/// discovery.k8s.io/v1 EndpointSlice.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointSlice {
    pub origin: Origin,
    /// Label `kubernetes.io/service-name`; a slice without it serves nobody.
    pub service: Option<Arc<str>>,
    /// A slice port is joined to a Service port by name (Kubernetes API, EndpointPort.name).
    pub ports: Vec<SlicePort>,
    pub endpoints: Vec<SliceEndpoint>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SlicePort {
    pub name: Option<Arc<str>>,
    pub port: Option<u16>,
    pub app_protocol: Option<Arc<str>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SliceEndpoint {
    pub addresses: Vec<IpAddr>,
    /// Unset conditions count as ready and serving (Kubernetes API, EndpointConditions).
    pub ready: bool,
    pub serving: bool,
    pub terminating: bool,
    /// `zone`, `node`, `hostname` and whatever the source knows: what a policy's subset matches on.
    pub labels: BTreeMap<String, String>,
}

/// v1 Secret of type kubernetes.io/tls, PEM as stored. No `Debug` of the key.
#[derive(Clone, PartialEq)]
pub struct TlsSecret {
    pub origin: Origin,
    pub certificate_pem: Arc<[u8]>,
    pub key_pem: Arc<[u8]>,
}

impl std::fmt::Debug for TlsSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsSecret").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// cardea.dev/v1alpha1 Policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    pub origin: Origin,
    /// `metadata.generation`; 0 in most files.
    pub generation: i64,
    pub module: ModuleSource,
    /// `sha256:<64 hex>` that the module's bytes must have.
    pub digest: Option<String>,
    /// The JSON text of `spec.config`; `null` when absent.
    pub config: Arc<str>,
    pub grants: Grants,
    pub limits: Limits,
    pub failure_mode: FailureMode,
    pub isolation: Isolation,
    /// Only of a module of the proxy-wasm ABI.
    pub proxy_wasm: Option<ProxyWasm>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ModuleSource {
    /// Bytes that the source has read already, with the path for messages.
    Bytes { path: Arc<str>, bytes: Arc<[u8]> },
    /// The source could not read it: the policy is listed, and its routes answer by failure mode.
    Missing { path: Arc<str>, message: String },
}

/// The interfaces of `cardea:policy` that the module may import, beside `types` and `exchange`, which every policy has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grants {
    /// By interface name: `log`, `metrics`, `clock`, `random`, `kv-local`, `counters`.
    pub interfaces: Vec<String>,
    /// Header names (lower case) that only a granted policy may write: `x-forwarded-for` and its kind.
    pub headers: Vec<String>,
    /// Services that a module of another ABI may call.
    pub upstreams: Vec<Upstream>,
}

/// A Service of the policy's namespace that its module may call, by the name that the module knows it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    pub name: Arc<str>,
    pub service: Arc<str>,
    pub port: ServicePortRef,
}

/// What a plugin of the proxy-wasm ABI is told beside its config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyWasm {
    /// Which of the module's root contexts is to serve; empty in most.
    pub root_id: Arc<str>,
    /// The JSON text of what `proxy_on_vm_start` reads; `null` when absent.
    pub vm_config: Arc<str>,
}

/// Hard bounds on one policy. `compile` checks them against the ceilings of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Wall time of one guest call.
    pub deadline: Duration,
    /// Linear memory of one instance, bytes.
    pub memory_bytes_max: u32,
    /// Most request body that the policy may ask to see, bytes.
    pub body_bytes_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { deadline: Duration::from_millis(5), memory_bytes_max: 16 << 20, body_bytes_max: 64 << 10 }
    }
}

/// What becomes of a request whose policy failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailureMode {
    /// Answer 503: right for access control.
    #[default]
    Deny,
    /// Go on as if the policy had said `next`.
    Skip,
}

/// What one instance may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// Instances are reused by requests of the same policy, one at a time.
    #[default]
    Pooled,
    /// A new instance for every call.
    Request,
}
