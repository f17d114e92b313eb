//! TLS termination: which certificate answers a name, swapped without touching connections.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use cardea_model::config::TlsSecret;
use cardea_model::host::HostPattern;
use cardea_model::problem::{Origin, Problem, Severity};
use cardea_model::snapshot::HostCertificate;
use rustls::ServerConfig;
use rustls::crypto::ring::{default_provider, sign};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// The acceptor of the process, and the table that it asks.
pub struct Tls {
    pub acceptor: TlsAcceptor,
    table: Arc<Table>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Table(ArcSwap<Certificates>);

/// Certificates by name.
#[derive(Debug, Default)]
pub struct Certificates {
    precise: HashMap<Arc<str>, Arc<CertifiedKey>>,
    wildcard: HashMap<Arc<str>, Arc<CertifiedKey>>,
    fallback: Option<Arc<CertifiedKey>>,
    /// By the secret they came from, to be taken over when it is the same.
    parsed: HashMap<Origin, (Arc<TlsSecret>, Arc<CertifiedKey>)>,
}

impl Tls {
    pub fn new() -> Result<Self, rustls::Error> {
        let table = Arc::new(Table::default());
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&table) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.max_early_data_size = 0;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), table })
    }

    /// Reads the certificates of a snapshot. One that cannot be read is a problem, and its hosts do without.
    pub fn read(&self, declared: &[HostCertificate]) -> (Certificates, Vec<Problem>) {
        let before = self.table.0.load();
        let mut next = Certificates::default();
        let mut problems = Vec::new();
        for certificate in declared {
            let known = next.known(&certificate.secret).or_else(|| before.known(&certificate.secret));
            match known.map_or_else(|| certified_key(&certificate.secret.certificate_pem, &certificate.secret.key_pem), Ok) {
                Ok(key) => next.add(certificate, key),
                Err(message) => problems.push(Problem {
                    origin: certificate.secret.origin.clone(),
                    field: "data".into(),
                    message,
                    remedy: "store a PEM certificate chain as tls.crt and its PEM private key as tls.key".into(),
                    severity: Severity::Error,
                }),
            }
        }
        problems.dedup();
        (next, problems)
    }

    /// New handshakes use these; connections that stand keep theirs.
    pub fn publish(&self, certificates: Certificates) {
        self.table.0.store(Arc::new(certificates));
    }
}

impl Certificates {
    fn known(&self, secret: &Arc<TlsSecret>) -> Option<Arc<CertifiedKey>> {
        let (known, key) = self.parsed.get(&secret.origin)?;
        (Arc::ptr_eq(known, secret) || **known == **secret).then(|| Arc::clone(key))
    }

    /// The first for a name stays: the snapshot has them in order of precedence.
    fn add(&mut self, certificate: &HostCertificate, key: Arc<CertifiedKey>) {
        self.parsed
            .entry(certificate.secret.origin.clone())
            .or_insert_with(|| (Arc::clone(&certificate.secret), Arc::clone(&key)));
        match &certificate.host {
            HostPattern::Precise(name) => {
                self.precise.entry(Arc::clone(name)).or_insert(key);
            }
            HostPattern::Wildcard(parent) => {
                self.wildcard.entry(Arc::clone(parent)).or_insert(key);
            }
            HostPattern::Any => {
                self.fallback.get_or_insert(key);
            }
        }
    }

    fn find(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let by_parent = || name.split_once('.').and_then(|(_, parent)| self.wildcard.get(parent));
        self.precise.get(name.as_str()).or_else(by_parent).cloned()
    }
}

impl ResolvesServerCert for Table {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let certificates = self.0.load();
        hello.server_name().and_then(|name| certificates.find(name)).or_else(|| certificates.fallback.clone())
    }
}

/// A certificate chain with the key that belongs to its first certificate. The error never quotes the content.
pub fn certified_key(certificate_pem: &[u8], key_pem: &[u8]) -> Result<Arc<CertifiedKey>, String> {
    let chain = CertificateDer::pem_slice_iter(certificate_pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| "tls.crt is not PEM".to_owned())?;
    if chain.is_empty() {
        return Err("tls.crt holds no certificate".into());
    }
    let key =
        PrivateKeyDer::from_pem_slice(key_pem).map_err(|_| "tls.key holds no PEM private key".to_owned())?;
    let key = sign::any_supported_type(&key).map_err(|_| "tls.key is of a kind that is not supported".to_owned())?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => {
            Err("tls.key does not belong to tls.crt".into())
        }
        Err(rustls::Error::InvalidCertificate(_)) => Err("tls.crt is not a valid X.509 certificate".into()),
        _ => Ok(Arc::new(certified)),
    }
}
