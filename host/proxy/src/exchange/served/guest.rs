//! A guest at work, as its exchange sees it: the task that it runs in, the client's body on its way to it, and its time.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use cardea_model::snapshot::Action;
use cardea_policy::{Callout, Event, Feed, Given, Inflow, Service, Unanswered};
use http_body::Body as _;
use tokio::task::AbortHandle;

use super::asking::{Asker, unanswered};
use crate::conn::Client;
use crate::exchange::Asked;
use crate::exchange::filter::Body;
use crate::exchange::policies::{self, Policies};
use crate::failure::Failure;
use crate::record::Record;
use crate::timer::Timer;
use crate::upstream::body::{Outbound, Upload};

/// Requests to Services that a guest may have open at once.
const CALLOUTS_MAX: usize = 16;

/// Tasks that end with their exchange.
#[derive(Debug, Default)]
pub struct Tasks(Vec<AbortHandle>);

impl Tasks {
    pub fn add(&mut self, task: impl Future<Output = ()> + 'static) {
        self.0.push(tokio::task::spawn_local(task).abort_handle());
    }

    /// How many still run.
    fn count(&mut self) -> usize {
        self.0.retain(|task| !task.is_finished());
        self.0.len()
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
    callouts: Tasks,
    asker: Asker,
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
    let route = record.pinned.generation.route(asked.route);
    let answers = route.is_some_and(|route| route.action == Action::Answer);
    let (service, running) = policies::visit(&client.worker, &mut policies.borrow_mut(), |policies, instances| {
        let Policies { run, exchange, .. } = policies;
        let onward = !answers || member + 1 < run.chain.members.len();
        run.serve(member, instances, exchange, inflow, Given { length, onward })
    })?;
    let mut tasks = Tasks::default();
    tasks.add(running);
    let upload = asked.body.upload();
    let body = std::mem::replace(&mut asked.body, Outbound::Empty);
    let timer = Timer::new(&client.worker.timers);
    let timeout = route.and_then(|route| route.options.request_timeout);
    let timeout = timeout.unwrap_or(client.worker.settings().request_timeout);
    timer.set(timeout);
    let (worker, pinned) = (Rc::clone(&client.worker), Rc::clone(&record.pinned));
    let asker = Asker { worker, pinned, policy: policies.borrow().name(member), timeout };
    let (body, callouts) = (Some((body, feed)), Tasks::default());
    Ok(Guest { service, tasks, callouts, asker, member, body, upload, seen: 0, timer, timeout })
}

impl Guest {
    /// What the guest does to its exchange; bounded, but for the time in which the client sends.
    pub async fn next(&mut self) -> Result<Event, cardea_policy::Failure> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// What the guest does to its exchange: it answers, sends it on, or ends. What else it asks for is seen to.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, cardea_policy::Failure>> {
        loop {
            match std::task::ready!(self.service.poll(cx)) {
                Ok(Event::WantsBody) => self.feed(),
                Ok(Event::Callout(callout)) => self.ask(callout),
                event => return Poll::Ready(event),
            }
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, cardea_policy::Failure>> {
        if let Poll::Ready(event) = self.poll(cx) {
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
    fn feed(&mut self) {
        if let Some((body, feed)) = self.body.take() {
            self.tasks.add(pump(body, feed));
        }
    }

    fn ask(&mut self, callout: Callout) {
        if self.callouts.count() < CALLOUTS_MAX {
            self.callouts.add(self.asker.clone().ask(callout));
        } else {
            callout.outgoing.take().1.fail(Unanswered::Limit);
        }
    }
}

/// Takes a body to the guest, until that wants no more of it.
pub async fn pump(mut body: impl Body, feed: Feed) {
    while let Some(frame) = next(&mut body, &feed).await {
        match frame {
            Err(Failure::UpstreamTimeout) => return feed.fail(Unanswered::ReadTimeout).await,
            Err(failure) => return feed.fail(unanswered(&failure)).await,
            Ok(frame) => {
                if !feed.give(frame).await {
                    return;
                }
            }
        }
    }
}

/// The next piece; `None` at the end, and when the guest has dropped the body.
async fn next(body: &mut impl Body, feed: &Feed) -> Option<Result<http_body::Frame<bytes::Bytes>, Failure>> {
    let mut closed = pin!(feed.closed());
    poll_fn(|cx| match body.poll_frame(cx) {
        Poll::Ready(frame) => Poll::Ready(frame),
        Poll::Pending => closed.as_mut().poll(cx).map(|()| None),
    })
    .await
}
