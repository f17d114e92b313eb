//! When and what the cluster declares: the one type that the binary holds.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::kube::{Api, Client};
use cardea_model::config::{Config, Ingress, IngressClass, Service};
use cardea_model::problem::Problem;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::task::AbortHandle;

use super::connect::{ConnectError, Connection, Seat};
use super::health::Health;
use super::inbox::Inbox;
use super::kind::Kind;
use super::known::Objects;
use super::named::{Named, Wish};
use super::options::{Notice, Options};
use super::snapshot::{Disk, Restored, Saver, SnapshotError};
use super::stores::{Stores, Terms};
use super::watch::{Shared, Watch};
use super::watched::{SecretContent, Watched};
use super::zone::Hinted;
use super::{node, object::Raw, probe, resolve};
use crate::file::Change;
use crate::kube::config_map::Binary;
use crate::kube::policy::Declared;
use crate::report::ObjectName;

/// How long a change waits for Secrets and ConfigMaps that were just named for the first time.
const NAMES_WAIT_MAX: Duration = Duration::from_millis(500);
/// The same before anything serves.
const FIRST_NAMES_WAIT_MAX: Duration = Duration::from_secs(5);

/// Watches by name that may begin at once: thousands would have the API server refuse them.
const OPENING_MAX: usize = 16;
/// How long the first kinds that are listed wait for the others while the state of the last run serves.
const COMPLETE_WAIT_MAX: Duration = Duration::from_secs(15);
/// How long the API server may take, after the start, before the state of the last run serves. One that cannot be reached
/// at all is not waited for.
const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(3);
/// The same for one that cannot be reached: it may be that only the first try failed.
const SNAPSHOT_PATIENCE_AWAY: Duration = Duration::from_millis(500);
/// How often to look whether that time has come.
const SNAPSHOT_LOOK: Duration = Duration::from_millis(100);

/// A cluster that is watched. Blocking: it belongs on a thread of its own, while its watches run elsewhere.
pub struct ClusterSource {
    stores: Stores,
    connection: Connection,
    handle: Handle,
    shared: Arc<Shared>,
    /// Ended when the source is dropped.
    kinds: Vec<AbortHandle>,
    named: HashMap<Named, (AbortHandle, Seat)>,
    hosts: HashMap<Arc<str>, AbortHandle>,
    changed: bool,
    /// Since when a change waits for what it names.
    held: Option<Instant>,
    served: bool,
    begun: Instant,
    /// The state of the last run, until it is used or of no use.
    restored: Option<Restored>,
    /// It was used.
    from_disk: bool,
    saver: Option<Saver>,
}

/// Wakes the waiting thread for good, from any thread.
#[derive(Clone)]
pub struct Stopper(Arc<Inbox>);

impl Stopper {
    pub fn stop(&self) {
        self.0.stop();
    }
}

impl ClusterSource {
    /// Starts to watch; the tasks run on `handle`. An API server that does not answer is no error.
    ///
    /// # Errors
    /// The kubeconfig or service account cannot be used.
    pub fn start(options: Options, handle: Handle) -> Result<Self, ConnectError> {
        let connection = Connection::open(options.kubeconfig.as_deref(), &handle)?;
        let server = connection.server();
        let shared = Arc::new(Shared {
            inbox: Arc::default(),
            health: Arc::default(),
            objects: Arc::default(),
            namespace: options.namespace.clone(),
            notice: Arc::clone(&options.notice),
            returned: watch::Sender::new(0),
            opening: Semaphore::new(OPENING_MAX),
        });
        let zone_is_given = options.zone.is_some();
        let terms = Terms {
            namespace: options.namespace.clone(),
            class: options.class,
            compile: options.compile,
            zone: options.zone,
            allow_external_name: options.allow_external_name,
            fetcher: options.fetcher,
        };
        let mut source = Self {
            stores: Stores::new(terms),
            connection,
            handle,
            shared,
            kinds: Vec::new(),
            named: HashMap::new(),
            hosts: HashMap::new(),
            changed: false,
            held: None,
            served: false,
            begun: Instant::now(),
            restored: None,
            from_disk: false,
            saver: None,
        };
        (options.notice)(Notice::Watching { server, namespace: options.namespace });
        source.watch_kinds();
        if let Some(node) = options.node.filter(|_| !zone_is_given) {
            let asking = node::run(source.client(), node, Arc::clone(&source.shared));
            source.kinds.push(source.handle.spawn(asking).abort_handle());
        }
        if let Some(directory) = &options.snapshot {
            source.open_snapshot(directory)?;
        }
        Ok(source)
    }

