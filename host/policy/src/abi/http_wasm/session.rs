//! One exchange's visit to a module: when its two functions are called, and what becomes of heads and bodies.
//!
//! A body is collected only for a module that can read it, and only where the guest may: of a request always, of a response
//! with `buffer_response`. What is longer than `limits.body` fails the exchange only if the guest reads that far; else it
//! flows on. An instance is taken for `handle_request`, and kept until `handle_response` has been called.
//!
//! Many modules can read a request's body and seldom do. One that has not asked for buffering is called with the head alone;
//! if it reads then, the call is undone and made again, by another instance, when the body is here.

use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::TRAILER;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::body::Body;
use super::guest::{Guest, Next};
use super::pool::Pool;
use super::stage::{Features, Stage};
use crate::abi::{BodyFlow, Flow, Session, Side, Turn};
use crate::exchange::Exchange;
use crate::failure::Failure;
use crate::outcome::{Reply, Summary};

pub(super) struct Visit {
    pool: Rc<Pool>,
    stage: Stage,
    /// From `handle_request` to `handle_response`, with the value between them.
    lent: Option<(Box<Guest>, u32)>,
    request: Way,
    response: Way,
}

/// What the visit does with a side's body.
#[derive(Debug, Default)]
enum Way {
    /// It passes by.
    #[default]
    Aside,
    /// It is held, and the head with it, until the guest may be called.
    Collect,
    /// The guest wrote another: that goes on as soon as the data plane asks.
    Release(Bytes),
    /// The guest wrote another, which has gone on: what still comes is dropped.
    Drop,
}

impl Visit {
    pub fn new(pool: &Rc<Pool>) -> Self {
        Self {
            pool: Rc::clone(pool),
            stage: Stage::new(pool.loaded.features),
            lent: None,
            request: Way::Aside,
            response: Way::Aside,
        }
    }

    fn way(&mut self, side: Side) -> &mut Way {
        match side {
            Side::Request => &mut self.request,
            Side::Response => &mut self.response,
        }
    }

    /// `handle_request`. `None` to go on, with what is left of the body; else the guest's own reply.
    fn handle_request(&mut self, turn: &mut Turn<'_>) -> Result<Option<Box<Reply>>, Failure> {
        let mut guest = self.pool.take(turn.policy, turn.start)?;
        let result = guest.request(turn, &mut self.stage, turn.policy.spec.limits.deadline);
        self.pool.count(&guest);
        match result? {
            Next::Forward(context) => {
                self.lent = Some((guest, context));
                self.stage.response = Body::default();
                Ok(None)
            }
            Next::Reply => {
                self.pool.put_back(guest, turn.policy, turn.start);
                let draft = std::mem::take(&mut self.stage.draft);
                let body = self.stage.response.take_written().into();
                Ok(Some(Box::new(Reply { status: draft.status, headers: draft.headers, body })))
            }
        }
    }

    /// `handle_response`, if `handle_request` let the exchange go on.
    fn handle_response(&mut self, turn: &mut Turn<'_>, is_error: bool) -> Result<(), Failure> {
        let Some((mut guest, context)) = self.lent.take() else { return Ok(()) };
        let limit = turn.policy.spec.limits.deadline;
        let result = guest.response(turn, &mut self.stage, limit, (context, is_error));
        self.pool.count(&guest);
        result?;
        self.pool.put_back(guest, turn.policy, turn.start);
        Ok(())
    }

    fn on_request(&mut self, turn: &mut Turn<'_>) -> Result<Flow, Failure> {
        if !self.collects(Side::Request) || turn.exchange.ended {
            return self.requested(turn);
        }
        if !self.is_buffered() && !self.pool.reads.get() {
            self.stage.request.cut();
            match self.requested(turn) {
                Err(Failure::BodyOverflow) => self.stage = Stage::new(self.pool.loaded.features),
                flow => {
                    self.stage.request = Body::default();
                    return flow;
                }
            }
        }
        self.request = Way::Collect;
        Ok(Flow::Pause)
    }

