//! TLS termination: which certificate answers a name, swapped without touching connections.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use arc_swap::ArcSwap;
use cardea_model::config::TlsSecret;
use cardea_model::host::HostPattern;
use cardea_model::problem::{Problem, Severity};
use cardea_model::shards::Shards;
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

/// Certificates by name, in parts that the next table shares.
#[derive(Debug, Clone, Default)]
pub struct Certificates {
    precise: Shards<Arc<str>, Arc<CertifiedKey>>,
    wildcard: Shards<Arc<str>, Arc<CertifiedKey>>,
    fallback: Option<Arc<CertifiedKey>>,
}

/// Secrets as read, as long as a host has them. On the side of the control plane.
#[derive(Debug, Default)]
pub struct Keys {
    certificates: Certificates,
    declared: HashMap<HostPattern, Secrets>,
    /// By the address of the Secret, which is kept here, with how many hosts have it.
    read: HashMap<usize, Read>,
}

type Secrets = Arc<[Arc<TlsSecret>]>;

#[derive(Debug)]
struct Read {
    secret: Arc<TlsSecret>,
    key: Result<Arc<CertifiedKey>, String>,
    hosts: usize,
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

    /// New handshakes use these; connections that stand keep theirs.
    pub fn publish(&self, certificates: &Certificates) {
        self.table.0.store(Arc::new(certificates.clone()));
    }
}

impl Keys {
    /// The Secrets that a host has from now on, in order of precedence; `None` for no more. Those that are new are read.
    pub fn declare(&mut self, host: &HostPattern, secrets: Option<&Secrets>) {
        for secret in secrets.into_iter().flat_map(|secrets| secrets.iter()) {
            let read = self.read.entry(Arc::as_ptr(secret).addr());
            read.or_insert_with(|| Read {
                secret: Arc::clone(secret),
                key: certified_key(&secret.certificate_pem, &secret.key_pem),
                hosts: 0,
            })
            .hosts += 1;
        }
        let before = match secrets {
            Some(secrets) => self.declared.insert(host.clone(), Arc::clone(secrets)),
            None => self.declared.remove(host),
        };
        for secret in before.iter().flat_map(|secrets| secrets.iter()) {
            self.forget(secret);
        }
        let keys = secrets.into_iter().flat_map(|secrets| secrets.iter());
        let key = keys.filter_map(|secret| self.read.get(&Arc::as_ptr(secret).addr())?.key.as_ref().ok()).next();
        self.certificates.set(host, key.cloned());
    }

    /// Those that could be read.
    pub fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// One for each Secret that cannot be read; its hosts do without.
    pub fn problems(&self) -> impl Iterator<Item = Problem> {
        self.read.values().filter_map(|read| {
            Some(Problem {
                origin: read.secret.origin.clone(),
                field: "data".into(),
                message: read.key.as_ref().err()?.clone(),
                remedy: "store a PEM certificate chain as tls.crt and its PEM private key as tls.key".into(),
                severity: Severity::Error,
            })
        })
    }

    fn forget(&mut self, secret: &Arc<TlsSecret>) {
        if let Entry::Occupied(mut read) = self.read.entry(Arc::as_ptr(secret).addr()) {
            read.get_mut().hosts -= 1;
            if read.get().hosts == 0 {
                read.remove();
            }
        }
    }
}

impl Certificates {
    fn set(&mut self, host: &HostPattern, key: Option<Arc<CertifiedKey>>) {
        match host {
            HostPattern::Precise(name) => self.precise.set(Arc::clone(name), key),
            HostPattern::Wildcard(parent) => self.wildcard.set(Arc::clone(parent), key),
            HostPattern::Any => self.fallback = key,
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
    let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(|_| "tls.key holds no PEM private key".to_owned())?;
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

#[cfg(test)]
mod tests;
