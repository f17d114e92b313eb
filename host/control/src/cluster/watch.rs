//! One list and watch that never ends: of a whole kind, or of one object by its name.
//!
//! It goes on from the version that it stopped at; where that is too old, or after a list that broke off, it lists anew
//! and swaps the list in whole. A list is streamed where the server can, else read page by page. kube's own watcher is
//! not used: it hides bookmarks, which show that a quiet watch is alive, and cannot leave a connection that has died
//! without listing again.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::kube::Api;
use ::kube::api::{ListParams, WatchParams};
use ::kube::core::WatchEvent;
use futures_util::StreamExt;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::backoff::Backoff;
use super::fault::Fault;
use super::health::Health;
use super::inbox::Inbox;
use super::kind::Kind;
use super::known::{Facts, Objects};
use super::object::Raw;
use super::options::Notice;
use super::watched::{Change, Delta, Item, Watched, item, name_of};
use crate::report::ObjectName;

/// How long the server may keep one watch open; afterwards it goes on from the same version.
const WATCH_SECONDS: u32 = 290;
/// Silence beyond that means that the connection is dead.
const MARGIN: Duration = Duration::from_secs(10);
/// How long an answer may take to begin, and a page of a list to come.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Silence within a streamed list.
const STREAM_SILENCE_MAX: Duration = Duration::from_secs(10);
const PAGE: u32 = 500;
/// A watch that ends sooner, and without a word, is a failure.
const WATCH_MIN: Duration = Duration::from_secs(1);
/// How often a kind that the server does not know is looked for.
const ABSENT_RETRY: Duration = Duration::from_secs(5);

/// What every watch tells.
pub(super) struct Shared {
    pub inbox: Arc<Inbox>,
    pub health: Arc<Health>,
    pub objects: Arc<Objects>,
    pub namespace: Option<Arc<str>>,
    pub notice: Arc<dyn Fn(Notice) + Send + Sync>,
    /// Changes when the server is there again after it was not.
    pub returned: watch::Sender<u64>,
    /// For those that list one object.
    pub opening: Semaphore,
}

pub(super) struct Watch<T: Watched> {
    api: Api<Raw<T::Wire>>,
    only: Option<ObjectName>,
    shared: Arc<Shared>,
    returned: watch::Receiver<u64>,
    streaming: bool,
    /// There was a list before.
    listed: bool,
    /// Where to go on.
    version: Option<String>,
    backoff: Backoff,
    /// The last failure that was told.
    told: Option<Fault>,
}

/// A list that is being streamed.
type Streamed<T> = Option<Vec<(Item<T>, Facts)>>;

impl<T: Watched> Watch<T> {
    pub(super) fn new(api: Api<Raw<T::Wire>>, only: Option<ObjectName>, shared: Arc<Shared>) -> Self {
        let returned = shared.returned.subscribe();
        // One object is one page.
        let streaming = only.is_none();
        Self {
            api,
            only,
            shared,
            returned,
            streaming,
            listed: false,
            version: None,
            backoff: Backoff::default(),
            told: None,
        }
    }

    /// Ends only by being dropped; nothing is lost then, since the next watch begins with a list.
    pub(super) async fn run(mut self) {
        loop {
            let ended = match self.version.is_none() && !self.streaming {
                true => self.list().await,
                false => self.follow().await,
            };
            if let Err(fault) = ended {
                self.failed(fault).await;
            }
        }
    }

    fn fields(&self) -> Option<String> {
        self.only.as_ref().map(|only| format!("metadata.name={}", only.name))
    }

    async fn list(&mut self) -> Result<(), Fault> {
        let shared = Arc::clone(&self.shared);
        // It is never closed; without a permit, nothing but the order would be lost.
        let _turn = if self.only.is_some() { shared.opening.acquire().await.ok() } else { None };
        let mut params = ListParams { field_selector: self.fields(), limit: Some(PAGE), ..ListParams::default() };
        let mut found = Vec::new();
        loop {
            let page = timeout(ANSWER_MAX, self.api.list(&params)).await.map_err(|_| too_slow())??;
            found.extend(page.items.into_iter().map(item::<T>));
            params.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
            if params.continue_token.is_none() {
                self.version = page.metadata.resource_version.filter(|version| !version.is_empty());
                self.whole(found);
                return Ok(());
            }
        }
    }

