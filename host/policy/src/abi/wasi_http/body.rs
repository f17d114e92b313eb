//! Bodies between the data plane and a guest. The data plane's stay on their worker, the guest's may move: what goes in
//! crosses a channel of one piece, what comes out is taken from the guest's own.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use tokio::sync::mpsc::{Receiver, Sender, UnboundedSender, channel};
use wasmtime_wasi_http::Error;

use super::outgoing::Unanswered;
use super::service::{Event, Fate};
use crate::exchange::ReadSet;
use crate::reads::fixed;

/// Takes a body to a guest, piece by piece.
#[derive(Debug)]
pub struct Feed(Sender<Result<Frame<Bytes>, Error>>);

impl Feed {
    /// Waits until the guest has taken the piece before. False if it wants no more.
    pub async fn give(&self, frame: Frame<Bytes>) -> bool {
        self.0.send(Ok(frame)).await.is_ok()
    }

    /// The body broke off.
    pub async fn fail(&self, why: Unanswered) {
        // A guest that is gone does not need to know.
        let _ = self.0.send(Err(why.into())).await;
    }

    /// Waits until the guest wants no more of the body.
    pub async fn closed(&self) {
        self.0.closed().await;
    }
}

/// A body as a guest reads it.
pub struct Inflow {
    pieces: Option<Receiver<Result<Frame<Bytes>, Error>>>,
    length: Option<u64>,
    /// Told when the guest reads first.
    wanted: Option<(UnboundedSender<Event>, Arc<Fate>)>,
}

impl Inflow {
    pub const EMPTY: Self = Self { pieces: None, length: Some(0), wanted: None };

    /// One that [`Feed`] fills.
    pub fn fed(length: Option<u64>) -> (Feed, Self) {
        let (sender, pieces) = channel(1);
        (Feed(sender), Self { pieces: Some(pieces), length, wanted: None })
    }

    pub(super) fn telling(mut self, events: UnboundedSender<Event>, fate: &Arc<Fate>) -> Self {
        self.wanted = Some((events, Arc::clone(fate)));
        self
    }
}

impl Body for Inflow {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let wanted = self.wanted.take();
        if let Some((_, fate)) = &wanted {
            fate.look(ReadSet { fixed: 1 << fixed::BODY, ..ReadSet::default() });
        }
        let Some(pieces) = &mut self.pieces else { return Poll::Ready(None) };
        let polled = pieces.poll_recv(cx);
        if let Some((events, _)) = wanted {
            // Nobody hears it any more when the exchange is over.
            let _ = events.send(Event::WantsBody);
        }
        polled
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl fmt::Debug for Inflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflow").field("length", &self.length).finish_non_exhaustive()
    }
}

/// A body as a guest writes it. When the guest fails, so does it.
pub struct Outflow {
    body: UnsyncBoxBody<Bytes, Error>,
    /// What the guest's own `content-length` says; it is held to it.
    length: Option<u64>,
    fate: Arc<Fate>,
}

impl Outflow {
    pub(super) fn new(body: UnsyncBoxBody<Bytes, Error>, length: Option<u64>, fate: Arc<Fate>) -> Self {
        Self { body, length, fate }
    }

    /// The next piece. An error has its cause in the fate of the guest, unless the guest broke the body off itself.
    pub fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, crate::Failure>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        let broken = || self.fate.failure().unwrap_or(crate::Failure::Trap(String::from("it broke the body off")));
        Poll::Ready(match frame {
            Some(Ok(frame)) => Some(Ok(frame)),
            Some(Err(_)) => Some(Err(broken())),
            // A guest that ends in the middle leaves a body that looks whole.
            None => self.fate.failure().map(Err),
        })
    }

    pub fn is_ended(&self) -> bool {
        self.body.is_end_stream()
    }

    pub fn length(&self) -> Option<u64> {
        if self.is_ended() { Some(0) } else { self.length }
    }
}

impl fmt::Debug for Outflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outflow").field("length", &self.length).finish_non_exhaustive()
    }
}
