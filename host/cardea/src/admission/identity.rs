//! The certificate that the webhook shows: swapped between handshakes, without touching connections.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use arc_swap::ArcSwapOption;
use cardea_proxy::tls::certified_key;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use serde_json::json;

use crate::event::{Level, emit};

/// How often files are looked at. A mounted Secret changes seconds after the object does, so this adds little.
const LOOK: Duration = Duration::from_secs(2);

/// Absent until a first certificate is there; handshakes fail until then.
#[derive(Debug, Default)]
pub struct Identity(ArcSwapOption<CertifiedKey>);

impl Identity {
    /// New handshakes use these. The error never quotes the content, and leaves what was there.
    pub fn set(&self, certificate_pem: &[u8], key_pem: &[u8]) -> Result<(), String> {
        self.0.store(Some(certified_key(certificate_pem, key_pem)?));
        Ok(())
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load_full()
    }
}

/// A certificate and its key on disk, and their bytes when they were last looked at.
pub struct Files {
    certificate: PathBuf,
    key: PathBuf,
    seen: (Vec<u8>, Vec<u8>),
}

impl Files {
    pub fn new(certificate: PathBuf, key: PathBuf) -> Self {
        Self { certificate, key, seen: Default::default() }
    }

    /// Reads them for the first time.
    pub fn load(mut self, identity: &Identity) -> anyhow::Result<Self> {
        self.refresh(identity)?;
        Ok(self)
    }

    /// Takes what is there now. True if it is new.
    fn refresh(&mut self, identity: &Identity) -> anyhow::Result<bool> {
        let read = |path: &PathBuf| std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()));
        let now = (read(&self.certificate)?, read(&self.key)?);
        if now == self.seen {
            return Ok(false);
        }
        let (certificate, key) = &now;
        let done = identity.set(certificate, key).map_err(|message| anyhow!(message));
        // A pair that is no good is told once.
        self.seen = now;
        done.map(|()| true)
    }
}

/// Looks at the files for as long as it is polled; without files, waits for ever.
pub async fn follow(files: Option<Files>, identity: Arc<Identity>) {
    let Some(mut files) = files else { return std::future::pending().await };
    let mut unreadable = false;
    loop {
        tokio::time::sleep(LOOK).await;
        let looked = files.refresh(&identity);
        let was_unreadable = std::mem::replace(&mut unreadable, looked.is_err());
        match looked {
            Ok(true) => emit(Level::Info, "webhook_certificate", json!({ "file": files.certificate })),
            Ok(false) => {}
            Err(_) if was_unreadable => {}
            Err(error) => emit(
                Level::Warn,
                "webhook_failed",
                json!({
                    "message": format!("{error:#}; the last good certificate serves on"),
                    "remedy": "write a PEM chain and the PEM key that belongs to it",
                }),
            ),
        }
    }
}
