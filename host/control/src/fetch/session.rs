//! The distribution API of one repository at one host: who is asking, and what is asked.
//!
//! Sources: the OCI distribution specification 1.1; docker's token and OAuth 2 pages for the challenge.

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, Response, StatusCode, Url};

use super::client::{Client, body, digest};
use super::credentials::Login;
use super::fault::{Fault, IMAGE, PULL_SECRET};
use super::manifest::{Descriptor, MANIFEST_TYPES};
use super::token::Ask;

pub(super) const MANIFEST_BYTES_MAX: u64 = 1 << 20;

/// What is to be done with the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Pull,
    Push,
}

/// A manifest as it came, with the digest of its bytes.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    pub bytes: Vec<u8>,
    pub digest: String,
    pub media_type: String,
}

#[derive(Debug)]
pub(super) struct Session<'a> {
    client: &'a Client,
    host: &'a str,
    repository: &'a str,
    access: Access,
    login: Option<Login>,
    authorization: Option<HeaderValue>,
}

impl<'a> Session<'a> {
    pub fn new(client: &'a Client, host: &'a str, repository: &'a str, access: Access, login: Option<Login>) -> Self {
        Self { client, host, repository, access, login, authorization: None }
    }

    /// The digest of a tag, as the registry says it: only to see whether something changed.
    pub async fn resolve(&mut self, version: &str) -> Result<Option<String>, Fault> {
        let url = self.url(&format!("manifests/{version}"))?;
        let response = self.send(Method::HEAD, url, &accept(), None).await?;
        let named = response.headers().get("docker-content-digest").and_then(|value| value.to_str().ok());
        Ok(named.filter(|_| response.status().is_success()).map(str::to_owned))
    }

    /// A manifest by tag or digest; `None` if there is none.
    pub async fn manifest(&mut self, version: &str) -> Result<Option<Raw>, Fault> {
        let url = self.url(&format!("manifests/{version}"))?;
        let response = self.send(Method::GET, url, &accept(), None).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let response = self.good(response, "the manifest")?;
        let named = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = named.split(';').next().unwrap_or_default().trim().to_owned();
        let bytes = body(response, IMAGE, "the manifest", MANIFEST_BYTES_MAX).await?;
        let digest = digest(&bytes);
        if version.starts_with("sha256:") && version != digest {
            let message = format!("{} answers {version} with a manifest of digest {digest}", self.host);
            return Err(Fault::content(IMAGE, message));
        }
        Ok(Some(Raw { bytes, digest, media_type }))
    }

    /// The list of images that refer to a manifest: from the registry, or where it keeps none, from the tag that clients
    /// keep instead (distribution specification 1.1, "Referrers Tag Schema").
    pub async fn referrers(&mut self, digest: &str) -> Result<Option<Vec<u8>>, Fault> {
        let url = self.url(&format!("referrers/{digest}"))?;
        let response = self.send(Method::GET, url, &accept(), None).await?;
        if response.status().is_success() {
            return body(response, IMAGE, "the list of signatures", MANIFEST_BYTES_MAX).await.map(Some);
        }
        Ok(self.manifest(&digest.replace(':', "-")).await?.map(|raw| raw.bytes))
    }

    /// A blob, of exactly the size and digest that its descriptor says.
    pub async fn blob(&mut self, descriptor: &Descriptor, what: &str, bytes_max: u64) -> Result<Vec<u8>, Fault> {
        if descriptor.size > bytes_max {
            let message = format!("{what} has {} bytes, and {bytes_max} are allowed", descriptor.size);
            return Err(Fault::new(IMAGE, message, "make it smaller, or ask the operator to raise --module-bytes-max"));
        }
        let url = self.url(&format!("blobs/{}", descriptor.digest))?;
        let response = self.send(Method::GET, url, &HeaderMap::new(), None).await?;
        let response = self.good(response, what)?;
        let bytes = body(response, IMAGE, what, descriptor.size).await?;
        if bytes.len() as u64 != descriptor.size {
            let message = format!("{what} ends after {} of {} bytes", bytes.len(), descriptor.size);
            return Err(Fault::passing(IMAGE, message));
        }
        let wanted = descriptor.digest.clone();
        let (bytes, found) = blocking(move || {
            let found = digest(&bytes);
            (bytes, found)
        })
        .await?;
        if found != wanted {
            return Err(Fault::content(IMAGE, format!("{what} has the digest {found}, and {wanted} was asked for")));
        }
        Ok(bytes)
    }

