//! What a Secret holds that routing needs, by shape only: a certificate with its key, or credentials for registries.
//!
//! Whether the PEM is good is for whoever loads it. No problem from here carries a byte of the Secret.

use cardea_model::config;
use cardea_model::problem::{Origin, Problem};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;

use super::{Place, problem};
use crate::fetch::Credentials;

pub(crate) const TLS: &str = "kubernetes.io/tls";
pub(crate) const DOCKER_CONFIG: &str = "kubernetes.io/dockerconfigjson";
const DOCKER_CONFIG_KEY: &str = ".dockerconfigjson";

/// Credentials for registries, which a Policy may name.
#[derive(Debug, Clone, PartialEq)]
pub struct PullSecret {
    pub origin: Origin,
    pub credentials: Credentials,
}

/// `None` for a Secret of another type.
///
/// # Errors
/// A name or `.dockerconfigjson` is missing.
pub fn read_pull(place: &Place, secret: &Secret) -> Result<Option<PullSecret>, Vec<Problem>> {
    if secret.type_.as_deref() != Some(DOCKER_CONFIG) {
        return Ok(None);
    }
    let origin = place.namespaced("Secret", &secret.metadata)?;
    let written = secret.string_data.as_ref().and_then(|data| data.get(DOCKER_CONFIG_KEY)).map(String::as_bytes);
    let data = secret.data.as_ref().and_then(|data| data.get(DOCKER_CONFIG_KEY)).map(|bytes| bytes.0.as_slice());
    match written.or(data).filter(|text| !text.is_empty()) {
        Some(text) => Ok(Some(PullSecret { origin, credentials: Credentials(text.into()) })),
        None => {
            let remedy = format!("a Secret of type {DOCKER_CONFIG} holds the registries' credentials under it");
            Err(vec![problem(&origin, format!("data[{DOCKER_CONFIG_KEY}]"), "is missing or empty", remedy)])
        }
    }
}

/// `None` for a Secret of another type: it is nobody's certificate.
///
/// # Errors
/// A name, `tls.crt` or `tls.key` is missing or empty.
pub fn read(place: &Place, secret: Secret) -> Result<Option<config::TlsSecret>, Vec<Problem>> {
    if secret.type_.as_deref() != Some(TLS) {
        return Ok(None);
    }
    let origin = place.namespaced("Secret", &secret.metadata)?;
    let mut data = secret.data.unwrap_or_default();
    // The API server writes stringData over data.
    for (key, text) in secret.string_data.unwrap_or_default() {
        data.insert(key, ByteString(text.into_bytes()));
    }
    let certificate = data.remove("tls.crt").filter(|bytes| !bytes.0.is_empty());
    let key = data.remove("tls.key").filter(|bytes| !bytes.0.is_empty());
    match (certificate, key) {
        (Some(certificate), Some(key)) => {
            Ok(Some(config::TlsSecret { origin, certificate_pem: certificate.0.into(), key_pem: key.0.into() }))
        }
        (certificate, key) => {
            let absent = [("tls.crt", certificate.is_none()), ("tls.key", key.is_none())];
            Err(absent.into_iter().filter(|(_, absent)| *absent).map(|(name, _)| missing(&origin, name)).collect())
        }
    }
}

fn missing(origin: &Origin, key: &str) -> Problem {
    let remedy = format!("a Secret of type {TLS} holds PEM, in base64, under both tls.crt and tls.key");
    problem(origin, format!("data[{key}]"), "is missing or empty", remedy)
}