    /// Watches from the version that we stopped at; without one, a list is streamed first.
    async fn follow(&mut self) -> Result<(), Fault> {
        let mut list: Streamed<T> = self.version.is_none().then(Vec::new);
        let params = WatchParams {
            field_selector: self.fields(),
            timeout: Some(WATCH_SECONDS),
            send_initial_events: list.is_some(),
            ..WatchParams::default()
        };
        let opening = self.api.watch(&params, self.version.as_deref().unwrap_or_default());
        let opened = timeout(ANSWER_MAX, opening).await.map_err(|_| too_slow()).and_then(|opened| Ok(opened?));
        let mut events = pin!(opened.map_err(|fault| self.without_streaming(list.is_some(), fault))?);
        let (mut heard, begun) = (0_u32, Instant::now());
        // What failed before is in order again once the watch has been open for a moment, or has said something.
        let mut recovered = list.is_some();
        loop {
            let patience = match (&list, recovered) {
                (Some(_), _) => STREAM_SILENCE_MAX,
                (None, false) => WATCH_MIN,
                (None, true) => Duration::from_secs(u64::from(WATCH_SECONDS)) + MARGIN,
            };
            // Nothing is lost if the stream is dropped: the next one goes on from the version.
            let event = tokio::select! {
                event = timeout(patience, events.next()) => event,
                _ = self.returned.changed() => return Ok(()),
            };
            match event {
                Ok(Some(Ok(event))) => {
                    heard = heard.saturating_add(1);
                    let streaming = list.is_some();
                    self.take(event, &mut list).map_err(|fault| self.without_streaming(streaming, fault))?;
                    if !std::mem::replace(&mut recovered, true) {
                        self.succeeded();
                    }
                }
                Err(_) if !recovered => {
                    recovered = true;
                    self.succeeded();
                }
                Ok(Some(Err(error))) => return Err(error.into()),
                Ok(None) if list.is_none() && (heard > 0 || begun.elapsed() >= WATCH_MIN) => return Ok(()),
                Ok(None) => return Err(Fault::Unreachable("the watch ended at once".to_owned())),
                Err(_) => {
                    self.streaming &= list.is_none();
                    return Err(too_slow());
                }
            }
        }
    }

    /// Lists page by page from now on, if that is what the failure of a streamed list may be about.
    fn without_streaming(&mut self, streaming: bool, fault: Fault) -> Fault {
        if streaming && fault.may_mean_no_streaming_list() {
            self.streaming = false;
        }
        fault
    }

    fn take(&mut self, event: WatchEvent<Raw<T::Wire>>, list: &mut Streamed<T>) -> Result<(), Fault> {
        self.shared.health.contact();
        match event {
            WatchEvent::Added(raw) | WatchEvent::Modified(raw) => match list {
                Some(list) => list.push(item::<T>(raw)),
                None => {
                    self.went_on(raw.metadata.resource_version.clone());
                    let (item, facts) = item::<T>(raw);
                    self.set(item, facts);
                }
            },
            WatchEvent::Deleted(raw) => match list {
                Some(list) => list.retain(|(item, _)| item.name != name_of(&raw.metadata)),
                None => {
                    self.went_on(raw.metadata.resource_version.clone());
                    self.gone(name_of(&raw.metadata));
                }
            },
            WatchEvent::Bookmark(bookmark) => {
                self.went_on(Some(bookmark.metadata.resource_version));
                if bookmark.metadata.annotations.contains_key("k8s.io/initial-events-end")
                    && let Some(found) = list.take()
                {
                    self.whole(found);
                } else if list.is_some() {
                    self.version = None;
                }
            }
            WatchEvent::Error(status) => return Err(Fault::of_status(&status)),
        }
        Ok(())
    }

    fn went_on(&mut self, version: Option<String>) {
        if let Some(version) = version.filter(|version| !version.is_empty()) {
            self.version = Some(version);
            self.backoff.reset();
        }
    }

