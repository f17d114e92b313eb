//! What a module of another ABI is to the chain: loaded once, resident on each worker, and a session with it for each exchange.
//!
//! An adapter (one folder an ABI) answers to these three traits, and knows nothing of sockets. The chain keeps sessions,
//! orders them among the other policies, applies failure modes and counts; the data plane carries bodies, waits, and makes
//! the calls to the outside that a module asked for.

mod core_module;
pub(crate) mod http_wasm;
pub(crate) mod proxy_wasm;
mod unknown;
pub(crate) mod wasi_http;
mod wasi_p1;

use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cardea_model::config;
use http::{HeaderMap, StatusCode};

use crate::exchange::{Exchange, ReadSet};
use crate::failure::Failure;
use crate::host::Worker;
use crate::instances::Footprint;
use crate::load::{LoadError, StartCost};
use crate::outcome::{Reply, Summary, Target};
use crate::policy::Policy;

/// Which ABI a module speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abi {
    /// A component of `cardea:policy`.
    Cardea,
    /// A core module of the http-wasm handler ABI.
    HttpWasm,
    /// A core module of proxy-wasm.
    ProxyWasm,
}

impl Abi {
    /// By the eight bytes of the preamble, and for core modules by what they import and export.
    pub fn of(bytes: &[u8]) -> Result<Self, LoadError> {
        match bytes.get(..8) {
            Some([0, b'a', b's', b'm', 0x0d, 0, 1, 0]) => Ok(Self::Cardea),
            Some([0, b'a', b's', b'm', 1, 0, 0, 0]) => Self::of_core(&core_module::Names::of(bytes)?),
            _ => Err(unknown::file(bytes)),
        }
    }

    fn of_core(names: &core_module::Names<'_>) -> Result<Self, LoadError> {
        match (http_wasm::is_meant(names), proxy_wasm::is_meant(names)) {
            (true, false) => Ok(Self::HttpWasm),
            (false, true) => Ok(Self::ProxyWasm),
            (true, true) => Err(unknown::both()),
            (false, false) => Err(unknown::core(names)),
        }
    }
}

/// A loaded module. Shared by all workers, immutable.
pub(crate) trait Module: Send + Sync {
    /// Makes what a worker keeps of it: a VM, or a pool of instances. It may put the work off until an exchange comes.
    fn settle(&self, policy: &Arc<Policy>, worker: &Rc<Worker>) -> Box<dyn Resident>;

    /// How long a start takes, by making an instance that is thrown away. For authors.
    fn time_start(&self, policy: &Policy, worker: &Rc<Worker>) -> Result<StartCost, Failure>;

    /// What it hears of an exchange, by the ABI's own names.
    fn phases(&self) -> Vec<&'static str>;

    /// Whether it works without exchanges too, and so is to be [awake](Resident::wake) on each worker while its version is live.
    fn is_eager(&self) -> bool {
        false
    }
}

