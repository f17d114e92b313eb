//! What runs while reports are made: the election, what is published, and those who write.

mod api;
mod statuses;
mod teller;

use std::sync::Arc;

use kube::Client;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::leader::{self, Leadership};
use super::notice::Notify;
use super::publish::{self, Publish};
use super::{Applied, Known, events};
use api::Server;
use statuses::Statuses;
use teller::Teller;

/// What a report needs to know of this process.
#[derive(Debug, Clone)]
pub struct Options {
    pub identity: leader::Identity,
    pub election: leader::Settings,
    pub publish: Publish,
    /// `cardea.dev/ingress`: who the Events are from.
    pub controller: String,
}

/// Running reports. They end with [`Reporter::stop`] alone.
pub struct Reporter {
    stop_writing: watch::Sender<bool>,
    writers: Vec<JoinHandle<()>>,
    stop_leading: watch::Sender<bool>,
    election: JoinHandle<()>,
    following: JoinHandle<()>,
}

/// What all writers look at.
#[derive(Clone)]
struct Common {
    known: Arc<dyn Known>,
    applied: watch::Receiver<Arc<Applied>>,
    leadership: Leadership,
    stopped: watch::Receiver<bool>,
}

impl Reporter {
    pub fn start(
        client: Client,
        known: Arc<dyn Known>,
        applied: watch::Receiver<Arc<Applied>>,
        options: Options,
        notify: Notify,
        runtime: &Handle,
    ) -> Self {
        let (until, leadership) = Leadership::channel();
        let (stop_writing, stopped) = watch::channel(false);
        let (stop_leading, resigned) = watch::channel(false);
        let (publish, published) = watch::channel(None);
        let events = events::Reporter { controller: options.controller, instance: options.identity.name.clone() };
        let server = Server::new(client.clone(), &options.identity.lease, Arc::clone(&notify));
        let common = Common { known, applied, leadership, stopped };
        let statuses = Statuses::new(common.clone(), server.clone(), published);
        let teller = Teller::new(common, server, events);
        Self {
            stop_writing,
            writers: vec![runtime.spawn(statuses.run()), runtime.spawn(teller.run())],
            stop_leading,
            following: runtime.spawn(publish::follow(client.clone(), options.publish, publish, Arc::clone(&notify))),
            election: runtime.spawn(leader::elect(client, options.identity, options.election, until, notify, resigned)),
        }
    }

    /// Stops writing, then gives the Lease back, so that another replica goes on at once. What was written stays.
    pub async fn stop(self) {
        self.stop_writing.send_replace(true);
        for writer in self.writers {
            // One that panicked writes no more either.
            let _ = writer.await;
        }
        self.stop_leading.send_replace(true);
        let _ = self.election.await;
        self.following.abort();
    }
}