    /// Whether the module has said when it started that it wants whole requests.
    fn is_buffered(&self) -> bool {
        let features = self.stage.features;
        features.has(Features::BUFFER_REQUEST) || features.has(Features::TRAILERS)
    }

    /// What the guest makes of the head, or of a request without a body.
    fn requested(&mut self, turn: &mut Turn<'_>) -> Result<Flow, Failure> {
        if let Some(reply) = self.handle_request(turn)? {
            return Ok(Flow::Reply(reply));
        }
        if self.stage.request.is_written() {
            self.request = Way::Release(self.stage.request.take_written().into());
            return Ok(Flow::Pause);
        }
        Ok(Flow::Continue)
    }

    fn on_response(&mut self, turn: &mut Turn<'_>) -> Result<Flow, Failure> {
        if self.lent.is_none() {
            return Ok(Flow::Continue);
        }
        let ended = turn.exchange.response.as_ref().is_none_or(|head| head.ended);
        if self.collects(Side::Response) && !ended {
            self.response = Way::Collect;
            return Ok(Flow::Pause);
        }
        self.handle_response(turn, false)?;
        if self.stage.response.is_written() {
            return Ok(Flow::Reply(self.rewritten(turn)));
        }
        Ok(Flow::Continue)
    }

    /// The answer's head with the body that the guest wrote.
    fn rewritten(&mut self, turn: &mut Turn<'_>) -> Box<Reply> {
        let body = self.stage.response.take_written().into();
        let head = turn.exchange.response.as_mut();
        let (status, headers) = head.map(|head| (head.status, std::mem::take(&mut head.headers))).unwrap_or_default();
        Box::new(Reply { status, headers, body })
    }

    fn collects(&self, side: Side) -> bool {
        let features = self.stage.features;
        let is_asked_for = self.pool.loaded.reads_bodies || features.has(Features::TRAILERS);
        is_asked_for && (side == Side::Request || features.has(Features::BUFFER_RESPONSE))
    }

    /// The guest's turn, with all of the body or as much as may be held.
    fn collected(&mut self, turn: &mut Turn<'_>, side: Side, is_whole: bool) -> Result<BodyFlow, Failure> {
        self.stage.is_whole = is_whole;
        let flow = self.heard(turn, side);
        self.stage.is_whole = false;
        if let (Ok(_), Some(trailers)) = (&flow, &self.stage.trailers) {
            announce(trailers, turn.exchange, side);
        }
        flow
    }

    fn heard(&mut self, turn: &mut Turn<'_>, side: Side) -> Result<BodyFlow, Failure> {
        match side {
            Side::Request => {
                let reply = self.handle_request(turn)?;
                self.pool.reads.set(self.stage.request.is_read());
                if let Some(reply) = reply {
                    *self.way(side) = Way::Drop;
                    return Ok(BodyFlow::Reply(reply));
                }
            }
            Side::Response => {
                self.handle_response(turn, false)?;
            }
        }
        Ok(BodyFlow::Send(self.pass_on(side)))
    }

    /// What goes on of a body that was collected, and what becomes of the rest of it.
    fn pass_on(&mut self, side: Side) -> Bytes {
        let features = self.stage.features;
        let (body, whole) = match side {
            Side::Request => (&mut self.stage.request, features.has(Features::BUFFER_REQUEST)),
            Side::Response => (&mut self.stage.response, true),
        };
        if body.is_written() {
            let written = body.take_written();
            *self.way(side) = Way::Drop;
            return written.into();
        }
        let keep = side == Side::Request && whole && self.lent.is_some();
        let rest = body.pass_on(whole, keep);
        *self.way(side) = Way::Aside;
        rest.into()
    }
}

