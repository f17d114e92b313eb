//! Sending one request to a backend: pick an endpoint, get a connection, exchange heads, try again where that is safe.
//!
//! A request is tried again in three cases only: the connection could not be made; nothing of the request has left; a
//! *reused* connection died before a byte of the answer, and the request is idempotent and has no body (RFC 9110, 9.2.2).

pub mod body;
pub mod http1;
pub mod http2;
pub mod pick;
pub mod registry;

use std::rc::Rc;
use std::time::Duration;

use http::Request;
use tokio::net::TcpStream;

use crate::failure::Failure;
use crate::settings::Settings;
use crate::timer::Timer;
use crate::worker::Worker;
use body::{Outbound, UpstreamBody};
use pick::Endpoint;
use registry::Local;

/// The backend's side of an upgraded connection, and what it sent after the 101.
#[derive(Debug)]
pub struct Tunnel {
    pub stream: TcpStream,
    pub read: bytes::Bytes,
}

/// One request's way to its backend.
pub struct Call {
    pub worker: Rc<Worker>,
    pub backend: Rc<Local>,
    /// Labels that the endpoint must carry; empty for any.
    pub subset: Vec<(String, String)>,
    pub connect_timeout: Duration,
    pub request_timeout: Duration,
    /// One timer for the whole exchange.
    pub timer: Timer,
}

impl Call {
    fn settings(&self) -> &Settings {
        self.worker.settings()
    }
}

/// What became of a call, for the record; filled as it goes, so that a failure has it too.
#[derive(Debug, Default)]
pub struct Trace {
    pub endpoint: Option<Rc<Endpoint>>,
    pub retries: u8,
}

/// An answer's head, with its body still coming.
pub struct Answer {
    pub parts: http::response::Parts,
    pub body: UpstreamBody,
    /// The connection of a 101.
    pub upgraded: Option<Box<http1::Http1>>,
}

/// A request as its backend's protocol has it.
pub enum Outgoing {
    Http1(Box<http1::Message>),
    Http2(Box<Request<Outbound>>),
}

/// A request that has begun: mostly, that it was handed to a connection that rested.
pub enum Started {
    Sent(http1::Flight),
    /// Something must be waited for first.
    Waits(Outgoing),
}

const TRIES_MAX: u8 = 3;

/// Begins without waiting.
pub fn start(call: &Call, outgoing: Outgoing, trace: &mut Trace) -> Result<Started, Failure> {
    let endpoint = call.backend.pick(&call.subset, None).ok_or(Failure::NoEndpoints)?;
    let started = match outgoing {
        Outgoing::Http1(message) => match endpoint.take() {
            Some(rested) => Started::Sent(http1::Flight::new(rested, &endpoint, message, true)),
            None => Started::Waits(Outgoing::Http1(message)),
        },
        http2 => Started::Waits(http2),
    };
    trace.endpoint = Some(endpoint);
    Ok(started)
}

impl Started {
    /// Gives the answer's head. Whatever happens takes at most the timeouts of `call`.
    pub async fn finish(self, call: &Call, trace: &mut Trace) -> Result<Answer, Failure> {
        let (outgoing, fresh) = match self {
            Self::Waits(outgoing) => (outgoing, false),
            Self::Sent(flight) => match flight.land(call).await {
                Ok(answer) => return Ok(answer),
                Err(Attempt::Final(failure)) => return Err(failure),
                Err(Attempt::Again(outgoing, _)) => {
                    trace.retries += 1;
                    (outgoing, true)
                }
            },
        };
        Box::pin(attempts(call, outgoing, fresh, trace)).await
    }
}

/// Tries until an answer comes or trying again is of no use. The first try is on the endpoint that was picked.
async fn attempts(call: &Call, mut outgoing: Outgoing, mut fresh: bool, trace: &mut Trace) -> Result<Answer, Failure> {
    loop {
        let endpoint = match trace.endpoint.clone().filter(|_| trace.retries == 0) {
            Some(picked) => picked,
            None => call.backend.pick(&call.subset, trace.endpoint.as_ref()).ok_or(Failure::NoEndpoints)?,
        };
        trace.endpoint = Some(Rc::clone(&endpoint));
        let outcome = match outgoing {
            Outgoing::Http1(message) => http1::attempt(call, &endpoint, message, fresh).await,
            Outgoing::Http2(request) => http2::attempt(call, &endpoint, request).await,
        };
        let (again, failure) = match outcome {
            Ok(answer) => return Ok(answer),
            Err(Attempt::Final(failure)) => return Err(failure),
            Err(Attempt::Again(again, failure)) => (again, failure),
        };
        trace.retries += 1;
        if trace.retries >= TRIES_MAX {
            return Err(failure);
        }
        fresh = !matches!(failure, Failure::ConnectFailed(_) | Failure::ConnectTimeout);
        outgoing = again;
    }
}

/// Why an attempt gave no answer.
pub enum Attempt {
    Final(Failure),
    /// Nothing happened at the backend that a second try would repeat. With the request, and what to say if no try is left.
    Again(Outgoing, Failure),
}

/// Connects within the connect timeout; a failing endpoint is shunned for a moment.
async fn connect(call: &Call, endpoint: &Endpoint) -> Result<TcpStream, Failure> {
    call.timer.set(call.connect_timeout);
    let mut connecting = std::pin::pin!(TcpStream::connect(endpoint.address));
    let stream = std::future::poll_fn(|cx| {
        if let std::task::Poll::Ready(result) = connecting.as_mut().poll(cx) {
            return std::task::Poll::Ready(result.map_err(|error| Failure::ConnectFailed(error.to_string())));
        }
        call.timer.poll(cx).map(|()| Err(Failure::ConnectTimeout))
    })
    .await;
    let connected = stream.and_then(|stream| match stream.set_nodelay(true) {
        Ok(()) => Ok(stream),
        Err(error) => Err(Failure::ConnectFailed(error.to_string())),
    });
    if connected.is_err() {
        endpoint.shun();
    }
    connected
}
