//! A scenario file: what it may say (here), how it is read, what it sets up (`given`), how it is played (`play`, `check`).
//!
//! Everything unknown is an error, so that a misspelt expectation cannot pass unseen. tests/README.md explains each key.

mod check;
pub mod cluster;
mod given;
mod play;
mod read;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::backend::BackendSpec;
use crate::plane::fault::{Break, Fault};
use crate::plane::room::PodState;
use cluster::{ExpectObject, PlaneAction};

pub use play::{Outcome, World, run, run_on};
pub use read::{parse, read};

/// One file: one ingress process, and what happens to it, in order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub promise: String,
    /// Flags of `cardea serve` beyond the listeners.
    #[serde(default)]
    pub flags: Vec<String>,
    #[serde(default)]
    pub descriptors_max: Option<u32>,
    /// Each with a Service and an EndpointSlice of its name, unless it says otherwise.
    #[serde(default)]
    pub backends: BTreeMap<String, BackendSpec>,
    /// Certificates by name, for these hosts: each in a Secret of that name, unless it says otherwise.
    #[serde(default)]
    pub certificates: BTreeMap<String, CertificateSpec>,
    /// Policies by name, each with its module.
    #[serde(default)]
    pub policies: BTreeMap<String, PolicySpec>,
    /// Ingresses by host: everything on the host goes to one backend.
    #[serde(default)]
    pub sites: BTreeMap<String, SiteSpec>,
    /// Kubernetes objects, or names of files in `scenarios/given/`.
    #[serde(default)]
    pub given: Vec<Value>,
    /// Leaves out the IngressClass `cardea` of our controller, which every file has otherwise.
    #[serde(default)]
    pub no_class: bool,
    /// On a cluster: what the API server does rarely, from the start.
    #[serde(default)]
    pub faults: Option<Vec<Fault>>,
    /// On a cluster: the file of `deploy/manifests` whose roles the account has; by default `install`.
    #[serde(default)]
    pub install: Option<String>,
    /// On a cluster: nothing else is played at the same time.
    #[serde(default)]
    pub alone: bool,
    /// The ingress cannot be ready yet when the first step begins.
    #[serde(default)]
    pub starts_unready: bool,
    #[serde(default)]
    pub steps: Vec<Step>,
    /// A file of a single step may write it in place.
    #[serde(default)]
    pub send: Option<Send>,
    #[serde(default)]
    pub expect: Option<Expect>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum CertificateSpec {
    Hosts(Vec<String>),
    /// Without a Secret: the file declares its own by `${certificate:NAME}` and `${key:NAME}`.
    Bare {
        hosts: Vec<String>,
        bare: bool,
    },
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySpec {
    /// `guests/NAME.wat` as `wat:NAME`, a shipped policy as `shipped:NAME`, `modules/ABI/NAME` as `built:ABI/NAME`, or
    /// `component:ABI/NAME` where it is made a component, any
    /// bytes as `text:...`.
    pub module: String,
    /// The rest of the Policy's `spec`.
    #[serde(default)]
    pub spec: serde_json::Map<String, Value>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum SiteSpec {
    Backend(String),
    Policies {
        backend: String,
        #[serde(default)]
        policies: Option<String>,
        /// Without the prefix `cardea.dev/`.
        #[serde(default)]
        annotations: BTreeMap<String, String>,
    },
}

impl CertificateSpec {
    fn is_bare(&self) -> bool {
        matches!(self, Self::Bare { bare: true, .. })
    }
}

/// In this order: the actions, then `send`, then `expect`.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    pub promise: Option<String>,
    /// Writes a file and waits for the next generation; on a cluster it applies the objects and waits for nothing.
    pub apply: Option<Apply>,
    /// Removes a file and waits for the next generation; on a cluster an object, `KIND/NAME`.
    pub delete: Option<String>,
    /// Stops a backend: its listener and connections.
    pub stop: Option<String>,
    /// Opens a gate that a script waits at.
    pub open: Option<String>,
    /// Closes a connection that an earlier step kept.
    pub close: Option<String>,
    /// Sends the process a signal: `TERM`.
    pub signal: Option<String>,
    /// On a cluster: what becomes of pods.
    pub pods: BTreeMap<String, PodState>,
    /// On a cluster: what the API server does from now on.
    pub faults: Option<Vec<Fault>>,
    /// On a cluster: ends watches that are open.
    pub break_watches: Option<Break>,
    /// On a cluster: what becomes of the API server.
    pub plane: Option<PlaneAction>,
    /// Ends the ingress and starts it again.
    pub restart: bool,
    /// On a cluster: what is expected holds at once. Without it, the step is tried again until it does.
    pub at_once: bool,
    /// The step's connection by name: opened at first use, kept for later steps.
    pub on: Option<String>,
    pub send: Option<Send>,
    /// Repeats `send` so many times; each reply must be as expected.
    pub repeat: Option<usize>,
    pub expect: Expect,
    /// Short for a GET: `host/path`.
    pub get: Option<String>,
    /// Short for a reply 200 from this backend.
    pub from: Option<String>,
    /// Short for a reply with this status.
    pub status: Option<u16>,
    /// Short for these bytes answered 400 (or `status`), the connection closed, and no backend called.
    pub reject: Option<String>,
    /// The same, for a body that breaks after its head was forwarded: no backend sees the whole request.
    pub reject_body: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Apply {
    #[serde(default)]
    pub file: String,
    #[serde(default)]
    pub objects: Vec<Value>,
    /// In place of objects: any text.
    #[serde(default)]
    pub text: Option<String>,
    /// In place of objects: a module, as in `policies`.
    #[serde(default)]
    pub module: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Send {
    /// The listener: `http` (default), `https` or `admin`.
    pub to: String,
    /// Bytes before anything else on a new connection, TLS too; written as `raw` is.
    pub before: String,
    /// Exactly these bytes, over HTTP/1.1; a character up to U+00FF is a byte, `${a*9}` is nine times `a`.
    pub raw: Option<String>,
    /// Exactly these fields, over HTTP/2, pseudo-fields too.
    pub frames: Option<Vec<(String, String)>>,
    pub http2: bool,
    pub method: String,
    pub host: Option<String>,
    pub path: String,
    pub headers: Headers,
    pub body: String,
    pub trailers: Headers,
    /// HTTP/2: so many streams at once, each answered as expected.
    pub streams: usize,
    /// HTTP/2: opens and resets so many streams first.
    pub resets: usize,
    /// Speaks without TLS, whatever the listener.
    pub plain: bool,
    /// TLS: the name; by default the host. Empty sends none.
    pub sni: Option<String>,
    pub alpn: Option<Vec<String>>,
    /// From this many connections more, which stay open and silent.
    pub idle_connections: usize,
}

impl Default for Send {
    fn default() -> Self {
        Self {
            to: "http".to_owned(),
            before: String::new(),
            raw: None,
            frames: None,
            http2: false,
            method: "GET".to_owned(),
            host: None,
            path: "/".to_owned(),
            headers: Headers::default(),
            body: String::new(),
            trailers: Headers::default(),
            streams: 1,
            resets: 0,
            plain: false,
            sni: None,
            alpn: None,
            idle_connections: 0,
        }
    }
}

/// A map, or a list of pairs where a name comes twice.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Headers {
    Map(BTreeMap<String, String>),
    Pairs(Vec<(String, String)>),
}

impl Default for Headers {
    fn default() -> Self {
        Self::Pairs(Vec::new())
    }
}

impl Headers {
    pub fn fields(&self) -> crate::wire::Fields {
        match self {
            Self::Map(map) => map.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            Self::Pairs(pairs) => pairs.clone(),
        }
    }
}

/// Each key is a pattern (see [`crate::pattern`]) unless it says otherwise.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    pub reply: Option<Value>,
    /// Several replies on one connection, in order (pipelining).
    pub replies: Option<Vec<Value>>,
    /// Text that arrives, whatever comes before it.
    pub receive: Option<String>,
    /// No answer: the connection is refused, reset or closed without one.
    pub refused: Option<bool>,
    /// Refused, or answered 4xx or 501.
    pub rejected: Option<bool>,
    /// Answered or refused, but not silence.
    pub any_outcome: Option<bool>,
    /// The connection ends, whatever comes before.
    pub ends: Option<bool>,
    /// Whether the connection is closed after the reply. Open is proved by one more request on it.
    pub closed: Option<bool>,
    /// The last call of the step.
    pub upstream: Option<Value>,
    /// How many calls all backends got, or each by name.
    pub upstream_calls: Option<Value>,
    /// How many calls came to their end.
    pub upstream_completed: Option<usize>,
    /// An access line of the step.
    pub record: Option<Value>,
    /// An event on standard error within the step.
    pub event: Option<Value>,
    /// Each matches a listed problem; an empty list: there is none.
    pub problems: Option<Vec<Value>>,
    /// `/debug/config`.
    pub config: Option<Value>,
    /// Lines, or parts of lines, of `/metrics`.
    pub metrics: Option<Vec<String>>,
    pub tls: Option<ExpectTls>,
    /// Of the cluster.
    pub objects: Vec<ExpectObject>,
    /// Requests to the API server, by a part of their line, and how many of them at least.
    pub asked: BTreeMap<String, usize>,
    /// Requests to the API server that did not come in this step.
    pub not_asked: Vec<String>,
    /// Each matches an Event of the test's namespace.
    pub events: Vec<Value>,
    /// The process ends by itself, with this code.
    pub exit: Option<i32>,
    /// No more CPU than this many ticks of 10 ms between the start and the end of the step.
    pub cpu_ticks_max: Option<u64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectTls {
    /// By its name in `certificates`.
    #[serde(default)]
    pub certificate: Option<String>,
    #[serde(default)]
    pub alpn: Option<String>,
}
