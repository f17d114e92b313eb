//! HTTP to registries and web servers: every answer has a bound in bytes and in time, and every redirect is looked at.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{Response, Url};
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use sha2::{Digest, Sha256};

use super::fault::Fault;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest silence of a server.
const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// One request and its answer, the largest module included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
const REDIRECTS_MAX: usize = 5;

/// How registries are reached, as the operator said.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// Registries that are spoken to without TLS, as written in images: `registry.local:5000`.
    pub insecure: Vec<String>,
    /// Registries to ask instead of one, in order, before it.
    pub mirrors: BTreeMap<String, Vec<String>>,
    /// Certificate authorities beside those of the machine, as PEM.
    pub authorities_pem: Option<Vec<u8>>,
}

/// Why there can be no client.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NetworkError {
    #[error("the file of certificate authorities cannot be read as PEM certificates: {0}")]
    Authorities(String),
    #[error("there can be no HTTP client: {0}")]
    Client(String),
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    network: Arc<Network>,
}

impl Client {
    /// # Errors
    /// The authorities cannot be read, or the machine cannot do TLS.
    pub fn new(network: Network) -> Result<Self, NetworkError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| NetworkError::Client(error.to_string()))?
            .with_root_certificates(roots(network.authorities_pem.as_deref())?)
            .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("cardea/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .referer(false)
            .redirect(Policy::custom(follow))
            .build()
            .map_err(|error| NetworkError::Client(error.to_string()))?;
        Ok(Self { http, network: Arc::new(network) })
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The hosts to ask for images of `registry`, in order.
    pub(super) fn hosts(&self, registry: &str) -> Vec<String> {
        let mirrors = self.network.mirrors.get(registry).into_iter().flatten().cloned();
        mirrors.chain([registry.to_owned()]).collect()
    }

    pub(super) fn is_insecure(&self, host: &str) -> bool {
        self.network.insecure.iter().any(|insecure| insecure == host)
    }

    /// Where the API of a registry is. Docker's images are not at the host that they name.
    pub(super) fn base(&self, host: &str) -> String {
        let scheme = if self.is_insecure(host) { "http" } else { "https" };
        let host = if host == "docker.io" { "registry-1.docker.io" } else { host };
        format!("{scheme}://{host}")
    }
}

fn roots(more: Option<&[u8]>) -> Result<RootCertStore, NetworkError> {
    let mut roots = RootCertStore::empty();
    // A machine without authorities of its own may still have --registry-ca.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let mut added = 0;
    for certificate in CertificateDer::pem_slice_iter(more.unwrap_or_default()) {
        let certificate = certificate.map_err(|error| NetworkError::Authorities(error.to_string()))?;
        roots.add(certificate).map_err(|error| NetworkError::Authorities(error.to_string()))?;
        added += 1;
    }
    match more {
        Some(_) if added == 0 => Err(NetworkError::Authorities("it has no certificate".into())),
        _ => Ok(roots),
    }
}

/// Few redirects, and never from TLS to plain text. The client drops credentials when the host changes.
fn follow(attempt: Attempt) -> Action {
    let from_tls = attempt.previous().last().is_some_and(|url| url.scheme() == "https");
    if attempt.previous().len() > REDIRECTS_MAX {
        return attempt.error("it redirects too often");
    }
    if attempt.url().scheme() != "https" && (from_tls || attempt.url().scheme() != "http") {
        return attempt.error("it redirects away from https");
    }
    attempt.follow()
}

/// `host:port` for messages.
pub(super) fn host_of(url: &Url) -> String {
    match (url.host_str().unwrap_or_default(), url.port()) {
        (host, None) => host.to_owned(),
        (host, Some(port)) => format!("{host}:{port}"),
    }
}

/// The whole body, if it has no more than `bytes_max`.
pub(super) async fn body(
    mut response: Response,
    field: &'static str,
    what: &str,
    bytes_max: u64,
) -> Result<Vec<u8>, Fault> {
    let host = host_of(response.url());
    let too_large = || Fault::content(field, format!("{what} is larger than {bytes_max} bytes"));
    if response.content_length().is_some_and(|length| length > bytes_max) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| cut(field, &host, what, &error))? {
        if (bytes.len() + chunk.len()) as u64 > bytes_max {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn cut(field: &'static str, host: &str, what: &str, error: &reqwest::Error) -> Fault {
    let Fault { message, .. } = Fault::http(field, host, error);
    Fault::passing(field, format!("{what} ends early: {message}"))
}

/// `sha256:<64 hex>`
pub fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
