//! Requests of a guest to Services that it is granted: each in a task that ends with the exchange, and both bodies streaming.
//!
//! The guest's request options shorten the times of the ingress, and never prolong them.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use cardea_policy::{Answer, Callout, Inflow, Outflow, Timeouts, Unanswered};
use http::{Request, Response};

use super::guest::pump;
use crate::exchange::filter::Body;
use crate::exchange::forward;
use crate::exchange::reply::{Pause, Payload};
use crate::failure::Failure;
use crate::timer::Timer;
use crate::upstream::body::Outbound;
use crate::upstream::{self, Trace};
use crate::worker::{Pinned, Worker};

/// On whose behalf a guest asks, and how long that may take.
#[derive(Clone)]
pub struct Asker {
    pub worker: Rc<Worker>,
    /// The exchange's: a guest calls what its own version of the policy was granted.
    pub pinned: Rc<Pinned>,
    pub policy: Arc<str>,
    /// Of the route.
    pub timeout: Duration,
}

impl Asker {
    /// Asks, and takes the answer to the guest until it has all of it or wants no more.
    pub async fn ask(self, callout: Callout) {
        let Callout { upstream, timeouts, outgoing } = callout;
        let (request, mut waits) = outgoing.take();
        let Some(answered) = self.unless_given_up(&mut waits, &upstream, &timeouts, request).await else { return };
        match answered {
            Err(failure) => waits.fail(unanswered(&failure)),
            Ok(response) => {
                if let Some(body) = give(response, waits) {
                    body.await;
                }
            }
        }
    }

    /// `None` if the guest has dropped its wait before; that drops the request too.
    async fn unless_given_up(
        &self,
        waits: &mut Answer,
        upstream: &str,
        timeouts: &Timeouts,
        request: Request<Outflow>,
    ) -> Option<Result<Response<Payload>, Failure>> {
        let mut sent = std::pin::pin!(self.send(upstream, timeouts, request));
        poll_fn(|cx| match sent.as_mut().poll(cx) {
            Poll::Ready(answered) => Poll::Ready(Some(answered)),
            Poll::Pending => waits.poll_closed(cx).map(|()| None),
        })
        .await
    }

    async fn send(
        &self,
        upstream: &str,
        timeouts: &Timeouts,
        request: Request<Outflow>,
    ) -> Result<Response<Payload>, Failure> {
        let settings = self.worker.settings();
        let found = self.pinned.upstream(&self.worker, &self.policy, upstream);
        let (backend, spec) = found.ok_or(Failure::NoEndpoints)?;
        let call = upstream::Call {
            worker: Rc::clone(&self.worker),
            backend: Rc::clone(backend),
            subset: Vec::new(),
            connect_timeout: shorter(timeouts.connect, settings.connect_timeout),
            request_timeout: shorter(timeouts.first_byte, self.timeout),
            timer: Timer::new(&self.worker.timers),
        };
        let (parts, body) = request.into_parts();
        let body = if body.is_ended() { Outbound::Empty } else { Outbound::Served(body) };
        let mut trace = Trace::default();
        let started = upstream::start(&call, forward::own(parts, spec.protocol, body), &mut trace)?;
        let answer = started.finish(&call, &mut trace).await?;
        if answer.upgraded.is_some() {
            return Err(Failure::UpstreamProtocol(String::from("it switches protocols unasked")));
        }
        let pause = Pause::new(call.timer, shorter(timeouts.between_bytes, settings.body_timeout));
        let payload = Payload::Upstream { body: answer.body, pause };
        Ok(forward::response(Response::from_parts(answer.parts, payload)))
    }
}

fn shorter(asked: Option<Duration>, most: Duration) -> Duration {
    asked.map_or(most, |asked| asked.min(most))
}

/// Gives a guest the answer that it waits for; what takes the body after it is left to do.
pub fn give(response: Response<Payload>, waits: Answer) -> Option<impl Future<Output = ()>> {
    let length = response.body().length();
    let (parts, payload) = response.into_parts();
    if payload.is_end_stream() {
        waits.give(Response::from_parts(parts, Inflow::EMPTY));
        return None;
    }
    let (feed, inflow) = Inflow::fed(length);
    waits.give(Response::from_parts(parts, inflow));
    Some(pump(payload, feed))
}

/// What a guest hears of a failure on the way to a backend, or of one in its answer.
pub fn unanswered(failure: &Failure) -> Unanswered {
    match failure {
        Failure::ConnectFailed(_) => Unanswered::Refused,
        Failure::ConnectTimeout => Unanswered::ConnectTimeout,
        Failure::UpstreamTimeout | Failure::RequestTimeout => Unanswered::Timeout,
        Failure::UpstreamReset(_) | Failure::ClientGone => Unanswered::Terminated,
        Failure::UpstreamProtocol(_) => Unanswered::Protocol,
        _ => Unanswered::Unavailable,
    }
}
