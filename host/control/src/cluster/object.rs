//! An object as the API sent it: its identity always, its content if it can be read.
//!
//! One object that does not have the shape of its kind must not end the watch of all, so the mistake is kept as a value.

use std::borrow::Cow;
use std::fmt;

use ::kube::core::{DynamicResourceScope, Resource};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error};
use serde_json::Value;

use super::kind::Kind;
use crate::file::Mistake;

#[derive(Clone)]
pub(super) struct Raw<W> {
    pub metadata: ObjectMeta,
    pub content: Result<W, Mistake>,
}

impl<W> fmt::Debug for Raw<W> {
    /// Without the content, which may be a Secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Raw").field("name", &self.metadata.name).finish_non_exhaustive()
    }
}

impl<'de, W: DeserializeOwned> Deserialize<'de> for Raw<W> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let Some(metadata) = value.get("metadata").and_then(Value::as_object) else {
            return Err(D::Error::custom("an object without metadata"));
        };
        let metadata = ObjectMeta::deserialize(metadata).unwrap_or_else(|_| identity(metadata));
        let content = W::deserialize(&value).map_err(|error| locate::<W>(&value, &error));
        Ok(Self { metadata, content })
    }
}

/// What metadata that cannot be read says of whose it is.
fn identity(metadata: &serde_json::Map<String, Value>) -> ObjectMeta {
    let text = |key: &str| metadata.get(key).and_then(Value::as_str).map(str::to_owned);
    ObjectMeta {
        name: text("name"),
        namespace: text("namespace"),
        uid: text("uid"),
        resource_version: text("resourceVersion"),
        ..ObjectMeta::default()
    }
}

/// A value's error says no field, but the YAML parser's does: ask it about the same value.
fn locate<W: DeserializeOwned>(value: &Value, error: &serde_json::Error) -> Mistake {
    let text = serde_yaml::to_string(value).unwrap_or_default();
    match W::deserialize(serde_yaml::Deserializer::from_str(&text)) {
        Err(located) => Mistake { line: None, ..Mistake::from_yaml(&located) },
        Ok(_) => Mistake::from_json(error),
    }
}

impl<W> Resource for Raw<W> {
    type DynamicType = Kind;
    type Scope = DynamicResourceScope;

    fn kind(kind: &Kind) -> Cow<'_, str> {
        kind.name().into()
    }

    fn group(kind: &Kind) -> Cow<'_, str> {
        kind.group().into()
    }

    fn version(kind: &Kind) -> Cow<'_, str> {
        kind.version().into()
    }

    fn plural(kind: &Kind) -> Cow<'_, str> {
        kind.resource().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
