//! Bodies on their way to and from a backend: bounded, watched for pauses, and giving connections back when they end.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use cardea_policy::Outflow;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::Call;
use super::http1::Http1;
use super::http2::StreamGuard;
use super::pick::Endpoint;
use crate::exchange::filter::{self, Filter};
use crate::failure::Failure;

/// Why a body broke off. What it means for the exchange is in [`Upload::fault`] or the record.
#[derive(Debug)]
pub struct BodyError(pub &'static str);

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for BodyError {}

/// A request's body towards the backend.
#[derive(Debug)]
pub enum Outbound {
    Empty,
    /// Straight from the client.
    Stream(Inbound),
    /// Read already, because a policy wanted to see it; then, if it was longer, the rest.
    Replayed(Option<Bytes>, Option<Box<Outbound>>),
    /// Through a policy that hears of it.
    Filtered(Box<Filtered>),
    /// From a guest that serves the exchange.
    Served(Outflow),
    /// Of a policy's own request, with its trailers.
    Own(Option<Bytes>, HeaderMap),
}

/// A body with the policy that it goes through.
#[derive(Debug)]
pub struct Filtered {
    pub filter: Filter,
    pub body: Outbound,
}

/// What both ends of an upload look at.
#[derive(Debug, Default)]
pub struct Upload {
    pub bytes: Cell<u64>,
    pub ended: Cell<bool>,
    /// Policies that hold what came: how long that may take, they bound.
    pub held: Cell<u32>,
    /// The last poll found nothing from the client.
    starved: Cell<bool>,
    fault: RefCell<Option<Failure>>,
}

impl Upload {
    /// Why the upload broke off on the client's side, if it did.
    pub fn fault(&self) -> Option<Failure> {
        self.fault.borrow().clone()
    }
}

/// The client's body, bounded.
#[derive(Debug)]
pub struct Inbound {
    pub incoming: Incoming,
    pub upload: Rc<Upload>,
    pub bytes_max: u64,
}

impl Inbound {
    fn fail(&self, failure: Failure, text: &'static str) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.upload.fault.borrow_mut().get_or_insert(failure);
        Poll::Ready(Some(Err(BodyError(text))))
    }

    pub fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.incoming).poll_frame(cx);
        self.upload.starved.set(polled.is_pending());
        match std::task::ready!(polled) {
            None => {
                self.upload.ended.set(true);
                Poll::Ready(None)
            }
            Some(Err(error)) if is_malformed(&error) => {
                self.fail(Failure::BadRequest("the request body is malformed"), "malformed body")
            }
            Some(Err(_)) => self.fail(Failure::ClientGone, "the client went away"),
            Some(Ok(frame)) => {
                let bytes = self.upload.bytes.get() + frame.data_ref().map_or(0, |data| data.len() as u64);
                self.upload.bytes.set(bytes);
                // A body of known length is not asked for its end.
                self.upload.ended.set(self.incoming.is_end_stream());
                if bytes > self.bytes_max {
                    return self.fail(Failure::BodyTooLarge(self.bytes_max), "body too large");
                }
                Poll::Ready(Some(Ok(frame)))
            }
        }
    }
}

/// Whether a body broke its framing, rather than off: hyper tells by the error underneath.
fn is_malformed(error: &hyper::Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<std::io::Error>());
    let kinds = [std::io::ErrorKind::InvalidData, std::io::ErrorKind::InvalidInput];
    error.is_parse() || cause.is_some_and(|cause| kinds.contains(&cause.kind()))
}

impl Outbound {
    pub fn upload(&self) -> Option<Rc<Upload>> {
        match self {
            Self::Empty | Self::Replayed(_, None) | Self::Served(_) | Self::Own(..) => None,
            Self::Stream(inbound) => Some(Rc::clone(&inbound.upload)),
            Self::Replayed(_, Some(rest)) => rest.upload(),
            Self::Filtered(filtered) => filtered.body.upload(),
        }
    }

    /// The next piece; why there is none is in [`Upload::fault`], or told to the policies.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self {
            Self::Empty => Poll::Ready(None),
            Self::Stream(inbound) => inbound.poll_frame(cx),
            Self::Replayed(first, rest) => match (first.take(), rest) {
                (Some(bytes), _) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                (None, Some(rest)) => rest.poll(cx),
                (None, None) => Poll::Ready(None),
            },
            Self::Own(body, trailers) => Poll::Ready(match body.take() {
                Some(bytes) => Some(Ok(Frame::data(bytes))),
                None if trailers.is_empty() => None,
                None => Some(Ok(Frame::trailers(std::mem::take(trailers)))),
            }),
            Self::Served(body) => {
                body.poll_piece(cx).map(|frame| Some(frame?.map_err(|_| BodyError("the guest broke the body off"))))
            }
            Self::Filtered(filtered) => {
                let Filtered { filter, body } = &mut **filtered;
                filter.poll_frame(cx, body).map(|frame| Some(frame?.map_err(|broken| filter.tell(broken))))
            }
        }
    }
}

impl filter::Body for Outbound {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let frame = std::task::ready!(self.poll(cx));
        let fault = || self.upload().and_then(|upload| upload.fault()).unwrap_or(Failure::ClientGone);
        Poll::Ready(frame.map(|frame| frame.map_err(|_| fault())))
    }

    fn is_end_stream(&self) -> bool {
        Body::is_end_stream(self)
    }
}

