//! The admission webhook: who is asked, with which certificate, on a thread of its own.
//!
//! Nothing here decides about an object; that is `cardea_control::admission`. It shares no lock with the loading of
//! generations and no thread with requests, so that neither waits for the other.

mod identity;
mod kept;
mod server;

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::Context;
use cardea_control::admission::Reader;
use cardea_control::admission::keep::Place;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::settings::webhook::Webhook as Wanted;
use identity::Identity;
pub use kept::keep;
pub use server::Counters;

/// Where the certificate comes from.
#[derive(Debug, Clone)]
pub enum Certificate {
    /// PEM files, looked at for changes.
    Files { certificate: PathBuf, key: PathBuf },
    /// Made, and kept in the cluster.
    Kept(Place),
}

/// A webhook that has its socket and its first certificate, if that is in files.
pub struct Webhook {
    pub identity: Arc<Identity>,
    pub counters: Arc<Counters>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Webhook {
    /// # Errors
    /// The files hold no certificate, or there is no thread to be had.
    pub fn start(listener: TcpListener, wanted: &Wanted, reader: Reader) -> anyhow::Result<Self> {
        let identity = Arc::new(Identity::default());
        let files = match &wanted.certificate {
            Certificate::Kept(_) => None,
            Certificate::Files { certificate, key } => {
                let files = identity::Files::new(certificate.clone(), key.clone());
                Some(files.load(&identity).context("--webhook-cert and --webhook-key")?)
            }
        };
        let counters = Arc::new(Counters::default());
        let server = server::Server::new(&identity, wanted.client_ca.as_deref(), reader, Arc::clone(&counters))?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let (stop, stopped) = oneshot::channel();
        let follow = identity::follow(files, Arc::clone(&identity));
        let run = move || {
            runtime.block_on(async {
                // Nothing is lost when any of them is dropped: the process is at its end.
                tokio::select! {
                    () = server.run(listener) => {}
                    () = follow => {}
                    _ = stopped => {}
                }
            });
        };
        let thread = std::thread::Builder::new().name("webhook".into()).spawn(run)?;
        Ok(Self { identity, counters, stop, thread })
    }

    pub fn stop(self) {
        // Both fail only where the thread is gone already.
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}
