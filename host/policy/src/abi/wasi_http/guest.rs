//! What the store of a guest of wasi:http holds: its resources, its bounds, and the way of its requests.

use std::cell::Cell;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderName, Request, Response, header};
use http_body_util::combinators::UnsyncBoxBody;
use tokio::sync::mpsc::UnboundedSender;
use wasmtime::component::ResourceTable;
use wasmtime_wasi_http::{
    Error, ForbiddenHeaderFilter, RequestOptions, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};
use wasmtime_wasi_io::IoView;

use super::body::Outflow;
use super::looks::Looks;
use super::outgoing::{self, Callout, Outgoing, Timeouts, Way, Ways};
use super::service::{Event, Fate};
use crate::fields;
use crate::host::{Limits, TooManyCalls, split_fixed};
use crate::imports::wasi::{Granted, Quota};
use crate::policy::Shared;

/// Streams, pollables, bodies and fields that a guest may have at once.
const RESOURCES_MAX: usize = 1024;
/// Of all fields of one map.
const FIELDS_BYTES_MAX: usize = 64 << 10;
/// Of one write to a body; a body has two of them in the host at most.
const CHUNK_BYTES_MAX: usize = 64 << 10;

pub(super) struct Guest {
    pub table: ResourceTable,
    pub limits: Limits,
    pub shared: Arc<Shared>,
    pub fate: Arc<Fate>,
    pub granted: Granted,
    pub request_id: Option<Arc<str>>,
    pub looks: Looks,
    http: WasiHttpCtx,
    hooks: Hooks,
    fixed: Cell<u64>,
}

/// What a guest is made with.
pub(super) struct Terms {
    pub shared: Arc<Shared>,
    pub fate: Arc<Fate>,
    pub granted: Granted,
    pub request_id: Option<Arc<str>>,
    pub events: UnboundedSender<Event>,
    pub ways: Ways,
}

impl Guest {
    pub fn new(Terms { shared, fate, granted, request_id, events, ways }: Terms) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES_MAX);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(FIELDS_BYTES_MAX);
        let limits = Limits::new(shared.memory_bytes_max);
        let hooks = Hooks { events, fate: Arc::clone(&fate), ways };
        let (looks, fixed) = (Looks::default(), Cell::new(0));
        Self { table, limits, shared, fate, granted, request_id, looks, http, hooks, fixed }
    }

    /// Whether it may still send its exchange on.
    pub fn goes_on(&self) -> bool {
        self.hooks.ways.onward
    }

    /// A number of the system where `random` is granted, else of a sequence that every exchange begins anew.
    pub fn random(&self) -> Option<u64> {
        if !self.granted.random {
            return Some(split_fixed(&self.fixed));
        }
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).ok()?;
        Some(u64::from_le_bytes(bytes))
    }
}

impl Quota for Guest {
    /// A guest that runs for as long as an exchange does makes as many calls as it has time for.
    fn enter(&self) -> Result<(), TooManyCalls> {
        Ok(())
    }
}

impl IoView for Guest {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}

/// The way out.
struct Hooks {
    events: UnboundedSender<Event>,
    fate: Arc<Fate>,
    ways: Ways,
}

type Body0 = UnsyncBoxBody<Bytes, Error>;
type Finished = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Box<dyn Future<Output = Result<(Response<Body0>, Finished), Error>> + Send>;

impl WasiHttpHooks for Hooks {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(is_forbidden)
    }

    fn set_host_header(&mut self) -> bool {
        false
    }

    fn default_scheme(&mut self) -> Option<Scheme> {
        Some(Scheme::HTTP)
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK_BYTES_MAX
    }

    fn send_request(&mut self, request: Request<Body0>, options: Option<RequestOptions>, _: Finished) -> Sent {
        let way = match self.ways.find(&request) {
            Ok(way) => way,
            Err(error) => return Box::new(async { Err(error) }),
        };
        let request = outflow(request, &self.fate);
        let (event, answered) = match way {
            Way::Onward => {
                let (outgoing, answered) = Outgoing::new(request);
                (Event::Forward(outgoing), answered)
            }
            Way::Upstream(upstream) => {
                let (outgoing, answered) = Outgoing::new(outgoing::addressed(request));
                (Event::Callout(Callout { upstream, timeouts: Timeouts::of(options), outgoing }), answered)
            }
        };
        // Nobody hears it any more when the exchange is over.
        let _ = self.events.send(event);
        Box::new(async move {
            let response = answered.await.map_err(|_| Error::ConnectionTerminated)??;
            Ok((response.map(UnsyncBoxBody::new), Box::new(async { Ok(()) }) as Finished))
        })
    }
}

/// What belongs to the host. The length of a body is its guest's to say, and wasmtime holds the guest to it.
fn is_forbidden(name: &HeaderName) -> bool {
    fields::is_host_owned(name) && *name != header::CONTENT_LENGTH
}

/// The message of a guest, whose `content-length` becomes the length of its body.
pub(super) fn outflow<M: Message>(message: M, fate: &Arc<Fate>) -> M::Of<Outflow> {
    message.with(|headers, body| {
        let length = headers.remove(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        Outflow::new(body, length, Arc::clone(fate))
    })
}

/// A request or an answer.
pub(super) trait Message {
    type Of<B>;
    fn with(self, change: impl FnOnce(&mut http::HeaderMap, Body0) -> Outflow) -> Self::Of<Outflow>;
}

impl Message for Request<Body0> {
    type Of<B> = Request<B>;
    fn with(mut self, change: impl FnOnce(&mut http::HeaderMap, Body0) -> Outflow) -> Request<Outflow> {
        let mut headers = std::mem::take(self.headers_mut());
        let mut request = self.map(|body| change(&mut headers, body));
        *request.headers_mut() = headers;
        request
    }
}

impl Message for Response<Body0> {
    type Of<B> = Response<B>;
    fn with(mut self, change: impl FnOnce(&mut http::HeaderMap, Body0) -> Outflow) -> Response<Outflow> {
        let mut headers = std::mem::take(self.headers_mut());
        let mut response = self.map(|body| change(&mut headers, body));
        *response.headers_mut() = headers;
        response
    }
}