    /// Puts a blob, unless it is there already.
    pub async fn put_blob(&mut self, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), Fault> {
        let url = self.url(&format!("blobs/{}", descriptor.digest))?;
        if self.send(Method::HEAD, url, &HeaderMap::new(), None).await?.status().is_success() {
            return Ok(());
        }
        let start = self.url("blobs/uploads/")?;
        let response = self.send(Method::POST, start.clone(), &HeaderMap::new(), Some(&[])).await?;
        let response = self.good(response, "an upload")?;
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let mut upload = location
            .and_then(|location| start.join(location).ok())
            .ok_or_else(|| Fault::passing(IMAGE, format!("{} does not say where to upload", self.host)))?;
        upload.query_pairs_mut().append_pair("digest", &descriptor.digest);
        let headers = typed("application/octet-stream");
        let response = self.send(Method::PUT, upload, &headers, Some(bytes)).await?;
        self.good(response, "a blob").map(drop)
    }

    pub async fn put_manifest(&mut self, version: &str, media_type: &'static str, bytes: &[u8]) -> Result<(), Fault> {
        let url = self.url(&format!("manifests/{version}"))?;
        let response = self.send(Method::PUT, url, &typed(media_type), Some(bytes)).await?;
        self.good(response, "the manifest").map(drop)
    }

    fn url(&self, rest: &str) -> Result<Url, Fault> {
        let text = format!("{}/v2/{}/{rest}", self.client.base(self.host), self.repository);
        Url::parse(&text).map_err(|error| Fault::new(IMAGE, format!("{text} is no URL: {error}"), "correct the name"))
    }

    /// Sends a request, and once more with an authorization if the registry asks for one.
    async fn send(
        &mut self,
        method: Method,
        url: Url,
        headers: &HeaderMap,
        body: Option<&[u8]>,
    ) -> Result<Response, Fault> {
        let response = self.transmit(&method, &url, headers, body).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        let scope = format!("repository:{}:{}", self.repository, self.access.scope());
        let ask = Ask { client: self.client, host: self.host, login: self.login.as_ref(), scope: &scope };
        self.authorization = Some(ask.answer(response.headers()).await?);
        self.transmit(&method, &url, headers, body).await
    }

    async fn transmit(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: Option<&[u8]>,
    ) -> Result<Response, Fault> {
        let mut request = self.client.http().request(method.clone(), url.clone()).headers(headers.clone());
        // An upload may be sent to another host, which is not to see what this one may.
        let is_own = url.as_str().starts_with(&format!("{}/", self.client.base(self.host)));
        if let Some(value) = self.authorization.as_ref().filter(|_| is_own) {
            request = request.header(AUTHORIZATION, value);
        }
        if let Some(body) = body {
            request = request.body(body.to_vec());
        }
        request.send().await.map_err(|error| Fault::http(IMAGE, self.host, &error))
    }

    /// An answer with what was asked for; others end in a fault that says what to do.
    fn good(&self, response: Response, what: &str) -> Result<Response, Fault> {
        let (status, host) = (response.status(), self.host);
        if status.is_success() {
            return Ok(response);
        }
        let refused = format!("{host} refuses {what} of {}: {status}", self.repository);
        Err(match (status, &self.login) {
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, None) => {
                Fault::new(PULL_SECRET, refused, "name a pull secret with credentials for this registry")
            }
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, Some(_)) => {
                let remedy = "see that the credentials are right and may do this in this repository";
                Fault::new(PULL_SECRET, refused, remedy)
            }
            (StatusCode::NOT_FOUND, _) => {
                let message = format!("{host} has not {what} of {}", self.repository);
                Fault::new(IMAGE, message, "push it, or correct the name")
            }
            _ => Fault::passing(IMAGE, format!("{host} answers {status} for {what} of {}", self.repository)),
        })
    }
}

impl Access {
    fn scope(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "pull,push",
        }
    }
}

fn accept() -> HeaderMap {
    MANIFEST_TYPES.iter().map(|name| (ACCEPT, HeaderValue::from_static(name))).collect()
}

fn typed(media_type: &'static str) -> HeaderMap {
    [(CONTENT_TYPE, HeaderValue::from_static(media_type))].into_iter().collect()
}

/// Work of milliseconds on bytes, off the thread that drives everything else.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    let failed = |error| Fault::passing(IMAGE, format!("the check of what came was ended: {error}"));
    tokio::task::spawn_blocking(work).await.map_err(failed)
}
