//! A guest of wasi:http, played: the backend's answer comes to what it sends on, recorded replies come to what it asks Services.
//!
//! It waits as behind the ingress, on a runtime of its own; time that it sleeps passes. There is always a way on: whether a
//! component is middleware or the backend of a route, it shows by what it does.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use cardea_policy::{
    Answer, CallFailure, CallReply, Callout, Event, Failure, Feed, Given, Inflow, Outflow, Outgoing, ResponseHead,
    Service, Unanswered,
};
use http::{Response, response};
use hyper::body::Frame;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{LocalSet, spawn_local};

use super::phases::Reached;
use super::{Failed, Playing, Whole};

/// For one exchange. The ingress has the request timeout of the route for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Lets guests wait.
pub(super) type Clockwork = Runtime;

/// What a guest answered.
pub(super) struct Served {
    pub answer: Whole,
    /// After it had sent the request on, and heard of the backend.
    pub forwarded: bool,
}

impl Playing<'_> {
    /// Has the guest of a member serve the exchange. `None` if it failed, and is skipped.
    pub fn serve(&mut self, member: usize, body: &Bytes, backend: &Whole) -> Option<Reached> {
        let clockwork = match self.player.clockwork.take() {
            Some(clockwork) => clockwork,
            None => match Builder::new_current_thread().enable_time().build() {
                Ok(clockwork) => clockwork,
                Err(error) => return Some(Reached::Failed(Failed::of(&Failure::Instantiate(error.to_string())))),
            },
        };
        let tasks = LocalSet::new();
        let reached = clockwork.block_on(tasks.run_until(self.be_served(member, body, backend)));
        // The guest ends here, if it has not: within its runtime.
        clockwork.block_on(async { drop(tasks) });
        self.player.clockwork = Some(clockwork);
        reached
    }

    async fn be_served(&mut self, member: usize, body: &Bytes, backend: &Whole) -> Option<Reached> {
        let (feed, inflow) = Inflow::fed(Some(body.len() as u64));
        let inflow = if body.is_empty() { Inflow::EMPTY } else { inflow };
        let given = Given { length: Some(body.len() as u64), onward: true };
        let started = self.run.serve(member, &mut self.player.instances, self.exchange, inflow, given);
        let service = match started {
            Ok((service, guest)) => {
                spawn_local(guest);
                service
            }
            Err(failure) => return self.unserved(member, failure, true),
        };
        let body = Some((feed, body.clone()));
        let mut scene = Scene { playing: self, member, service, body, backend, forwarded: false, whole: true };
        let played = tokio::time::timeout(PATIENCE, scene.play()).await.unwrap_or(Err(Failure::Deadline));
        let whole = scene.whole;
        match played {
            Ok(served) => Some(Reached::Served(served)),
            Err(failure) => self.unserved(member, failure, whole),
        }
    }

    fn unserved(&mut self, member: usize, failure: Failure, whole: bool) -> Option<Reached> {
        let failed = self.run.unserved(member, failure, whole, &mut self.player.instances);
        failed.map(|(_, failure)| Reached::Failed(Failed::of(&failure)))
    }
}

/// One exchange with its guest.
struct Scene<'a, 'p> {
    playing: &'a mut Playing<'p>,
    member: usize,
    service: Service,
    /// The client's, until the guest reads it.
    body: Option<(Feed, Bytes)>,
    backend: &'a Whole,
    forwarded: bool,
    /// Nothing of the exchange is lost yet: a guest that fails may be skipped.
    whole: bool,
}

impl Scene<'_, '_> {
    async fn play(&mut self) -> Result<Served, Failure> {
        loop {
            match poll_fn(|cx| self.poll(cx)).await? {
                Event::Forward(outgoing) => self.forward(outgoing)?,
                Event::Reply(reply) => return self.answer(reply).await,
                Event::WantsBody | Event::Callout(_) => {}
            }
        }
    }

    /// What the guest does to its exchange; what else it asks for is seen to.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, Failure>> {
        loop {
            match std::task::ready!(self.service.poll(cx)) {
                Ok(Event::WantsBody) => self.feed(),
                Ok(Event::Callout(callout)) => self.reply(callout),
                event => return Poll::Ready(event),
            }
        }
    }

    fn feed(&mut self) {
        self.whole = false;
        if let Some((feed, body)) = self.body.take() {
            spawn_local(give(feed, body));
        }
    }

    fn forward(&mut self, outgoing: Outgoing) -> Result<(), Failure> {
        let (request, waits) = outgoing.take();
        let (parts, body) = request.into_parts();
        let Playing { run, exchange, .. } = &mut *self.playing;
        self.whole = false;
        run.forwarded(self.member, parts, body.is_ended(), exchange)?;
        self.forwarded = true;
        spawn_local(drain(body));
        let Whole { head, body } = self.backend;
        let response = hand_over(waits, head, body);
        self.playing.run.heard(self.member, &response);
        Ok(())
    }

    fn reply(&mut self, callout: Callout) {
        let (request, waits) = callout.outgoing.take();
        spawn_local(drain(request.into_body()));
        match self.playing.player.next_reply(&callout.upstream) {
            Err(CallFailure::Timeout) => waits.fail(Unanswered::Timeout),
            Err(CallFailure::Unreachable | CallFailure::TooLarge) => waits.fail(Unanswered::Unavailable),
            Ok(CallReply { status, headers, body, .. }) => {
                hand_over(waits, &ResponseHead { status, headers, ended: body.is_empty() }, &body);
            }
        }
    }

    /// The guest's answer, with all of its body, while the guest goes on.
    async fn answer(&mut self, reply: Response<Outflow>) -> Result<Served, Failure> {
        self.whole = false;
        let (mut parts, mut body) = reply.into_parts();
        self.playing.run.replied(self.member, &mut parts, &self.service, &mut self.playing.player.instances)?;
        let mut read = Vec::new();
        while let Some(frame) = poll_fn(|cx| self.poll_piece(&mut body, cx)).await {
            read.extend_from_slice(frame?.data_ref().map_or(&[][..], |data| data));
        }
        self.playing.run.went_on(self.member, &self.service);
        let response::Parts { status, headers, .. } = parts;
        let answer = Whole { head: ResponseHead { status, headers, ended: read.is_empty() }, body: read.into() };
        Ok(Served { answer, forwarded: self.forwarded })
    }

    fn poll_piece(&mut self, body: &mut Outflow, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        while let Poll::Ready(Ok(event)) = self.poll(cx) {
            if let Event::Forward(outgoing) = event {
                outgoing.take().1.fail(Unanswered::Denied);
            }
        }
        body.poll_piece(cx)
    }
}

/// Gives a guest an answer. Its head is given back without a body, for whoever explains.
fn hand_over(waits: Answer, head: &ResponseHead, body: &Bytes) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers.clone();
    let (feed, inflow) = Inflow::fed(Some(body.len() as u64));
    waits.give(response.clone().map(|()| inflow));
    spawn_local(give(feed, body.clone()));
    response
}

async fn give(feed: Feed, body: Bytes) {
    if !body.is_empty() {
        feed.give(Frame::data(body)).await;
    }
}

/// Takes a body from the guest that nobody looks at, so that it can go on.
async fn drain(mut body: Outflow) {
    while let Some(Ok(_)) = poll_fn(|cx| body.poll_piece(cx)).await {}
}
