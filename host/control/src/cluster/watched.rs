//! What is kept of an object of each kind.

use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::Arc;

use cardea_model::config;
use cardea_model::problem::{Origin, Problem};
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;

use super::kind::Kind;
use super::known::Facts;
use super::object::Raw;
use super::zone::Hinted;
use crate::kube::config_map::Binary;
use crate::kube::policy::{Declared, Policy};
use crate::kube::secret::PullSecret;
use crate::kube::{Place, class, config_map, ingress, policy, problem, secret, service, slice};
use crate::report::{ObjectName, status};

/// One object of the API as routing has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item<T> {
    pub name: ObjectName,
    pub read: Read<T>,
    /// What is wrong with an object that serves nevertheless.
    pub remarks: Vec<Problem>,
}

/// The object; `None` if it is of no interest; or its mistakes.
pub(super) type Read<T> = Result<Option<Arc<T>>, Vec<Problem>>;

/// What was heard of one kind.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Delta<T> {
    /// These and no others.
    Whole(Vec<Item<T>>),
    Set(Item<T>),
    Gone(ObjectName),
}

/// What was heard.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Change {
    Class(Delta<config::IngressClass>),
    Ingress(Delta<config::Ingress>),
    Service(Delta<config::Service>),
    Slice(Delta<Hinted>),
    Policy(Delta<Declared>),
    Secret(Delta<SecretContent>),
    ConfigMap(Delta<Binary>),
    /// The zone that we run in became known.
    Zone(Arc<str>),
    /// What a name outside of the cluster stands for, or why nobody knows.
    Resolved {
        host: Arc<str>,
        found: Result<Vec<IpAddr>, String>,
    },
    /// The authoriser says no, in these words.
    Denied {
        kind: Kind,
        only: Option<ObjectName>,
        message: String,
    },
}

/// What a Secret that something names may be good for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SecretContent {
    Tls(Arc<config::TlsSecret>),
    Pull(PullSecret),
}

impl SecretContent {
    fn origin(&self) -> &Origin {
        match self {
            Self::Tls(secret) => &secret.origin,
            Self::Pull(secret) => &secret.origin,
        }
    }
}

/// A kind that is watched, named by what is kept of it.
pub(super) trait Watched: PartialEq + Debug + Send + Sync + Sized + 'static {
    type Wire: DeserializeOwned + Clone + Debug + Send + Sync + 'static;
    const KIND: Kind;

    fn read(place: &Place, wire: Self::Wire) -> Result<Option<Self>, Vec<Problem>>;

    fn origin(&self) -> &Origin;

    fn change(delta: Delta<Self>) -> Change;

    /// What is wrong with an object that can be served nevertheless.
    fn remarks(_: &Place, _: &Self::Wire) -> Vec<Problem> {
        Vec::new()
    }

    /// What whoever writes back needs to know.
    fn facts(metadata: &ObjectMeta, _: Option<&Self::Wire>) -> Facts {
        Facts::of(Self::KIND, metadata)
    }
}

/// The name under which an object is kept.
pub(super) fn name_of(metadata: &ObjectMeta) -> ObjectName {
    ObjectName::new(metadata.namespace.as_deref().unwrap_or_default(), metadata.name.as_deref().unwrap_or_default())
}

/// Reads one object. Total: what cannot be read is an item with the mistakes.
pub(super) fn item<T: Watched>(raw: Raw<T::Wire>) -> (Item<T>, Facts) {
    let place = Place::cluster();
    let name = name_of(&raw.metadata);
    let facts = T::facts(&raw.metadata, raw.content.as_ref().ok());
    let (read, remarks) = match raw.content {
        Ok(wire) => {
            let remarks = T::remarks(&place, &wire);
            (T::read(&place, wire).map(|object| object.map(Arc::new)), remarks)
        }
        Err(mistake) => {
            let origin = Origin {
                kind: T::KIND.name(),
                namespace: Arc::clone(&name.namespace),
                name: Arc::clone(&name.name),
                ..place.unidentified()
            };
            (Err(vec![problem(&origin, mistake.field, mistake.message, mistake.remedy)]), Vec::new())
        }
    };
    (Item { name, read, remarks }, facts)
}

