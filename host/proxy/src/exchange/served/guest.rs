//! A guest at work, as its exchange sees it: the task that it runs in, the client's body on its way to it, and its time.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use cardea_policy::{Event, Feed, Inflow, Service};
use http_body::Body as _;
use tokio::task::AbortHandle;

use crate::conn::Client;
use crate::exchange::Asked;
use crate::exchange::filter::Body;
use crate::exchange::policies::{self, Policies};
use crate::failure::Failure;
use crate::record::Record;
use crate::timer::Timer;
use crate::upstream::body::{Outbound, Upload};

/// Tasks that end with their exchange.
#[derive(Debug, Default)]
pub struct Tasks(Vec<AbortHandle>);

impl Tasks {
    pub fn add(&mut self, task: impl Future<Output = ()> + 'static) {
        self.0.push(tokio::task::spawn_local(task).abort_handle());
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

/// A guest at work, as the exchange sees it.
pub struct Guest {
    pub service: Service,
    pub tasks: Tasks,
    pub member: usize,
    /// The client's body, until the guest wants it.
    pub body: Option<(Outbound, Feed)>,
    upload: Option<Rc<Upload>>,
    seen: u64,
    pub timer: Timer,
    pub timeout: Duration,
}

/// Starts the guest. The body stays where it is, until the guest reads it.
pub fn begin(
    client: &Rc<Client>,
    asked: &mut Asked,
    member: usize,
    record: &Record,
) -> Result<Guest, cardea_policy::Failure> {
    let policies = record.policies.as_ref().ok_or(cardea_policy::Failure::NotLoaded)?;
    let ended = matches!(asked.body, Outbound::Empty);
    let length = asked.body.size_hint().exact();
    let (feed, inflow) = Inflow::fed(length);
    let inflow = if ended { Inflow::EMPTY } else { inflow };
    let (service, running) = policies::visit(&client.worker, &mut policies.borrow_mut(), |policies, instances| {
        let Policies { run, exchange, .. } = policies;
        run.serve(member, instances, exchange, inflow, length)
    })?;
    let mut tasks = Tasks::default();
    tasks.add(running);
    let upload = asked.body.upload();
    let body = std::mem::replace(&mut asked.body, Outbound::Empty);
    let timer = Timer::new(&client.worker.timers);
    let route = record.pinned.generation.route(asked.route);
    let timeout = route.and_then(|route| route.options.request_timeout);
    let timeout = timeout.unwrap_or(client.worker.settings().request_timeout);
    timer.set(timeout);
    Ok(Guest { service, tasks, member, body: Some((body, feed)), upload, seen: 0, timer, timeout })
}

impl Guest {
    /// What the guest asks for; bounded, but for the time in which the client sends.
    pub async fn next(&mut self) -> Result<Event, cardea_policy::Failure> {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, cardea_policy::Failure>> {
        if let Poll::Ready(event) = self.service.poll(cx) {
            return Poll::Ready(event);
        }
        let sent = self.upload.as_ref().map_or(0, |upload| upload.bytes.get());
        if sent != self.seen {
            self.seen = sent;
            self.timer.set(self.timeout);
        }
        self.timer.poll(cx).map(|()| Err(cardea_policy::Failure::Deadline))
    }

    /// Why the client's body broke off, if it did: then that is what became of the exchange.
    pub fn fault(&self) -> Option<Failure> {
        self.upload.as_ref().and_then(|upload| upload.fault())
    }

    /// Sends the client's body to the guest, as it comes.
    pub fn feed(&mut self) {
        if let Some((body, feed)) = self.body.take() {
            self.tasks.add(pump(body, feed));
        }
    }
}

/// Takes a body to the guest, until that wants no more of it.
pub async fn pump(mut body: impl Body, feed: Feed) {
    while let Some(frame) = poll_fn(|cx| body.poll_frame(cx)).await {
        match frame {
            Err(_) => return feed.fail().await,
            Ok(frame) => {
                if !feed.give(frame).await {
                    return;
                }
            }
        }
    }
}
