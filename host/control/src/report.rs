//! What is written back to the cluster about what serves: Ingress status, Policy conditions, Events.
//!
//! [`Applied`] says what serves, after each generation; [`Known`] says what the API server is known to hold. What differs
//! is written, by the elected leader alone. Only a cluster is ever written to: the directory source reports nothing.

mod reporter;

pub mod leader;
pub mod publish;

mod conditions;
mod events;
pub mod status;

mod bucket;
mod ledger;
mod notice;

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;

use cardea_model::problem::Problem;
use tokio::sync::watch;

use crate::kube::policy::PolicyStatus;

pub use notice::{Notice, Notify};
pub use publish::Publish;
pub use reporter::{Options, Reporter};

/// What serves since one generation, and what of the declared did not make it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Applied {
    /// Of the process, from 1; 0 where nothing was applied yet, and nothing is then reported.
    pub generation: u64,
    /// The Ingresses of our classes, also those of which no path can be served.
    pub served: Arc<HashSet<ObjectName>>,
    /// Of every kind of object.
    pub problems: Vec<Problem>,
    /// Every Policy that is declared, used by a route or not.
    pub policies: Vec<AppliedPolicy>,
}

/// A namespaced object of a kind that the context says.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName {
    pub namespace: Arc<str>,
    pub name: Arc<str>,
}

impl ObjectName {
    pub fn new(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// How far one Policy came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedPolicy {
    pub object: ObjectName,
    /// Where the module comes from, for people: a path, an image, a URL.
    pub module: Arc<str>,
    /// `metadata.generation` of the object that was tried; `None` for one that cannot be read.
    pub observed_generation: Option<i64>,
    /// Some route of ours uses it; a policy that none uses is not loaded.
    pub used: bool,
    /// `sha256:...` of the version that serves: the declared one, or the last good one; `None` when none ever loaded.
    pub digest: Option<Arc<str>>,
    /// The version that is declared is the one that serves.
    pub current: bool,
    /// Why the declared version does not serve, if it was tried.
    pub fault: Option<PolicyFault>,
}

/// The first stage that a declared Policy did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFault {
    pub stage: Stage,
    /// Nothing is wrong yet: the module is being fetched.
    pub pending: bool,
    /// One word for programs: `NotFound`, `DigestDiffers`.
    pub reason: String,
    pub field: String,
    pub message: String,
    pub remedy: String,
}

/// The way of a Policy to the routes that use it; each stage needs those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The module's bytes are at hand.
    Resolve,
    /// They have the digest and the signatures that are asked for.
    Verify,
    /// They compile, link within the grants and start.
    Compile,
}

/// What is known of the objects in the cluster, at most a little behind the API server. Answers at once, from memory.
pub trait Known: Send + Sync + 'static {
    /// Every Ingress that is watched, of whatever class.
    fn ingresses(&self) -> Vec<KnownIngress>;

    fn ingress(&self, name: &ObjectName) -> Option<KnownIngress>;

    fn policy(&self, name: &ObjectName) -> Option<KnownPolicy>;

    /// What an Event about this object must say of it, `None` where it is not watched or gone. Kinds are those of
    /// [`cardea_model::problem::Origin::kind`]; the namespace of an IngressClass is empty.
    fn object(&self, kind: &str, name: &ObjectName) -> Option<KnownObject>;

    /// Changes its value whenever one of the answers above may have changed, our own writes included.
    fn changes(&self) -> watch::Receiver<u64>;
}

/// The identity of one object at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownObject {
    pub api_version: Arc<str>,
    pub uid: Arc<str>,
    pub resource_version: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownIngress {
    pub name: ObjectName,
    pub object: KnownObject,
    /// `status.loadBalancer.ingress`, in the order of the object; read with [`status::addresses`].
    pub addresses: Arc<[Address]>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct KnownPolicy {
    pub name: ObjectName,
    pub object: KnownObject,
    /// As in the object; the default where it has none.
    pub status: Arc<PolicyStatus>,
}

/// Where an Ingress can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    Ip(IpAddr),
    Hostname(Arc<str>),
}

/// 64 random bits, for names and pauses.
fn random() -> u64 {
    BuildHasher::hash_one(&RandomState::new(), std::process::id())
}