impl Body for Outbound {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.get_mut().poll(cx)
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Stream(inbound) => inbound.incoming.is_end_stream(),
            Self::Replayed(first, rest) => first.is_none() && rest.as_ref().is_none_or(|rest| rest.is_end_stream()),
            Self::Served(body) => body.is_ended(),
            Self::Own(body, trailers) => body.is_none() && trailers.is_empty(),
            Self::Filtered(filtered) => filtered.filter.is_done(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Own(body, _) => SizeHint::with_exact(body.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Stream(inbound) => inbound.incoming.size_hint(),
            Self::Replayed(first, None) => SizeHint::with_exact(first.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Replayed(first, Some(rest)) => {
                let first = first.as_ref().map_or(0, |bytes| bytes.len() as u64);
                rest.size_hint().exact().map_or_else(SizeHint::default, |rest| SizeHint::with_exact(first + rest))
            }
            Self::Served(body) => body.length().map_or_else(SizeHint::default, SizeHint::with_exact),
            Self::Filtered(filtered) => filtered.filter.rest().map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

/// The wait for an answer's head: while the client still sends, each pause is bounded; then the answer has its time.
pub struct Wait<'a> {
    call: &'a Call,
    upload: Option<Rc<Upload>>,
    seen: u64,
    uploading: bool,
    held: bool,
}

impl<'a> Wait<'a> {
    pub fn new(call: &'a Call, upload: Option<Rc<Upload>>) -> Self {
        let uploading = upload.is_some();
        call.timer.set(if uploading { call.settings().body_timeout } else { call.request_timeout });
        Self { call, upload, seen: 0, uploading, held: false }
    }

    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Failure> {
        self.watch_upload();
        std::task::ready!(self.call.timer.poll(cx));
        let starved = self.upload.as_ref().is_some_and(|upload| upload.starved.get() && !upload.ended.get());
        Poll::Ready(if starved { Failure::RequestTimeout } else { Failure::UpstreamTimeout })
    }

    /// Why the upload broke off on the client's side, if it did.
    pub fn fault(&self) -> Option<Failure> {
        self.upload.as_ref().and_then(|upload| upload.fault())
    }

    fn watch_upload(&mut self) {
        let Some(upload) = &self.upload else { return };
        let held = upload.held.get() > 0;
        if std::mem::replace(&mut self.held, held) || held {
            return self.call.timer.set(self.call.request_timeout);
        }
        if !self.uploading {
            return;
        }
        if upload.ended.get() {
            self.uploading = false;
            self.call.timer.set(self.call.request_timeout);
        } else if upload.bytes.get() != self.seen {
            self.seen = upload.bytes.get();
            self.call.timer.set(self.call.settings().body_timeout);
        }
    }
}

/// Where an answer's body comes from.
enum Source {
    /// A connection that is this exchange's alone.
    Own(Box<Http1>),
    /// A place on a shared connection, held for its drop.
    Shared(Incoming, #[expect(dead_code, reason = "held for its drop")] StreamGuard),
    /// It has ended, or never was.
    Nothing,
}

/// An answer's body. At its end the connection goes back to rest; dropped before, the connection closes.
pub struct UpstreamBody {
    source: Source,
    endpoint: Option<Rc<Endpoint>>,
}

impl UpstreamBody {
    /// On a connection of its own.
    pub fn own(http1: Box<Http1>, endpoint: Option<Rc<Endpoint>>) -> Self {
        let ended = http1.is_ended();
        let mut body = Self { source: Source::Own(http1), endpoint };
        if ended {
            body.rest();
        }
        body
    }

    /// On a place of a shared connection.
    pub fn shared(incoming: Incoming, guard: StreamGuard, endpoint: Option<Rc<Endpoint>>) -> Self {
        Self { source: Source::Shared(incoming, guard), endpoint }
    }

    /// Of an answer whose connection went elsewhere.
    pub fn none(endpoint: Option<Rc<Endpoint>>) -> Self {
        Self { source: Source::Nothing, endpoint }
    }

    pub fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Own(http1) => http1.length().map_or_else(SizeHint::default, SizeHint::with_exact),
            Source::Shared(incoming, _) => incoming.size_hint(),
            Source::Nothing => SizeHint::with_exact(0),
        }
    }

    pub fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Own(http1) => http1.is_ended(),
            Source::Shared(incoming, _) => incoming.is_end_stream(),
            Source::Nothing => true,
        }
    }

    fn rest(&mut self) {
        let Some(endpoint) = self.endpoint.take() else { return };
        endpoint.leave();
        if let Source::Own(http1) = std::mem::replace(&mut self.source, Source::Nothing)
            && http1.can_rest()
        {
            endpoint.put(http1);
        }
    }

    pub fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let polled = match &mut self.source {
            Source::Own(http1) => http1.poll_body(cx),
            Source::Shared(incoming, _) => Pin::new(incoming)
                .poll_frame(cx)
                .map(|frame| frame.map(|frame| frame.map_err(|error| Failure::UpstreamReset(error.to_string())))),
            Source::Nothing => Poll::Ready(None),
        };
        if matches!(polled, Poll::Ready(None)) || self.is_end_stream() {
            self.rest();
        }
        polled
    }
}

impl Drop for UpstreamBody {
    fn drop(&mut self) {
        if let Some(endpoint) = self.endpoint.take() {
            endpoint.leave();
        }
    }
}
