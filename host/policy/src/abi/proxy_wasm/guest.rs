//! What a VM's store holds beside the guest: its streams, and what the callback in hand is about.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use cardea_model::config;
use http::HeaderMap;
use wasmtime::{Memory, TypedFunc};

use crate::abi::proxy_wasm::grpc;
use crate::abi::proxy_wasm::maps::Undo;
use crate::abi::proxy_wasm::stream::{self, CallResult};
use crate::abi::wasi_p1::{Lines, Surroundings};
use crate::abi::{CallReply, Request, Side};
use crate::host::{Host, LOG_LINE_BYTES_MAX};
use crate::source::{LogLevel, Time};

/// The only plugin of a VM.
pub(super) const ROOT: u32 = 1;
/// Calls to the outside under way, of one policy on one worker.
pub(super) const CALLS_MAX: usize = 16;

pub(super) struct Guest {
    /// Exchange, limits and quotas, as every guest of this process has them.
    pub base: Host,
    pub spec: Arc<config::Policy>,
    /// `spec.config` as the plugin reads it.
    pub config: Arc<[u8]>,
    /// `spec.proxyWasm.vmConfig` as the plugin reads it.
    pub vm_config: Arc<[u8]>,
    pub exports: Exports,
    /// ABI 0.1.0, which answers some questions otherwise.
    pub is_first_version: bool,
    /// The guest's own allocator is at work: nothing may ask it again.
    pub allocating: bool,
    pub scene: Scene,
    pub streams: HashMap<u32, stream::Shared>,
    pub calls: Calls,
    pub root: Root,
    /// For values on their way to the guest; empty between host calls.
    pub scratch: Vec<u8>,
    /// What the guest wrote to its standard streams and did not end.
    pub lines: Lines,
}

/// What host calls use of the guest. Absent while it is instantiated.
#[derive(Clone, Default)]
pub(super) struct Exports {
    pub memory: Option<Memory>,
    pub malloc: Option<TypedFunc<u32, u32>>,
}

/// What the callback in hand is about.
#[derive(Default)]
pub(super) struct Scene {
    pub context: u32,
    /// In whose name host calls are made.
    pub effective: u32,
    /// The stream whose exchange is at hand.
    pub at_hand: Option<u32>,
    pub trailers: Option<(Side, HeaderMap)>,
    pub reply: Option<CallResult>,
    /// What became of a gRPC call.
    pub grpc: Option<grpc::Unary>,
    /// The side whose body the callback is about.
    pub body: Option<Side>,
    /// Heads as they were before the first edit of this visit.
    pub undo: Undo,
}

/// Calls to the outside.
#[derive(Default)]
pub(super) struct Calls {
    pub next: u32,
    /// Those under way, by token.
    pub open: HashMap<u32, Open>,
    /// Asked for in this visit.
    pub asked: Vec<Asked>,
}

/// A call under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    /// Who made it.
    pub context: u32,
    pub kind: Kind,
    /// Nobody wants to hear of it. It keeps its place until it is over.
    pub cancelled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Http,
    /// Unary.
    Grpc,
}

pub(super) struct Asked {
    pub token: u32,
    pub upstream: Arc<str>,
    pub request: Request,
    pub timeout: Duration,
}

/// What the plugin itself asked for.
#[derive(Default)]
pub(super) struct Root {
    /// `None`: no ticks.
    pub tick: Option<Duration>,
    /// The period changed since it was looked at.
    pub tick_changed: bool,
    /// Queues that it registered, with how many entries it was told of.
    pub queues: Vec<(u32, u64)>,
    /// Contexts that wait for [`Self::done`], and those that said it.
    pub closing: VecDeque<u32>,
    pub done: Vec<u32>,
    /// The root context was deleted.
    pub ended: bool,
}

impl Guest {
    pub fn stream(&self, context: u32) -> Option<&stream::Shared> {
        self.streams.get(&context)
    }

    /// The stream in whose name host calls are made.
    pub fn effective(&self) -> Option<&stream::Shared> {
        self.stream(self.scene.effective)
    }

    /// Whether the exchange at hand is that of the effective context.
    pub fn has_exchange(&self) -> bool {
        self.scene.at_hand.is_some_and(|context| context == self.scene.effective)
    }

    pub fn call_reply(&self) -> Option<&CallReply> {
        self.scene.reply.as_ref()?.as_ref().ok()
    }

    /// Which of the module's root contexts serves.
    pub fn root_id(&self) -> &str {
        self.spec.proxy_wasm.as_ref().map_or("", |declared| &declared.root_id)
    }

    pub fn grpc_message(&self) -> Option<&[u8]> {
        match &self.scene.grpc {
            Some(grpc::Unary::Message { message, .. }) => Some(message),
            _ => None,
        }
    }

    /// Whether a context was created and not deleted.
    pub fn knows(&self, context: u32) -> bool {
        context == ROOT || self.streams.contains_key(&context)
    }
}

impl Surroundings for Guest {
    fn enter(&self) -> wasmtime::Result<()> {
        Ok(self.base.enter()?)
    }

    /// Unlike elsewhere it goes on within a call: runtimes wait for it when they start.
    fn time(&self) -> Time {
        self.base.shared.sources.clock.read()
    }

    fn random(&self) -> Option<u64> {
        self.base.worker.generator.borrow_mut().next_u64()
    }

    fn print(&self, descriptor: u32, bytes: &[u8]) {
        let level = if descriptor == 1 { LogLevel::Info } else { LogLevel::Warn };
        self.lines.push(bytes, LOG_LINE_BYTES_MAX, |line| self.base.log(level, line));
    }
}

impl Drop for Guest {
    /// Nobody will answer its streams any more.
    fn drop(&mut self) {
        for stream in self.streams.values() {
            if let Ok(mut stream) = Rc::clone(stream).try_borrow_mut() {
                stream.end();
            }
        }
    }
}
