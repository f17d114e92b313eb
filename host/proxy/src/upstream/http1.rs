//! HTTP/1.1 to an endpoint: a connection is driven by the exchange that holds it, and rests in the endpoint's pool.
//!
//! Driving it in place, not in a task of its own, saves two wake-ups a request; and dropping an exchange closes its
//! connection at once. Nobody watches a resting connection: an end of stream that has come in the meantime shows when the
//! exchange first polls it, before the request is taken, and costs no system call.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use http::{Method, Request, StatusCode};
use hyper::client::conn::{TrySendError, http1};
use hyper_util::rt::TokioIo;

use super::body::{Outbound, Upload, UpstreamBody, Wait};
use super::pick::{Endpoint, Entered};
use super::replay::{Memory, Socket};
use super::{Answer, Attempt, Call, Head, connect};
use crate::failure::Failure;

/// hyper's future of an answer's head.
pub trait Sent: Future<Output = Result<Head, TrySendError<Request<Outbound>>>> {}
impl<F: Future<Output = Result<Head, TrySendError<Request<Outbound>>>>> Sent for F {}

/// One connection, with the handle that sends on it.
pub struct Http1 {
    sender: http1::SendRequest<Outbound>,
    connection: http1::Connection<TokioIo<Socket>, Outbound>,
    memory: Rc<Memory>,
    /// Milliseconds of the worker's clock when it began to rest.
    pub idle_since: u64,
    over: bool,
}

impl Http1 {
    async fn open(call: &Call, endpoint: &Endpoint) -> Result<Box<Self>, Failure> {
        let stream = connect(call, endpoint).await?;
        let (socket, memory) = Socket::new(stream);
        let (sender, connection) = http1::Builder::new()
            .max_headers(200)
            .max_header_size(call.settings().header_bytes_max * 4)
            .handshake(TokioIo::new(socket))
            .await
            .map_err(|error| Failure::ConnectFailed(error.to_string()))?;
        Ok(Box::new(Self { sender, connection, memory, idle_since: 0, over: false }))
    }

    /// Whether it can take a request now. One that the backend has closed may still say so: the first poll of the exchange
    /// then sees the end before it takes the request, and gives it back unsent.
    pub fn is_usable(&mut self) -> bool {
        !self.over && (self.sender.is_ready() || self.is_alive() && self.sender.is_ready())
    }

    /// Whether it is still open, as far as the socket has told.
    pub fn is_alive(&mut self) -> bool {
        self.poll(&mut Context::from_waker(Waker::noop())).is_pending()
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
        super::Tunnel { stream: parts.io.into_inner().stream, read: parts.read_buf }
    }
}

/// A request that was handed to a connection.
pub struct Flight<S> {
    held: Box<Http1>,
    entered: Entered,
    upload: Option<Rc<Upload>>,
    sent: S,
}

impl Flight<()> {
    /// Hands a request to a connection. On one that was `reused` a request that may be repeated is remembered.
    pub fn new(
        mut held: Box<Http1>,
        endpoint: &Rc<Endpoint>,
        request: Request<Outbound>,
        reused: bool,
    ) -> Flight<impl Sent + use<>> {
        let repeatable = matches!(request.body(), Outbound::Empty) && is_idempotent(request.method());
        held.memory.begin(reused && repeatable);
        let upload = request.body().upload();
        let sent = held.sender.try_send_request(request);
        Flight { held, entered: Entered::new(endpoint), upload, sent }
    }
}

impl<S: Sent> Flight<S> {
    /// Waits for the head of the answer, driving the connection.
    pub async fn land(self, call: &Call) -> Result<Answer, Attempt> {
        let Self { held, entered, upload, sent } = self;
        let memory = Rc::clone(&held.memory);
        let mut held = Some(held);
        let mut sent = std::pin::pin!(sent);
        let mut wait = Wait::new(call, upload);
        let landed = std::future::poll_fn(|cx| {
            // Only polling the connection completes `sent`, so that wakes nobody: a waker would have the task run once more.
            let mut silent = Context::from_waker(Waker::noop());
            let over = held.as_mut().is_some_and(|held| held.poll(cx).is_ready());
            let mut polled = sent.as_mut().poll(&mut silent);
            if over && polled.is_pending() {
                // It ended before it took the request, and gives it back when it is dropped.
                held = None;
                polled = sent.as_mut().poll(&mut silent);
            }
            match polled {
                Poll::Ready(result) => Poll::Ready(Ok(result)),
                Poll::Pending => wait.poll(cx).map(Err),
            }
        })
        .await;
        match (landed, held) {
            (Ok(Ok(head)), Some(held)) => Ok(answer(head, held, entered)),
            (Ok(Ok(_)), None) => Err(Attempt::Final(Failure::UpstreamReset("closed".into()))),
            (Ok(Err(error)), _) => Err(wait.fault().map_or_else(|| judge(error, &memory), Attempt::Final)),
            (Err(late), _) => Err(Attempt::Final(late)),
        }
    }
}

/// One try on one endpoint: on a resting connection, or (`fresh`, or none rests) on a new one.
pub async fn attempt(
    call: &Call,
    endpoint: &Rc<Endpoint>,
    request: Box<Request<Outbound>>,
    fresh: bool,
) -> Result<Answer, Attempt> {
    let rested = if fresh { None } else { endpoint.take() };
    let reused = rested.is_some();
    let held = match rested {
        Some(http1) => http1,
        None => match Http1::open(call, endpoint).await {
            Ok(http1) => http1,
            Err(failure) => return Err(Attempt::Again(request, failure)),
        },
    };
    Flight::new(held, endpoint, *request, reused).land(call).await
}

fn answer(head: Head, held: Box<Http1>, entered: Entered) -> Answer {
    let (parts, incoming) = head.into_parts();
    let endpoint = entered.keep();
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        return Answer { parts, body: UpstreamBody::bare(incoming, endpoint), upgraded: Some(held) };
    }
    Answer { parts, body: UpstreamBody::own(incoming, held, endpoint), upgraded: None }
}

/// Whether a failed try may be repeated.
fn judge(mut error: TrySendError<Request<Outbound>>, memory: &Memory) -> Attempt {
    if let Some(unsent) = error.take_message() {
        return Attempt::Again(Box::new(unsent), Failure::UpstreamReset(error.into_error().to_string()));
    }
    let error = error.into_error();
    if error.is_parse() {
        return Attempt::Final(Failure::UpstreamProtocol(error.to_string()));
    }
    let failure = Failure::UpstreamReset(error.to_string());
    match memory.replay() {
        Some(again) => Attempt::Again(Box::new(again), failure),
        None => Attempt::Final(failure),
    }
}

/// Methods that may be repeated (RFC 9110, 9.2.2).
const fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE)
}
