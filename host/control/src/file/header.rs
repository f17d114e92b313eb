//! What a document says that it is, and whether that concerns us.

use std::sync::Arc;

use cardea_model::problem::Origin;
use serde::Deserialize;
use serde_json::Value;

use super::mistake::Mistake;
use super::object::{KINDS, Kind};
use crate::kube::Place;

const OWN_GROUP: &str = "cardea.dev";

/// The part that every object has. Anything else of the document is skipped.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Header {
    api_version: Option<String>,
    kind: Option<String>,
    metadata: Option<Metadata>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
}

/// What to do with a document.
pub(super) enum Meaning {
    Read(Kind),
    /// A `List`, or a typed one such as `IngressList`, whose items may leave out what they are.
    List {
        item: Option<Kind>,
    },
    /// Ordinary Kubernetes manifests are full of kinds that are nothing to an ingress.
    Ignore,
    Wrong(Mistake),
}

impl Header {
    /// From an item of a list, whose type is what the list says unless it says so itself.
    pub(super) fn of_value(value: &Value, item: Option<Kind>) -> Self {
        let text = |value: Option<&Value>| Some(value?.as_str()?.to_owned());
        let metadata = value.get("metadata");
        let in_metadata = |key: &str| text(metadata.and_then(|metadata| metadata.get(key)));
        Self {
            api_version: text(value.get("apiVersion")).or(item.map(|kind| kind.api_version().to_owned())),
            kind: text(value.get("kind")).or(item.map(|kind| kind.name().to_owned())),
            metadata: Some(Metadata { name: in_metadata("name"), namespace: in_metadata("namespace") }),
        }
    }

    pub(super) fn meaning(&self) -> Meaning {
        let (version, kind) = (self.api_version.as_deref().unwrap_or(""), self.kind.as_deref().unwrap_or(""));
        if kind.is_empty() || version.is_empty() {
            let field = if kind.is_empty() { "kind" } else { "apiVersion" };
            let remedy = "every document is one Kubernetes object with apiVersion, kind and metadata.name";
            return Meaning::Wrong(Mistake { field: field.into(), ..Mistake::whole("is missing", remedy) });
        }
        if let Some(item) = kind.strip_suffix("List") {
            let kinds = KINDS.into_iter();
            return Meaning::List {
                item: kinds.filter(|kind| kind.api_version() == version).find(|kind| kind.name() == item),
            };
        }
        match KINDS.into_iter().find(|known| known.name() == kind) {
            Some(known) if known.api_version() == version => Meaning::Read(known),
            Some(known) if is_other_version(known, version) => Meaning::Wrong(Mistake {
                field: "apiVersion".into(),
                ..Mistake::whole(format!("{version} of {kind} is not read"), upgrade(known))
            }),
            _ if group(version) == OWN_GROUP => Meaning::Wrong(Mistake {
                field: "kind".into(),
                ..Mistake::whole(format!("{kind} is no kind of {version}"), "the kind of this group is Policy")
            }),
            _ => Meaning::Ignore,
        }
    }

    /// As much of the identity as is known.
    pub(super) fn origin(&self, place: &Place) -> Origin {
        let kind = self.kind.as_deref().unwrap_or("");
        let Some(known) = KINDS.into_iter().find(|known| known.name() == kind) else {
            return place.unidentified();
        };
        let metadata = self.metadata.as_ref();
        let name = metadata.and_then(|metadata| metadata.name.as_deref()).unwrap_or("");
        let namespace = match known {
            Kind::IngressClass => "",
            _ => metadata.and_then(|metadata| metadata.namespace.as_deref()).unwrap_or("default"),
        };
        let (namespace, name) = (Arc::from(namespace), Arc::from(name));
        Origin { kind: known.name(), namespace, name, ..place.unidentified() }
    }
}

/// An old or misspelt version of a kind that we read; the same kind name in a foreign group is somebody else's.
fn is_other_version(known: Kind, version: &str) -> bool {
    group(version) == group(known.api_version()) || (known == Kind::Ingress && group(version) == "extensions")
}

fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

fn upgrade(known: Kind) -> &'static str {
    match known {
        Kind::IngressClass | Kind::Ingress => "use networking.k8s.io/v1",
        Kind::EndpointSlice => "use discovery.k8s.io/v1",
        Kind::Service | Kind::Secret | Kind::ConfigMap => "use v1",
        Kind::Policy => "use cardea.dev/v1alpha1",
    }
}
