//! What one Kubernetes object means for routing: one file a kind, each a pure `read`.
//!
//! A `read` checks shape only, as the API server's own validation would, and never looks at a second object. It answers
//! with every mistake of the object, not only the first. Fields that Kubernetes does not define are ignored in core
//! kinds, as the API server prunes them, and are an error in our own [`policy`].

pub mod class;
pub mod config_map;
pub mod ingress;
pub mod policy;
pub mod secret;
pub mod service;
pub mod slice;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use cardea_model::problem::{Origin, Problem, Severity};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};

/// Where an object was found: a document of a file, or the cluster.
#[derive(Debug, Clone)]
pub struct Place {
    pub source: Arc<str>,
    /// From 1; 0 in a cluster.
    pub document: u32,
}

impl Place {
    /// The cluster: objects have no file and no document number.
    pub fn cluster() -> Self {
        Self { source: Arc::from("cluster"), document: 0 }
    }

    /// The origin of an object that cannot say what it is.
    pub(crate) fn unidentified(&self) -> Origin {
        Origin {
            source: Arc::clone(&self.source),
            document: self.document,
            kind: "Manifest",
            namespace: Arc::from(""),
            name: Arc::from(""),
        }
    }

    /// The origin of a namespaced object; a name is required, the namespace is `default` where none is given.
    pub(crate) fn namespaced(&self, kind: &'static str, metadata: &ObjectMeta) -> Result<Origin, Vec<Problem>> {
        let namespace = metadata.namespace.as_deref().filter(|namespace| !namespace.is_empty());
        self.named(kind, namespace.unwrap_or("default"), metadata)
    }

    /// The origin of an object of the whole cluster, such as an IngressClass.
    fn cluster_wide(&self, kind: &'static str, metadata: &ObjectMeta) -> Result<Origin, Vec<Problem>> {
        self.named(kind, "", metadata)
    }

    fn named(&self, kind: &'static str, namespace: &str, metadata: &ObjectMeta) -> Result<Origin, Vec<Problem>> {
        let name = metadata.name.as_deref().unwrap_or_default();
        let origin = Origin {
            source: Arc::clone(&self.source),
            document: self.document,
            kind,
            namespace: Arc::from(namespace),
            name: Arc::from(name),
        };
        match name {
            "" => Err(vec![problem(&origin, "metadata.name", "is missing", "give the object a name")]),
            _ => Ok(origin),
        }
    }
}

pub(crate) fn problem(
    origin: &Origin,
    field: impl Into<String>,
    message: impl Into<String>,
    remedy: impl Into<String>,
) -> Problem {
    Problem {
        origin: origin.clone(),
        field: field.into(),
        message: message.into(),
        remedy: remedy.into(),
        severity: Severity::Error,
    }
}

/// Seconds since 1970.
fn created(metadata: &ObjectMeta) -> Option<i64> {
    metadata.creation_timestamp.as_ref().map(|Time(moment)| moment.as_second())
}

/// A port that TCP can have; Kubernetes carries ports as `int32`.
fn port(number: i32) -> Option<u16> {
    u16::try_from(number).ok().filter(|port| *port != 0)
}

fn shared(text: Option<String>) -> Option<Arc<str>> {
    text.map(Arc::from)
}
