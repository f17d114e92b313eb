//! Which kind a document is, and what of it routing needs.
//!
//! A kind that the ingress reads is parsed straight into its Kubernetes type, because that costs a third less than
//! through a generic value; only a document that fails is looked at again, for a good message.

use std::sync::Arc;

use cardea_model::config;
use cardea_model::problem::{Origin, Problem};
use k8s_openapi::api::core::v1::{Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use serde::{Deserialize, Deserializer};

use super::base64::{WireConfigMap, WireSecret};
use crate::kube::config_map::Binary;
use crate::kube::policy::{Declared, Policy};
use crate::kube::secret::PullSecret;
use crate::kube::{Place, class, config_map, ingress, policy, secret, service, slice};

/// One object that routing needs. Cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub enum Object {
    Class(Arc<config::IngressClass>),
    Ingress(Arc<config::Ingress>),
    Service(Arc<config::Service>),
    Slice(Arc<config::EndpointSlice>),
    Secret(Arc<config::TlsSecret>),
    PullSecret(Arc<PullSecret>),
    ConfigMap(Arc<Binary>),
    Policy(Arc<Declared>),
}

impl Object {
    pub fn origin(&self) -> &Origin {
        match self {
            Self::Class(object) => &object.origin,
            Self::Ingress(object) => &object.origin,
            Self::Service(object) => &object.origin,
            Self::Slice(object) => &object.origin,
            Self::Secret(object) => &object.origin,
            Self::PullSecret(object) => &object.origin,
            Self::ConfigMap(object) => &object.origin,
            Self::Policy(object) => &object.origin,
        }
    }
}

/// The kinds that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    IngressClass,
    Ingress,
    Service,
    EndpointSlice,
    Secret,
    ConfigMap,
    Policy,
}

pub(super) const KINDS: [Kind; 7] = [
    Kind::Ingress,
    Kind::Service,
    Kind::EndpointSlice,
    Kind::IngressClass,
    Kind::Secret,
    Kind::ConfigMap,
    Kind::Policy,
];

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::IngressClass => "IngressClass",
            Self::Ingress => "Ingress",
            Self::Service => "Service",
            Self::EndpointSlice => "EndpointSlice",
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
            Self::Policy => "Policy",
        }
    }

    pub(super) fn api_version(self) -> &'static str {
        match self {
            Self::IngressClass | Self::Ingress => "networking.k8s.io/v1",
            Self::EndpointSlice => "discovery.k8s.io/v1",
            Self::Service | Self::Secret | Self::ConfigMap => "v1",
            Self::Policy => "cardea.dev/v1alpha1",
        }
    }

    /// Deserializes and reads one object. The outer error is the parser's, the inner one the object's.
    pub(super) fn read<'de, D>(self, place: &Place, wire: D) -> Result<Outcome, D::Error>
    where
        D: Deserializer<'de>,
    {
        Ok(match self {
            Self::IngressClass => class::read(place, IngressClass::deserialize(wire)?).map(one(Object::Class)),
            Self::Ingress => ingress::read(place, Ingress::deserialize(wire)?).map(one(Object::Ingress)),
            Self::Service => service::read(place, Service::deserialize(wire)?).map(one(Object::Service)),
            Self::EndpointSlice => slice::read(place, EndpointSlice::deserialize(wire)?).map(one(Object::Slice)),
            Self::Policy => policy::read(place, Policy::deserialize(wire)?).map(one(Object::Policy)),
            Self::Secret => WireSecret::deserialize(wire)?.decode(place).and_then(|object| of_secret(place, object)),
            Self::ConfigMap => WireConfigMap::deserialize(wire)?
                .decode(place)
                .and_then(|object| config_map::read(place, object))
                .map(|object| object.map(|object| Object::ConfigMap(Arc::new(object)))),
        })
    }
}

fn of_secret(place: &Place, object: Secret) -> Outcome {
    if let Some(pull) = secret::read_pull(place, &object)? {
        return Ok(Some(Object::PullSecret(Arc::new(pull))));
    }
    Ok(secret::read(place, object)?.map(|tls| Object::Secret(Arc::new(tls))))
}

/// The object; `None` if it is of no interest; or its mistakes.
pub(super) type Outcome = Result<Option<Object>, Vec<Problem>>;

fn one<T>(wrap: fn(Arc<T>) -> Object) -> impl FnOnce(T) -> Option<Object> {
    move |object| Some(wrap(Arc::new(object)))
}