    fn whole(&mut self, found: Vec<(Item<T>, Facts)>) {
        let (items, facts): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        match &self.only {
            None => {
                let facts: HashMap<_, _> = items.iter().map(|item| item.name.clone()).zip(facts).collect();
                self.shared.objects.whole(T::KIND, facts);
                self.shared.inbox.post(T::change(Delta::Whole(items)));
            }
            Some(only) => match items.into_iter().zip(facts).find(|(item, _)| item.name == *only) {
                Some((item, facts)) => self.set(item, facts),
                None => self.gone(only.clone()),
            },
        }
        self.listed = true;
        self.succeeded();
    }

    /// The server does not know the kind, so there is no object of it.
    fn nothing(&self) {
        self.shared.objects.whole(T::KIND, HashMap::new());
        self.count();
        self.shared.inbox.post(T::change(Delta::Whole(Vec::new())));
    }

    fn set(&self, item: Item<T>, facts: Facts) {
        self.shared.objects.set(item.name.clone(), facts);
        self.count();
        self.shared.inbox.post(T::change(Delta::Set(item)));
    }

    fn gone(&self, name: ObjectName) {
        self.shared.objects.gone(T::KIND, &name);
        self.count();
        self.shared.inbox.post(T::change(Delta::Gone(name)));
    }

    fn count(&self) {
        self.shared.health.objects(T::KIND, self.shared.objects.count(T::KIND));
    }

    fn succeeded(&mut self) {
        self.backoff.reset();
        self.told = None;
        self.count();
        let is_news = self.shared.health.succeeded(T::KIND, self.only.as_ref());
        if is_news && self.only.is_none() {
            let objects = self.shared.objects.count(T::KIND);
            (self.shared.notice)(Notice::Synced { kind: T::KIND.name(), objects });
        }
    }

    /// Only our own kind may be absent, and only as long as none of it was seen: its objects would be told as deleted
    /// before it goes. Any other 404 is that of something between us and the server, and must not cost a route.
    fn judge(&self, fault: Fault) -> Fault {
        match fault {
            Fault::Absent if T::KIND != Kind::Policy || self.listed => {
                Fault::Refused { code: 404, message: fault.message(), retry_after: None }
            }
            fault => fault,
        }
    }

    /// Tells of a failure, and waits before the next try.
    async fn failed(&mut self, fault: Fault) {
        if fault == Fault::Expired {
            // What was known is too old to go on from; the list that follows is not a failure.
            self.version = None;
            return tokio::time::sleep(self.backoff.next()).await;
        }
        let fault = self.judge(fault);
        let mut pause = self.backoff.next();
        match &fault {
            Fault::Absent => {
                if self.told.as_ref() != Some(&fault) {
                    self.nothing();
                }
                self.version = None;
                pause = ABSENT_RETRY;
            }
            Fault::Forbidden(message) => {
                self.shared.health.contact();
                let (kind, only, message) = (T::KIND, self.only.clone(), message.clone());
                self.shared.inbox.post(Change::Denied { kind, only, message });
            }
            Fault::Refused { retry_after: Some(after), .. } => pause = pause.max(*after),
            _ => {}
        }
        self.tell(fault);
        // The server that is back need not be waited for.
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = self.returned.changed() => {}
        }
    }

    fn tell(&mut self, fault: Fault) {
        let message = fault.message();
        let is_first = self.shared.health.failed(T::KIND, self.only.as_ref(), &fault);
        // A server that is away is away for every object; what may not be read is told one by one.
        let is_news = is_first || self.only.is_none() || matches!(fault, Fault::Forbidden(_));
        if self.told.as_ref() != Some(&fault) && is_news {
            (self.shared.notice)(Notice::WatchFailed {
                kind: T::KIND.name(),
                object: self.only.as_ref().map(ToString::to_string),
                message,
                remedy: fault.remedy(T::KIND, self.only.as_ref(), self.shared.namespace.as_deref()),
            });
            self.told = Some(fault);
        }
    }
}

fn too_slow() -> Fault {
    Fault::Unreachable("the API server did not answer in time".to_owned())
}
