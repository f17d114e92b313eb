//! HTTPS in front of the checks: what is no review is refused cheaply, and every wait has a bound.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use cardea_control::admission::{Outcome, Reader, review};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::identity::Identity;

const PATH: &str = "/validate";
/// The API server takes objects of up to 3 MiB, and sends the old one and the new one.
const BODY_BYTES_MAX: usize = 8 << 20;
/// Reviews that are read or checked at a time; they may hold a body each.
const REVIEWS_MAX: usize = 16;
const CONNECTIONS_MAX: usize = 128;
const STREAMS_MAX: u32 = 64;
const HANDSHAKE_MAX: Duration = Duration::from_secs(5);
const HEAD_MAX: Duration = Duration::from_secs(10);
/// From the head of a review to the end of its body; the API server waits 10 s in all unless told otherwise.
const BODY_MAX: Duration = Duration::from_secs(5);
/// A connection is closed after this, when it is done with what it is at.
const CONNECTION_AGE_MAX: Duration = Duration::from_secs(10 * 60);

/// What became of the reviews.
#[derive(Debug, Default)]
pub struct Counters {
    pub allowed: AtomicU64,
    pub refused: AtomicU64,
    /// Answered with an HTTP error: no review, too large, too late.
    pub malformed: AtomicU64,
    pub warnings: AtomicU64,
    /// Spent on checks.
    pub nanoseconds: AtomicU64,
}

pub struct Server {
    acceptor: TlsAcceptor,
    reviewer: Arc<Reviewer>,
}

struct Reviewer {
    reader: Reader,
    counters: Arc<Counters>,
    places: Semaphore,
}

impl Server {
    pub fn new(
        identity: &Arc<Identity>,
        client_ca: Option<&Path>,
        reader: Reader,
        counters: Arc<Counters>,
    ) -> anyhow::Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
        let config = match client_ca {
            None => config.with_no_client_auth(),
            Some(file) => {
                let roots =
                    Arc::new(authorities(file).with_context(|| format!("--webhook-client-ca {}", file.display()))?);
                config.with_client_cert_verifier(WebPkiClientVerifier::builder_with_provider(roots, provider).build()?)
            }
        };
        let mut config = config.with_cert_resolver(Arc::<Identity>::clone(identity));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let reviewer = Reviewer { reader, counters, places: Semaphore::new(REVIEWS_MAX) };
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), reviewer: Arc::new(reviewer) })
    }

    pub async fn run(&self, listener: TcpListener) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let (acceptor, reviewer) = (self.acceptor.clone(), Arc::clone(&self.reviewer));
            tokio::spawn(async move {
                serve(stream, acceptor, reviewer).await;
                drop(place);
            });
        }
    }
}

fn authorities(file: &Path) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file)? {
        roots.add(certificate?)?;
    }
    Ok(roots)
}

/// One connection. A client that goes away or breaks the protocol is not news.
async fn serve(stream: TcpStream, acceptor: TlsAcceptor, reviewer: Arc<Reviewer>) {
    // The answer to a review is one small write, which must not wait for the last one's acknowledgement.
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await else { return };
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let service = service_fn(move |request| {
        let reviewer = Arc::clone(&reviewer);
        async move { Ok::<_, Infallible>(reviewer.answer(request).await) }
    });
    let io = TokioIo::new(stream);
    if is_http2 {
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_MAX)
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(HEAD_MAX)
            .serve_connection(io, service);
        let mut connection = std::pin::pin!(connection);
        if timeout(CONNECTION_AGE_MAX, connection.as_mut()).await.is_err() {
            connection.as_mut().graceful_shutdown();
            let _ = timeout(BODY_MAX, connection).await;
        }
    } else {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            // Also the longest silence between two reviews; the API server opens another connection then.
            .header_read_timeout(Duration::from_secs(60))
            .serve_connection(io, service);
        let mut connection = std::pin::pin!(connection);
        if timeout(CONNECTION_AGE_MAX, connection.as_mut()).await.is_err() {
            connection.as_mut().graceful_shutdown();
            let _ = timeout(BODY_MAX, connection).await;
        }
    }
}

impl Reviewer {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if request.uri().path() != PATH {
            return text(StatusCode::NOT_FOUND, format!("reviews go to {PATH}\n"));
        }
        if request.method() != Method::POST {
            return text(StatusCode::METHOD_NOT_ALLOWED, "POST only\n".to_owned());
        }
        let Ok(Ok(_place)) = timeout(BODY_MAX, self.places.acquire()).await else {
            return self.malformed(StatusCode::SERVICE_UNAVAILABLE, "too many reviews at a time\n".to_owned());
        };
        let body = match timeout(BODY_MAX, whole(request.into_body())).await {
            Ok(Ok(body)) => body,
            Ok(Err(status)) => return self.malformed(status, format!("at most {BODY_BYTES_MAX} bytes, complete\n")),
            Err(_) => return self.malformed(StatusCode::REQUEST_TIMEOUT, "the body took too long\n".to_owned()),
        };
        self.review(&body)
    }

    fn review(&self, body: &[u8]) -> Response<Full<Bytes>> {
        let start = Instant::now();
        let reviewed = match review(&self.reader.get(), body) {
            Ok(reviewed) => reviewed,
            Err(malformed) => return self.malformed(StatusCode::BAD_REQUEST, format!("{malformed}\n")),
        };
        let counters = &self.counters;
        match reviewed.outcome {
            Outcome::Allowed => counters.allowed.fetch_add(1, Relaxed),
            Outcome::Refused => counters.refused.fetch_add(1, Relaxed),
        };
        counters.warnings.fetch_add(reviewed.warnings as u64, Relaxed);
        let spent = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        counters.nanoseconds.fetch_add(spent, Relaxed);
        typed(StatusCode::OK, "application/json", Bytes::from(reviewed.body))
    }

    fn malformed(&self, status: StatusCode, why: String) -> Response<Full<Bytes>> {
        self.counters.malformed.fetch_add(1, Relaxed);
        text(status, why)
    }
}

/// The whole body, or the status that says why it is not taken. One that says its size is refused before it is read.
async fn whole(body: Incoming) -> Result<Bytes, StatusCode> {
    if body.size_hint().lower() > BODY_BYTES_MAX as u64 {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::BAD_REQUEST),
    }
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    typed(status, "text/plain; charset=utf-8", Bytes::from(body))
}

fn typed(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