impl Watched for config::IngressClass {
    type Wire = IngressClass;
    const KIND: Kind = Kind::IngressClass;

    fn read(place: &Place, wire: IngressClass) -> Result<Option<Self>, Vec<Problem>> {
        class::read(place, wire).map(Some)
    }

    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn change(delta: Delta<Self>) -> Change {
        Change::Class(delta)
    }

    fn remarks(place: &Place, wire: &IngressClass) -> Vec<Problem> {
        class::remarks(place, wire)
    }
}

impl Watched for config::Ingress {
    type Wire = Ingress;
    const KIND: Kind = Kind::Ingress;

    fn read(place: &Place, wire: Ingress) -> Result<Option<Self>, Vec<Problem>> {
        ingress::read(place, wire).map(Some)
    }

    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn change(delta: Delta<Self>) -> Change {
        Change::Ingress(delta)
    }

    fn facts(metadata: &ObjectMeta, wire: Option<&Ingress>) -> Facts {
        let addresses = wire.map(status::addresses).unwrap_or_default();
        Facts { addresses, ..Facts::of(Self::KIND, metadata) }
    }
}

impl Watched for config::Service {
    type Wire = Service;
    const KIND: Kind = Kind::Service;

    fn read(place: &Place, wire: Service) -> Result<Option<Self>, Vec<Problem>> {
        service::read(place, wire).map(Some)
    }

    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn change(delta: Delta<Self>) -> Change {
        Change::Service(delta)
    }
}

impl Watched for Hinted {
    type Wire = EndpointSlice;
    const KIND: Kind = Kind::EndpointSlice;

    fn read(place: &Place, wire: EndpointSlice) -> Result<Option<Self>, Vec<Problem>> {
        let zones = Hinted::zones(&wire);
        Ok(Some(Self { slice: Arc::new(slice::read(place, wire)?), zones }))
    }

    fn origin(&self) -> &Origin {
        &self.slice.origin
    }

    fn change(delta: Delta<Self>) -> Change {
        Change::Slice(delta)
    }
}

impl Watched for Declared {
    type Wire = Policy;
    const KIND: Kind = Kind::Policy;

    fn read(place: &Place, wire: Policy) -> Result<Option<Self>, Vec<Problem>> {
        policy::read(place, wire).map(Some)
    }

    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn change(delta: Delta<Self>) -> Change {
        Change::Policy(delta)
    }

    fn facts(metadata: &ObjectMeta, wire: Option<&Policy>) -> Facts {
        let status = wire.and_then(|policy| policy.status.clone()).unwrap_or_default();
        Facts { policy: Arc::new(status), ..Facts::of(Self::KIND, metadata) }
    }
}

impl Watched for SecretContent {
    type Wire = Secret;
    const KIND: Kind = Kind::Secret;

    fn read(place: &Place, wire: Secret) -> Result<Option<Self>, Vec<Problem>> {
        if let Some(pull) = secret::read_pull(place, &wire)? {
            return Ok(Some(Self::Pull(pull)));
        }
        Ok(secret::read(place, wire)?.map(|secret| Self::Tls(Arc::new(secret))))
    }

    fn origin(&self) -> &Origin {
        SecretContent::origin(self)
    }

    fn change(delta: Delta<Self>) -> Change {
        Change::Secret(delta)
    }
}

impl Watched for Binary {
    type Wire = ConfigMap;
    const KIND: Kind = Kind::ConfigMap;

    fn read(place: &Place, wire: ConfigMap) -> Result<Option<Self>, Vec<Problem>> {
        config_map::read(place, wire)
    }

    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn change(delta: Delta<Self>) -> Change {
        Change::ConfigMap(delta)
    }
}
