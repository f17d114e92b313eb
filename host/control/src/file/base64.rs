//! What a person may write as base64 in a Secret or ConfigMap.
//!
//! Line breaks within are ignored, as the API server does, so that a block scalar will do; the wire types of
//! k8s-openapi read only what the API server writes, and cannot say which key is wrong.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cardea_model::problem::Problem;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;

use crate::kube::secret::{DOCKER_CONFIG, TLS};
use crate::kube::{Place, problem};

type Encoded = Option<BTreeMap<String, Option<String>>>;
type Decoded = Option<BTreeMap<String, ByteString>>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireSecret {
    #[serde(default)]
    metadata: ObjectMeta,
    r#type: Option<String>,
    data: Encoded,
    string_data: Option<BTreeMap<String, String>>,
}

impl WireSecret {
    pub(super) fn decode(self, place: &Place) -> Result<Secret, Vec<Problem>> {
        // Of no other type is the content ever looked at.
        let data = match matches!(self.r#type.as_deref(), Some(TLS | DOCKER_CONFIG)) {
            true => decode(place, "Secret", "data", &self.metadata, self.data)?,
            false => None,
        };
        let (metadata, type_, string_data) = (self.metadata, self.r#type, self.string_data);
        Ok(Secret { metadata, type_, data, string_data, ..Secret::default() })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireConfigMap {
    #[serde(default)]
    metadata: ObjectMeta,
    binary_data: Encoded,
}

impl WireConfigMap {
    pub(super) fn decode(self, place: &Place) -> Result<ConfigMap, Vec<Problem>> {
        let binary_data = decode(place, "ConfigMap", "binaryData", &self.metadata, self.binary_data)?;
        Ok(ConfigMap { metadata: self.metadata, binary_data, ..ConfigMap::default() })
    }
}

fn decode(
    place: &Place,
    kind: &'static str,
    field: &str,
    metadata: &ObjectMeta,
    encoded: Encoded,
) -> Result<Decoded, Vec<Problem>> {
    let Some(encoded) = encoded else { return Ok(None) };
    let origin = place.namespaced(kind, metadata)?;
    let mut decoded = BTreeMap::new();
    let mut problems = Vec::new();
    for (key, text) in encoded {
        let mut text = text.unwrap_or_default();
        text.retain(|c| !matches!(c, '\r' | '\n'));
        match STANDARD.decode(text) {
            Ok(bytes) => _ = decoded.insert(key, ByteString(bytes)),
            // The decoder's own words quote a byte of what it read.
            Err(_) => {
                let remedy = "encode the value as standard base64";
                problems.push(problem(&origin, format!("{field}[{key}]"), "is not base64", remedy));
            }
        }
    }
    match problems.is_empty() {
        true => Ok(Some(decoded)),
        false => Err(problems),
    }
}
