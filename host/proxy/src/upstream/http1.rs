//! HTTP/1.1 to an endpoint: a connection is driven by the exchange that holds it, and rests in the endpoint's pool.
//!
//! Driving it in place, not in a task of its own, saves two wake-ups a request; and dropping an exchange closes its
//! connection at once. Nobody watches a resting connection, so it is polled once when it is taken: an end of stream that
//! has come in the meantime shows there, and costs no system call.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use http::{Request, StatusCode};
use hyper::client::conn::{TrySendError, http1};
use hyper_util::rt::TokioIo;

use super::body::{Outbound, UpstreamBody};
use super::pick::Endpoint;
use super::{Answer, Attempt, Call, Head, Io, connect, replay};
use crate::failure::Failure;

/// One connection, with the handle that sends on it.
pub struct Http1 {
    sender: http1::SendRequest<Outbound>,
    connection: http1::Connection<Io, Outbound>,
    /// Milliseconds of the worker's clock when it began to rest.
    pub idle_since: u64,
    over: bool,
}

impl Http1 {
    async fn open(call: &Call<'_>, endpoint: &Endpoint) -> Result<Box<Self>, Failure> {
        let stream = connect(call, endpoint).await?;
        let (sender, connection) = http1::Builder::new()
            .max_headers(call.settings.headers_max.max(100) * 2)
            .max_header_size(call.settings.header_bytes_max * 4)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| Failure::ConnectFailed(error.to_string()))?;
        Ok(Box::new(Self { sender, connection, idle_since: 0, over: false }))
    }

    /// Whether it can take a request now. Registers the task for nothing that matters.
    pub fn is_usable(&mut self, cx: &mut Context<'_>) -> bool {
        self.poll(cx).is_pending() && self.sender.is_ready()
    }

    /// Moves bytes both ways. Ready when the connection is over.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // What went wrong is told to whoever waits for the head or the body.
        if !self.over && Pin::new(&mut self.connection).poll(cx).is_ready() {
            self.over = true;
        }
        if self.over { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Takes the socket back after a 101, once hyper has let go of it.
    pub async fn into_tunnel(mut self: Box<Self>) -> super::Tunnel {
        std::future::poll_fn(|cx| self.poll(cx)).await;
        let parts = self.connection.into_parts();
        super::Tunnel { stream: parts.io.into_inner(), read: parts.read_buf }
    }
}

/// One try on one endpoint: on a resting connection, or (`fresh`, or none rests) on a new one.
pub async fn attempt(
    call: &Call<'_>,
    endpoint: &Rc<Endpoint>,
    request: Request<Outbound>,
    fresh: bool,
) -> Result<Answer, Attempt> {
    let rested = if fresh { None } else { std::future::poll_fn(|cx| Poll::Ready(endpoint.take(cx))).await };
    let (mut held, copy) = match rested {
        Some(http1) => (http1, replay(&request)),
        None => match Http1::open(call, endpoint).await {
            Ok(http1) => (http1, None),
            Err(failure) => return Err(Attempt::Again(Box::new(request), failure)),
        },
    };
    let upload = request.body().upload();
    endpoint.enter();
    let result = heads(&mut held, call, request, upload.as_deref()).await;
    match result {
        Ok(head) => Ok(answer(head, held, Rc::clone(endpoint))),
        Err(error) => {
            endpoint.leave();
            Err(judge(error, copy))
        }
    }
}

fn answer(head: Head, held: Box<Http1>, endpoint: Rc<Endpoint>) -> Answer {
    let (parts, incoming) = head.into_parts();
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        return Answer { parts, body: UpstreamBody::bare(incoming, endpoint), upgraded: Some(held) };
    }
    Answer { parts, body: UpstreamBody::own(incoming, held, endpoint), upgraded: None }
}

enum HeadError {
    Send(TrySendError<Request<Outbound>>),
    Failed(Failure),
}

/// Sends the request and waits for the head of the answer, driving the connection.
async fn heads(
    held: &mut Http1,
    call: &Call<'_>,
    request: Request<Outbound>,
    upload: Option<&super::body::Upload>,
) -> Result<Head, HeadError> {
    let mut sent = std::pin::pin!(held.sender.try_send_request(request));
    let mut wait = super::body::Wait::new(call, upload);
    std::future::poll_fn(|cx| {
        // Ready or not: the answer tells.
        let _ = held.poll(cx);
        if let Poll::Ready(result) = sent.as_mut().poll(cx) {
            return Poll::Ready(result.map_err(|error| match upload.and_then(super::body::Upload::fault) {
                Some(failure) => HeadError::Failed(failure),
                None => HeadError::Send(error),
            }));
        }
        wait.poll(cx).map(|failure| Err(HeadError::Failed(failure)))
    })
    .await
}

/// Whether a failed try may be repeated.
fn judge(error: HeadError, copy: Option<Request<Outbound>>) -> Attempt {
    let mut error = match error {
        HeadError::Failed(failure) => return Attempt::Final(failure),
        HeadError::Send(error) => error,
    };
    if let Some(unsent) = error.take_message() {
        return Attempt::Again(Box::new(unsent), Failure::UpstreamReset(error.into_error().to_string()));
    }
    let error = error.into_error();
    if error.is_parse() {
        return Attempt::Final(Failure::UpstreamProtocol(error.to_string()));
    }
    let failure = Failure::UpstreamReset(error.to_string());
    match copy {
        // Died before a byte was answered: hyper tells a half head from none.
        Some(copy) if !error.is_timeout() => Attempt::Again(Box::new(copy), failure),
        _ => Attempt::Final(failure),
    }
}
