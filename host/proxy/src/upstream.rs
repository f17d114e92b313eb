//! Sending one request to a backend: pick an endpoint, get a connection, exchange heads, try again where that is safe.
//!
//! A request is tried again in three cases only: the connection could not be made; hyper gave the request back unsent; a
//! *reused* connection died before a byte of the answer, and the request is idempotent and has no body (RFC 9110, 9.2.2).

pub mod body;
pub mod http1;
pub mod http2;
pub mod pick;
pub mod registry;

use std::rc::Rc;
use std::time::Duration;

use cardea_model::snapshot::BackendProtocol;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::failure::Failure;
use crate::settings::Settings;
use crate::timer::Timer;
use body::{Outbound, UpstreamBody};
use pick::Endpoint;
use registry::Local;

/// The backend's side of an upgraded connection, and what it sent after the 101.
#[derive(Debug)]
pub struct Tunnel {
    pub stream: TcpStream,
    pub read: bytes::Bytes,
}

/// What `send` needs of its caller.
pub struct Call<'a> {
    pub backend: &'a Rc<Local>,
    pub protocol: BackendProtocol,
    /// Labels that the endpoint must carry; empty for any.
    pub subset: &'a [(String, String)],
    pub settings: &'a Settings,
    pub request_timeout: Duration,
    /// One timer for the whole exchange.
    pub timer: &'a Timer,
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

const TRIES_MAX: u8 = 3;

/// Sends a request, and gives the answer's head. Whatever happens takes at most the timeouts of `call`.
pub async fn send(call: &Call<'_>, mut request: Request<Outbound>, trace: &mut Trace) -> Result<Answer, Failure> {
    let mut fresh = false;
    loop {
        let endpoint = call.backend.pick(call.subset, trace.endpoint.as_ref()).ok_or(Failure::NoEndpoints)?;
        trace.endpoint = Some(Rc::clone(&endpoint));
        let outcome = match call.protocol {
            BackendProtocol::Http1 => http1::attempt(call, &endpoint, request, fresh).await,
            BackendProtocol::H2c => http2::attempt(call, &endpoint, request).await,
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
        request = *again;
    }
}

/// Why an attempt gave no answer.
pub enum Attempt {
    Final(Failure),
    /// Nothing happened at the backend that a second try would repeat. With the request, and what to say if no try is left.
    Again(Box<Request<Outbound>>, Failure),
}

/// Connects within the connect timeout; a failing endpoint is shunned for a moment.
async fn connect(call: &Call<'_>, endpoint: &Endpoint) -> Result<TcpStream, Failure> {
    call.timer.set(call.settings.connect_timeout);
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

/// Methods that may be repeated (RFC 9110, 9.2.2).
const fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE)
}

/// A copy of a request that has no body and may be repeated.
fn replay(request: &Request<Outbound>) -> Option<Request<Outbound>> {
    if !matches!(request.body(), Outbound::Empty) || !is_idempotent(request.method()) {
        return None;
    }
    let mut copy = Request::new(Outbound::Empty);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

type Io = TokioIo<TcpStream>;
type Head = Response<Incoming>;
