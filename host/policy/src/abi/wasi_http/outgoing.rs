//! Requests of a guest on their way out: where each goes, and what the guest hears of it.
//!
//! The authority chooses. A name that the policy is granted is that Service; any other is the way on, to the rest of the chain
//! and the backend, which there is once an exchange, and not from the backend of a route.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use cardea_model::config::Policy;
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header};
use tokio::sync::oneshot;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::p2::bindings::http::types::{self, ErrorCode, IoError};
use wasmtime_wasi_http::{Error, RequestOptions, WasiHttpView};

use super::body::{Inflow, Outflow};
use super::guest::Guest;
use super::link::TYPES;
use crate::failure::Failure;
use crate::fields;

/// Of one head.
const FIELDS_MAX: usize = 1024;
const FIELD_BYTES_MAX: usize = 64 << 10;

type Answered = Result<Response<Inflow>, Error>;

/// A request of a guest, which waits for its answer.
#[derive(Debug)]
pub struct Outgoing {
    pub request: Request<Outflow>,
    answer: oneshot::Sender<Answered>,
}

impl Outgoing {
    pub(super) fn new(request: Request<Outflow>) -> (Self, oneshot::Receiver<Answered>) {
        let (answer, answered) = oneshot::channel();
        (Self { request, answer }, answered)
    }

    /// Splits off what the guest waits for.
    pub fn take(self) -> (Request<Outflow>, Answer) {
        (self.request, Answer(self.answer))
    }
}

/// A request to a Service that the policy is granted. Its URI is a path and query, and `host` is among its fields.
#[derive(Debug)]
pub struct Callout {
    /// A name of `spec.grants.upstreams`.
    pub upstream: Arc<str>,
    pub timeouts: Timeouts,
    pub outgoing: Outgoing,
}

/// As the guest's request options have them; the data plane has bounds of its own.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timeouts {
    pub connect: Option<Duration>,
    pub first_byte: Option<Duration>,
    pub between_bytes: Option<Duration>,
}

impl Timeouts {
    pub(super) fn of(options: Option<RequestOptions>) -> Self {
        let options = options.unwrap_or_default();
        Self {
            connect: options.connect_timeout,
            first_byte: options.first_byte_timeout,
            between_bytes: options.between_bytes_timeout,
        }
    }
}

/// A guest's wait for an answer.
#[derive(Debug)]
pub struct Answer(oneshot::Sender<Answered>);

impl Answer {
    /// A guest that has gone on without it does not hear of it.
    pub fn give(self, response: Response<Inflow>) {
        let _ = self.0.send(Ok(response));
    }

    pub fn fail(self, why: Unanswered) {
        let _ = self.0.send(Err(why.into()));
    }

    /// Ready once the guest waits no more.
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_closed(cx)
    }
}

/// Why a request of a guest has no answer, or a body no end: each is an error code of wasi:http.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// `HTTP-request-denied`
    Denied,
    /// `connection-limit-reached`: too many requests at once.
    Limit,
    /// `destination-unavailable`
    Unavailable,
    /// `connection-refused`
    Refused,
    /// `connection-timeout`
    ConnectTimeout,
    /// `HTTP-response-timeout`: of the head.
    Timeout,
    /// `connection-read-timeout`: of a piece of the body.
    ReadTimeout,
    /// `connection-terminated`
    Terminated,
    /// `HTTP-protocol-error`
    Protocol,
}

impl From<Unanswered> for Error {
    fn from(why: Unanswered) -> Self {
        match why {
            Unanswered::Denied => Self::HttpRequestDenied,
            Unanswered::Limit => Self::ConnectionLimitReached,
            Unanswered::Unavailable => Self::DestinationUnavailable,
            Unanswered::Refused => Self::ConnectionRefused,
            Unanswered::ConnectTimeout => Self::ConnectionTimeout,
            Unanswered::Timeout => Self::HttpResponseTimeout,
            Unanswered::ReadTimeout => Self::ConnectionReadTimeout,
            Unanswered::Terminated => Self::ConnectionTerminated,
            Unanswered::Protocol => Self::HttpProtocolError,
        }
    }
}

