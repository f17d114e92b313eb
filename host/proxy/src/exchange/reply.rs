//! Answers as hyper sends them: a backend's, a policy's, or our own for a failure; each carries its record.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use cardea_policy::Reply;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use http_body::{Body, Frame, SizeHint};

use super::filter::{self, Filter};
use super::served::Flowing;
use crate::failure::Failure;
use crate::record::Record;
use crate::timer::Timer;
use crate::upstream::body::{BodyError, UpstreamBody};

/// What an answer's body is made of.
pub enum Payload {
    Empty,
    Whole(Bytes),
    /// From the backend, as it comes.
    Upstream {
        body: UpstreamBody,
        pause: Pause,
    },
    /// Through a policy that hears of it.
    Filtered(Box<Filtered>),
    /// From a guest that serves the exchange.
    Served(Box<Flowing>),
}

/// An answer's body with the policy that it goes through.
pub struct Filtered {
    pub filter: Filter,
    pub payload: Payload,
}

impl filter::Body for Payload {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        match self {
            Self::Empty => Poll::Ready(None),
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Upstream { body, pause } => match body.poll_frame(cx) {
                Poll::Ready(frame) => {
                    pause.end();
                    Poll::Ready(frame)
                }
                Poll::Pending => pause.poll(cx).map(|()| Some(Err(Failure::UpstreamTimeout))),
            },
            Self::Served(flowing) => flowing.poll_frame(cx),
            Self::Filtered(filtered) => {
                let Filtered { filter, payload } = &mut **filtered;
                filter.poll_frame(cx, payload).map(|frame| Some(frame?.map_err(|broken| filter.too_late(broken))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Upstream { body, .. } => body.is_end_stream(),
            Self::Served(flowing) => flowing.is_end_stream(),
            Self::Filtered(filtered) => filtered.filter.is_done(),
        }
    }
}

impl Payload {
    /// How long it is, if that is known.
    pub fn length(&self) -> Option<u64> {
        self.size_hint().exact()
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Upstream { body, .. } => body.size_hint(),
            Self::Served(flowing) => flowing.length().map_or_else(SizeHint::default, SizeHint::with_exact),
            Self::Filtered(filtered) => filtered.filter.rest().map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

/// A pause of the backend within an answer, bounded.
pub struct Pause {
    timer: Timer,
    timeout: Duration,
    began: bool,
}

impl Pause {
    pub const fn new(timer: Timer, timeout: Duration) -> Self {
        Self { timer, timeout, began: false }
    }

    pub fn end(&mut self) {
        self.began = false;
    }

    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !std::mem::replace(&mut self.began, true) {
            self.timer.set(self.timeout);
        }
        self.timer.poll(cx)
    }
}

/// The one place where a failure becomes an answer. It tells the client the status, not the reason.
pub fn failed(failure: Failure, record: &mut Record) -> Response<Payload> {
    let status = failure.status();
    let mut response = text(status);
    if failure.closes() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    record.fail(failure);
    response
}

fn text(status: StatusCode) -> Response<Payload> {
    let body = format!("{} {}\n", status.as_u16(), status.canonical_reason().unwrap_or("Unknown"));
    let mut response = Response::new(Payload::Whole(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// A policy's answer; its fields were checked when it was lifted.
pub fn from_policy(reply: Reply) -> Response<Payload> {
    let mut response = Response::new(Payload::Whole(reply.body));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    response
}

/// Binds an answer to its record, which is written when the body ends or is dropped.
pub fn with_record(response: Response<Payload>, mut record: Box<Record>) -> Response<ReplyBody> {
    let (mut parts, payload) = response.into_parts();
    record.head(&mut parts);
    let ended = matches!(payload, Payload::Empty) && parts.status == StatusCode::SWITCHING_PROTOCOLS;
    let mut body = ReplyBody { payload, record: Some(record) };
    if ended {
        body.end();
    }
    Response::from_parts(parts, body)
}

pub struct ReplyBody {
    payload: Payload,
    record: Option<Box<Record>>,
}

impl ReplyBody {
    fn end(&mut self) {
        if let Some(record) = self.record.take() {
            record.end();
        }
    }

    fn count(&mut self, frame: &Frame<Bytes>) {
        if let (Some(record), Some(data)) = (&mut self.record, frame.data_ref()) {
            record.bytes_out += data.len() as u64;
        }
    }

    fn broke(&mut self, failure: Failure) -> BodyError {
        if let Some(record) = &mut self.record {
            record.fail(failure);
        }
        self.end();
        BodyError("the answer broke off")
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        match std::task::ready!(filter::Body::poll_frame(&mut this.payload, cx)) {
            Some(Ok(frame)) => {
                this.count(&frame);
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(failure)) => Poll::Ready(Some(Err(this.broke(failure)))),
            None => {
                this.end();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        filter::Body::is_end_stream(&self.payload)
    }

    fn size_hint(&self) -> SizeHint {
        self.payload.size_hint()
    }
}

impl Drop for ReplyBody {
    fn drop(&mut self) {
        let whole = self.is_end_stream();
        if let Some(mut record) = self.record.take() {
            if !whole {
                record.fail(Failure::ClientGone);
            }
            record.end();
        }
    }
}