    /// Everything that is declared now, and every mistake. Total: what is broken keeps its last good state.
    ///
    /// Objects that did not change are the same `Arc` as in the last answer.
    pub fn load(&mut self) -> (Config, Vec<Problem>) {
        self.changed = false;
        self.served = true;
        let mut loaded = self.stores.load();
        if self.stores.settle_modules() {
            loaded = self.stores.load();
        }
        // What came from disk need not go back there.
        if let Some(saver) = self.saver.as_ref().filter(|_| self.stores.is_complete()) {
            saver.keep(self.stores.state());
        }
        loaded
    }

    /// Blocks until what is declared has changed and come to rest, or until stopped. The first time, until there is
    /// something to serve.
    pub fn wait(&mut self) -> Change {
        loop {
            let heard = self.shared.inbox.take(self.deadline());
            if heard.stopped {
                return Change::Stopped;
            }
            for change in heard.changes {
                self.changed |= self.stores.apply(change);
            }
            if heard.woken {
                self.stores.modules_changed();
                self.changed = true;
            }
            self.restore();
            self.follow_names();
            self.follow_hosts();
            if self.may_serve() {
                return Change::Changed;
            }
        }
    }

    /// Ends a [`ClusterSource::wait`] on another thread.
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.shared.inbox))
    }

    /// Ends a wait because what is known of a module changed; for the fetcher.
    pub fn waker(&self) -> impl Fn() + Send + Sync + 'static {
        let inbox = Arc::clone(&self.shared.inbox);
        move || inbox.wake()
    }

    pub fn health(&self) -> Arc<Health> {
        Arc::clone(&self.shared.health)
    }

    pub fn objects(&self) -> Arc<Objects> {
        Arc::clone(&self.shared.objects)
    }

    /// The client, for whoever writes back.
    pub fn client(&self) -> Client {
        self.connection.client().clone()
    }

    fn deadline(&self) -> Option<Instant> {
        let look = self.restored.is_some().then(|| Instant::now() + SNAPSHOT_LOOK);
        let held = self.held.map(|held| held + self.wait_max(self.stores.is_complete()));
        look.into_iter().chain(held).min()
    }

    /// Reads what the last run kept. A directory that cannot be used stops the start; a file that cannot be read does not.
    fn open_snapshot(&mut self, directory: &Path) -> Result<(), ConnectError> {
        let failed =
            |error: SnapshotError| ConnectError::Snapshot { path: directory.to_owned(), message: error.to_string() };
        let disk = Disk::open(directory).map_err(failed)?;
        match disk.load() {
            Ok(restored) => self.restored = restored,
            Err(error) => {
                let message = format!("the state of the last run cannot be used: {error}");
                (self.shared.notice)(Notice::SnapshotFailed { message });
            }
        }
        self.saver = Some(Saver::start(disk, Arc::clone(&self.shared.notice)).map_err(|error| failed(error.into()))?);
        Ok(())
    }

    /// Takes the state of the last run in, once the API server has had its time.
    fn restore(&mut self) {
        if self.stores.is_complete() {
            self.restored = None;
        }
        let patience = if self.shared.health.is_away() { SNAPSHOT_PATIENCE_AWAY } else { SNAPSHOT_PATIENCE };
        if self.begun.elapsed() < patience {
            return;
        }
        let Some(Restored { saved, objects, changes }) = self.restored.take() else { return };
        changes.into_iter().for_each(|change| self.stores.restore(change));
        self.shared.health.serves_snapshot(saved);
        (self.shared.notice)(Notice::SnapshotLoaded { objects, saved });
        (self.changed, self.from_disk) = (true, true);
    }

    fn wait_max(&self, complete: bool) -> Duration {
        match (complete, self.served) {
            (false, _) => COMPLETE_WAIT_MAX,
            (true, true) => NAMES_WAIT_MAX,
            (true, false) => FIRST_NAMES_WAIT_MAX,
        }
    }

    fn may_serve(&mut self) -> bool {
        let complete = self.stores.is_complete();
        if complete {
            self.shared.health.complete();
        }
        // The first time, a cluster without any object is something, too.
        if !(complete || self.served || self.from_disk) || (self.served && !self.changed) {
            return false;
        }
        if self.from_disk && !complete && !self.served {
            // What it names was kept with it.
            return true;
        }
        // Half of what is new with half of what was kept would make mistakes of what are none.
        let waits = (self.stores.is_waiting() || !complete)
            && self.held.get_or_insert_with(Instant::now).elapsed() < self.wait_max(complete);
        if !waits {
            self.held = None;
        }
        !waits
    }

    fn watch_kinds(&mut self) {
        self.kinds = vec![
            self.watch::<IngressClass>(self.client(), None),
            self.watch::<Ingress>(self.client(), None),
            self.watch::<Service>(self.client(), None),
            self.watch::<Hinted>(self.client(), None),
            self.watch::<Declared>(self.client(), None),
            self.handle.spawn(probe::run(self.client(), Arc::clone(&self.shared))).abort_handle(),
        ];
    }

    fn watch<T: Watched>(&self, client: Client, only: Option<ObjectName>) -> AbortHandle {
        let namespace = match &only {
            Some(only) => Some(&only.namespace),
            None => self.shared.namespace.as_ref().filter(|_| T::KIND.is_namespaced()),
        };
        let api: Api<Raw<T::Wire>> = match namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &T::KIND),
            None => Api::all_with(client, &T::KIND),
        };
        self.handle.spawn(Watch::<T>::new(api, only, Arc::clone(&self.shared)).run()).abort_handle()
    }

    fn end(&mut self, watch: Option<(AbortHandle, Seat)>) {
        if let Some((task, seat)) = watch {
            task.abort();
            self.connection.leave_seat(seat);
        }
    }

    /// Begins and ends watches by name.
    fn follow_names(&mut self) {
        for wish in self.stores.take_wishes() {
            match wish {
                Wish::Watch((kind, name)) => {
                    let only = Some(name.clone());
                    let (client, seat) = self.connection.take_seat();
                    let task = match kind {
                        Kind::Secret => self.watch::<SecretContent>(client, only),
                        _ => self.watch::<Binary>(client, only),
                    };
                    let before = self.named.insert((kind, name), (task, seat));
                    self.end(before);
                }
                Wish::Forget((kind, name)) => {
                    self.shared.health.forget(kind, &name);
                    self.shared.objects.gone(kind, &name);
                    let watch = self.named.remove(&(kind, name));
                    self.end(watch);
                }
            }
        }
    }
}

impl ClusterSource {
    /// Resolves the names outside that something accepted uses, and no others.
    fn follow_hosts(&mut self) {
        let Some(wanted) = self.stores.take_hosts() else { return };
        self.hosts.retain(|host, task| {
            let is_wanted = wanted.contains(host);
            if !is_wanted {
                task.abort();
            }
            is_wanted
        });
        for host in wanted {
            if !self.hosts.contains_key(&host) {
                let resolving = resolve::run(Arc::clone(&host), Arc::clone(&self.shared.inbox));
                self.hosts.insert(host, self.handle.spawn(resolving).abort_handle());
            }
        }
    }
}

impl Drop for ClusterSource {
    fn drop(&mut self) {
        self.kinds
            .iter()
            .chain(self.named.values().map(|(task, _)| task))
            .chain(self.hosts.values())
            .for_each(AbortHandle::abort);
    }
}
