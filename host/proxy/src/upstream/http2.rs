//! HTTP/2 with prior knowledge to an endpoint: a few connections, each shared by many exchanges of the worker.

use std::cell::Cell;
use std::rc::Rc;
use std::task::Poll;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};

use super::body::{Outbound, UpstreamBody, Wait};
use super::pick::{Endpoint, Entered};
use super::{Answer, Attempt, Call, Outgoing, connect};
use crate::failure::Failure;
use crate::worker::LocalExecutor;

/// Streams of one connection at once; above it another connection is opened.
const STREAMS_MAX: u32 = 100;

#[derive(Debug)]
pub struct Http2 {
    sender: http2::SendRequest<Outbound>,
    streams: Cell<u32>,
}

/// A stream's place on its connection; given back when the answer's body ends.
#[derive(Debug)]
pub struct StreamGuard(Rc<Http2>);

impl Drop for StreamGuard {
    fn drop(&mut self) {
        self.0.streams.set(self.0.streams.get().saturating_sub(1));
    }
}

impl Http2 {
    async fn open(call: &Call, endpoint: &Endpoint) -> Result<Rc<Self>, Failure> {
        let stream = connect(call, endpoint).await?;
        let (sender, connection) = http2::Builder::new(LocalExecutor)
            .timer(TokioTimer::new())
            .keep_alive_interval(std::time::Duration::from_secs(20))
            .keep_alive_timeout(std::time::Duration::from_secs(10))
            .initial_stream_window_size(256 << 10)
            .initial_connection_window_size(1 << 20)
            .max_header_list_size(u32::try_from(call.settings().header_bytes_max * 4).unwrap_or(u32::MAX))
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| Failure::ConnectFailed(error.to_string()))?;
        tokio::task::spawn_local(async move {
            // Its end is seen by the exchanges on it; there is nobody else to tell.
            let _ = connection.await;
        });
        Ok(Rc::new(Self { sender, streams: Cell::new(0) }))
    }

    fn has_room(&self) -> bool {
        !self.sender.is_closed() && self.streams.get() < STREAMS_MAX
    }
}

/// One try on one endpoint.
pub async fn attempt(call: &Call, endpoint: &Rc<Endpoint>, request: Box<Request<Outbound>>) -> Result<Answer, Attempt> {
    endpoint.http2.borrow_mut().retain(|http2| !http2.sender.is_closed());
    let rested = endpoint.http2.borrow().iter().find(|http2| http2.has_room()).cloned();
    let http2 = match rested {
        Some(http2) => http2,
        None => match Http2::open(call, endpoint).await {
            Ok(http2) => {
                endpoint.http2.borrow_mut().push(Rc::clone(&http2));
                http2
            }
            Err(failure) => return Err(Attempt::Again(Outgoing::Http2(request), failure)),
        },
    };
    http2.streams.set(http2.streams.get() + 1);
    let place = StreamGuard(Rc::clone(&http2));
    let entered = Entered::new(endpoint);
    let (parts, incoming) = heads(&http2, call, *request).await?.into_parts();
    Ok(Answer { parts, body: UpstreamBody::shared(incoming, place, entered.keep()), upgraded: None })
}

async fn heads(http2: &Http2, call: &Call, request: Request<Outbound>) -> Result<Response<Incoming>, Attempt> {
    let mut sender = http2.sender.clone();
    let mut wait = Wait::new(call, request.body().upload());
    let mut sent = std::pin::pin!(sender.try_send_request(request));
    let landed = std::future::poll_fn(|cx| match sent.as_mut().poll(cx) {
        Poll::Ready(result) => Poll::Ready(Ok(result)),
        Poll::Pending => wait.poll(cx).map(Err),
    })
    .await;
    match landed {
        Ok(Ok(head)) => Ok(head),
        Ok(Err(error)) => Err(wait.fault().map_or_else(|| judge(error), Attempt::Final)),
        Err(late) => Err(Attempt::Final(late)),
    }
}

fn judge(mut error: hyper::client::conn::TrySendError<Request<Outbound>>) -> Attempt {
    let unsent = error.take_message();
    let failure = Failure::UpstreamReset(error.into_error().to_string());
    match unsent {
        Some(request) => Attempt::Again(Outgoing::Http2(Box::new(request)), failure),
        None => Attempt::Final(failure),
    }
}