/// A head names the trailers that follow it (RFC 9110, 6.6.2): HTTP/1.1 carries no others.
fn announce(trailers: &HeaderMap, exchange: &mut Exchange, side: Side) {
    let head = match (side, exchange.response.as_mut()) {
        (Side::Request, _) => &mut exchange.request.headers,
        (Side::Response, Some(response)) => &mut response.headers,
        (Side::Response, None) => return,
    };
    for name in trailers.keys() {
        if !is_announced(head, name) {
            // A head that is full says nothing, and the trailer stays behind.
            let _ = head.try_append(TRAILER, HeaderValue::from(name.clone()));
        }
    }
}

fn is_announced(head: &HeaderMap, name: &HeaderName) -> bool {
    let values = head.get_all(TRAILER).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|named| named.trim().eq_ignore_ascii_case(name.as_str()))
}

impl Session for Visit {
    fn on_head(&mut self, turn: &mut Turn<'_>, side: Side) -> Result<Flow, Failure> {
        match side {
            Side::Request => self.on_request(turn),
            Side::Response => self.on_response(turn),
        }
    }

    fn wants_body(&self, side: Side) -> bool {
        let way = if side == Side::Request { &self.request } else { &self.response };
        !matches!(way, Way::Aside)
    }

    fn on_body(&mut self, turn: &mut Turn<'_>, side: Side, bytes: Bytes, end: bool) -> Result<BodyFlow, Failure> {
        match self.way(side) {
            Way::Aside => return Ok(BodyFlow::Send(bytes)),
            Way::Drop => return Ok(BodyFlow::Send(Bytes::new())),
            Way::Release(_) => return self.resume(turn, side),
            Way::Collect => {}
        }
        let most = turn.policy.spec.limits.body_bytes_max as usize;
        let body = self.stage.body(side);
        let fits = body.hold(&bytes, most);
        if fits && !end {
            return Ok(BodyFlow::Hold);
        }
        if !fits {
            body.cut();
        }
        let flow = self.collected(turn, side, fits);
        if flow.is_err() {
            // The chain has this piece still.
            self.stage.body(side).drop_last(bytes.len());
        }
        flow
    }

    fn on_trailers(&mut self, turn: &mut Turn<'_>, side: Side, fields: &mut HeaderMap) -> Result<BodyFlow, Failure> {
        match self.way(side) {
            Way::Aside | Way::Drop => return Ok(BodyFlow::Send(Bytes::new())),
            Way::Release(_) => return self.resume(turn, side),
            Way::Collect => {}
        }
        self.stage.trailers = Some(fields.clone());
        let flow = self.collected(turn, side, true)?;
        if let Some(trailers) = self.stage.trailers.take() {
            *fields = trailers;
        }
        Ok(flow)
    }

    fn take_trailers(&mut self, _side: Side) -> Option<HeaderMap> {
        self.stage.trailers.take().filter(|trailers| !trailers.is_empty())
    }

    fn poll_resumed(&mut self, _cx: &mut Context<'_>, side: Side) -> Poll<()> {
        if matches!(self.way(side), Way::Release(_)) { Poll::Ready(()) } else { Poll::Pending }
    }

    fn resume(&mut self, _turn: &mut Turn<'_>, side: Side) -> Result<BodyFlow, Failure> {
        match std::mem::replace(self.way(side), Way::Drop) {
            Way::Release(written) => Ok(BodyFlow::Send(written)),
            other => {
                *self.way(side) = other;
                Ok(BodyFlow::Hold)
            }
        }
    }

    fn take_held(&mut self, side: Side) -> Bytes {
        self.stage.body(side).take_held().into()
    }

    /// A guest that waits for its response still has not heard of one: it may put away what it keeps for the exchange.
    fn on_complete(&mut self, turn: &mut Turn<'_>, summary: &Summary) -> Result<(), Failure> {
        if self.lent.is_none() {
            return Ok(());
        }
        self.stage.set_error(summary.status);
        self.handle_response(turn, true)
    }
}