/// What one worker has of a module. Not `Send`. It [leaves](Self::leave) some time after the last exchange of its policy version
/// ended, and is dropped then.
pub(crate) trait Resident {
    fn open(&mut self, turn: &mut Turn<'_>) -> Result<Box<dyn Session>, Failure>;

    /// Makes what it would else make for its first exchange. A failure is the first exchange's to tell.
    fn wake(&mut self, _outside: &mut Outside<'_>) {}

    /// Its version is gone, or the process ends. Asked again and again until there is nothing left to do: then it is true.
    fn leave(&mut self, _outside: &mut Outside<'_>) -> bool {
        true
    }

    /// When [`Self::tick`] wants to be called next.
    fn next_tick(&self) -> Option<Instant> {
        None
    }

    fn tick(&mut self, _outside: &mut Outside<'_>) {}

    /// Of the instance that rests here; `None` without one, and where nothing rests.
    fn footprint(&self) -> Option<Footprint> {
        None
    }

    /// What became of a call that was asked for by [`Outside::call`], by the id that it gave.
    fn called(&mut self, _outside: &mut Outside<'_>, _id: u32, _reply: Result<CallReply, CallFailure>) {}
}

/// One exchange's stay in a module. Dropped when the exchange is over, whatever became of it.
pub(crate) trait Session {
    /// The head of a side is here (`turn.exchange.request`, `.response`); its `ended` says that no body follows.
    fn on_head(&mut self, turn: &mut Turn<'_>, side: Side) -> Result<Flow, Failure>;

    /// Whether the module hears of that side's body. Where not, bodies pass it by.
    fn wants_body(&self, side: Side) -> bool;

    /// Whether it takes more of that body just now. Where not, the sender waits until [`Self::poll_resumed`] is ready.
    fn takes_body(&self, _side: Side) -> bool {
        true
    }

    /// A piece of the body, as it comes; the last has `end`, and may be empty.
    fn on_body(&mut self, turn: &mut Turn<'_>, side: Side, bytes: Bytes, end: bool) -> Result<BodyFlow, Failure>;

    /// Trailers end a body whose last piece had no `end`. What it sends goes before them.
    fn on_trailers(&mut self, _turn: &mut Turn<'_>, side: Side, _fields: &mut HeaderMap) -> Result<BodyFlow, Failure> {
        Ok(BodyFlow::Send(self.take_held(side)))
    }

    /// Trailers to follow a body that had none: asked for when it has heard of the end, and announced in the head that it held.
    fn take_trailers(&mut self, _side: Side) -> Option<HeaderMap> {
        None
    }

    /// While a side is paused or holds bytes: ready when [`Self::resume`] has something to say: that it was continued, that
    /// it replied, that its VM is gone.
    fn poll_resumed(&mut self, _cx: &mut Context<'_>, _side: Side) -> Poll<()> {
        Poll::Pending
    }

    fn resume(&mut self, _turn: &mut Turn<'_>, _side: Side) -> Result<BodyFlow, Failure> {
        Ok(BodyFlow::Hold)
    }

    /// Bytes that it holds of a side; still there after a failure, so that skipping the policy loses none.
    fn take_held(&mut self, _side: Side) -> Bytes {
        Bytes::new()
    }

    /// The exchange is over: the last call. A failure changes nothing any more, and is counted.
    fn on_complete(&mut self, _turn: &mut Turn<'_>, _summary: &Summary) -> Result<(), Failure> {
        Ok(())
    }
}

/// Of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Request,
    Response,
}

/// What becomes of a head.
pub(crate) enum Flow {
    /// On to the next policy.
    Continue,
    /// Held, until a piece of the body or [`Session::resume`] lets it go on.
    Pause,
    /// This in place of the backend's answer.
    Reply(Box<Reply>),
    /// Request side: to a backend of the route, checked by [`Turn::allowed`]; then on to the next policy.
    Route(Target),
}

/// What becomes of a body, and of a held head before it.
pub(crate) enum BodyFlow {
    /// These bytes go on, in place of what was given and of what was held; the head goes on before them.
    Send(Bytes),
    /// Kept by the session, within `limits.body`: over it, it answers [`Failure::BodyOverflow`].
    Hold,
    Reply(Box<Reply>),
}

/// What a session is called with.
pub(crate) struct Turn<'a> {
    /// Lent: heads are read and edited in place. The adapter checks each edit by `fields`.
    pub exchange: &'a mut Box<Exchange>,
    pub policy: &'a Arc<Policy>,
    /// Whether the route declares a backend of that name. Only for request heads; else nothing is.
    pub allowed: &'a dyn Fn(&str) -> bool,
    /// What the call read, if the adapter tells.
    pub reads: ReadSet,
    pub outside: Outside<'a>,
    /// When the call began: `limits.deadline` counts from here.
    pub start: Instant,
}

/// Takes the calls to the outside that a module asks for; the data plane makes them after the guest has returned.
pub(crate) struct Outside<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) granted: &'a [config::Upstream],
    pub(crate) calls: &'a mut Vec<Call>,
}

impl Outside<'_> {
    /// False if the policy is not granted an upstream of that name (`spec.grants.upstreams`).
    pub fn call(&mut self, id: u32, upstream: &str, request: Request, timeout: Duration) -> bool {
        let granted = self.granted.iter().find(|granted| *granted.name == *upstream);
        if let Some(granted) = granted {
            let upstream = Arc::clone(&granted.name);
            self.calls.push(Call { policy: self.caller.clone(), id, upstream, request, timeout });
        }
        granted.is_some()
    }
}

/// Who made a call: what a worker has of one policy version. It keeps nothing of that alive.
#[derive(Debug, Clone)]
pub struct Caller {
    /// `namespace/name` of the policy.
    pub name: Arc<str>,
    pub(crate) slot: usize,
    /// Tells this version from a later one in the same slot.
    pub(crate) id: u64,
}

/// A request with its trailers.
pub type Request = http::Request<(Bytes, HeaderMap)>;

/// A request that a module makes on its own behalf. Its fields are checked; its URI is a path and query.
#[derive(Debug)]
pub struct Call {
    pub policy: Caller,
    pub id: u32,
    /// A name of `spec.grants.upstreams`.
    pub upstream: Arc<str>,
    pub request: Request,
    pub timeout: Duration,
}

#[derive(Debug)]
pub struct CallReply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub trailers: HeaderMap,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallFailure {
    Timeout,
    Unreachable,
    /// More than 1 MiB of body.
    TooLarge,
}