impl Unanswered {
    /// Of an error of a stream, by which a guest hears why a body broke off.
    fn code(error: &Error) -> ErrorCode {
        match error {
            Error::ConnectionReadTimeout => ErrorCode::ConnectionReadTimeout,
            Error::HttpProtocolError => ErrorCode::HttpProtocolError,
            _ => ErrorCode::ConnectionTerminated,
        }
    }
}

/// Puts a function in place of that of wasmtime-wasi-http which knows the errors of bodies that come in; that one does not.
pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance(TYPES)?;
    types.func_wrap("http-error-code", |mut cx: StoreContextMut<'_, Guest>, (error,): (Resource<IoError>,)| {
        let known = cx.data_mut().table.get(&error)?.downcast_ref::<Error>().map(Unanswered::code);
        Ok((match known {
            Some(code) => Some(code),
            None => types::Host::http_error_code(&mut cx.data_mut().http(), error)?,
        },))
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Where requests of one guest may go.
pub(super) struct Ways {
    pub spec: Arc<Policy>,
    /// Not for the backend of a route, and only once.
    pub onward: bool,
}

/// Where one goes.
pub(super) enum Way {
    Onward,
    Upstream(Arc<str>),
}

impl Ways {
    pub fn find<B>(&mut self, request: &Request<B>) -> Result<Way, Error> {
        match self.granted(request.uri()) {
            // What asks for TLS is not sent without.
            Some(_) if request.uri().scheme() == Some(&Scheme::HTTPS) => Err(Error::HttpRequestDenied),
            Some(_) if matches!(*request.method(), Method::CONNECT | Method::TRACE) => Err(Error::HttpRequestDenied),
            Some(_) if bounded(request.headers()).is_err() => Err(Error::HttpRequestHeaderSectionSize(None)),
            Some(upstream) => Ok(Way::Upstream(upstream)),
            None if std::mem::take(&mut self.onward) => Ok(Way::Onward),
            None => Err(Error::HttpRequestDenied),
        }
    }

    /// A granted name is an authority; the port of its scheme may be left out.
    fn granted(&self, uri: &Uri) -> Option<Arc<str>> {
        let authority = uri.authority()?.as_str();
        let default = if uri.scheme() == Some(&Scheme::HTTPS) { ":443" } else { ":80" };
        let short = authority.strip_suffix(default).unwrap_or(authority);
        let is_it = |name: &str| {
            name.eq_ignore_ascii_case(authority)
                || name.strip_suffix(default).unwrap_or(name).eq_ignore_ascii_case(short)
        };
        self.spec.grants.upstreams.iter().find(|granted| is_it(&granted.name)).map(|granted| Arc::clone(&granted.name))
    }
}

/// The request as its Service gets it.
pub(super) fn addressed(mut request: Request<Outflow>) -> Request<Outflow> {
    let uri = std::mem::take(request.uri_mut());
    let host = uri.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    if let Some(host) = host {
        request.headers_mut().insert(header::HOST, host);
    }
    // `?a=1` is a target whose path is left out.
    let target = match uri.path_and_query() {
        Some(target) if target.as_str().starts_with('/') => Some(target.clone()),
        Some(target) => PathAndQuery::try_from(format!("/{target}")).ok(),
        None => None,
    };
    *request.uri_mut() = target.map_or_else(|| Uri::from_static("/"), Uri::from);
    request
}

pub(crate) fn bounded(headers: &HeaderMap) -> Result<(), Failure> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() > FIELDS_MAX || bytes > FIELD_BYTES_MAX {
        return Err(Failure::OutcomeTooLarge("more than 1024 fields, or 64 KiB of them"));
    }
    if headers.values().any(|value| value.len() > fields::VALUE_BYTES_MAX) {
        return Err(Failure::OutcomeTooLarge("a field of more than 16 KiB"));
    }
    Ok(())
}

impl fmt::Debug for Ways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ways").field("onward", &self.onward).finish_non_exhaustive()
    }
}
