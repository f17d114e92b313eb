//! One exchange's context in a VM: how far each side is, what is held, and what was asked of it.
//!
//! Shared by the session and the VM, which may end before it: then the stream is `gone`.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::abi::proxy_wasm::body::Body;
use crate::abi::proxy_wasm::guest::Kind;
use crate::abi::{CallFailure, CallReply, Side};
use crate::outcome::Reply;

pub(super) type Shared = Rc<RefCell<Stream>>;
pub(super) type CallResult = Result<CallReply, CallFailure>;

/// What became of a call.
#[derive(Debug)]
pub(super) struct Answer {
    pub token: u32,
    pub kind: Kind,
    pub result: CallResult,
}

#[derive(Debug, Default)]
pub(super) struct Stream {
    request: Half,
    response: Half,
    /// A local reply that was not taken yet.
    pub reply: Option<Box<Reply>>,
    /// Backend that the guest chose, by name.
    pub route: Option<String>,
    /// What became of its calls; the guest hears of it when its exchange is at hand.
    pub inbox: VecDeque<Answer>,
    /// Its calls that are under way.
    pub calls: u32,
    /// The client speaks gRPC, and is replied to so.
    pub is_grpc: bool,
    /// Its VM ended.
    pub gone: bool,
}

#[derive(Debug, Default)]
pub(super) struct Half {
    pub stage: Stage,
    /// The guest asked that it goes on.
    pub continued: bool,
    /// All of the body came.
    pub ended: bool,
    /// Some of the body came.
    pub begun: bool,
    pub body: Body,
    /// A callback about the body asked for its bytes.
    pub looked: bool,
    waker: Option<Waker>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The head was not let go yet, and is with the guest or not there.
    #[default]
    Head,
    /// The guest paused at the head.
    Paused(Wait),
    /// The head is gone; the body streams.
    Open,
    /// The guest paused at the body. Whether the head waits with it.
    Held { head: bool },
}

/// What a guest that paused at the head waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// Only to be continued. It hears of no body before that: something of the outside is to decide.
    Continue,
    /// It hears of the body meanwhile, and may let the head go there.
    Body,
}

impl Stream {
    pub fn half(&self, side: Side) -> &Half {
        match side {
            Side::Request => &self.request,
            Side::Response => &self.response,
        }
    }

    pub fn half_mut(&mut self, side: Side) -> &mut Half {
        match side {
            Side::Request => &mut self.request,
            Side::Response => &mut self.response,
        }
    }

    /// Whether edits of that head still matter.
    pub fn has_head(&self, side: Side) -> bool {
        matches!(self.half(side).stage, Stage::Head | Stage::Paused(_) | Stage::Held { head: true })
    }

    /// Lets a side go on.
    pub fn go_on(&mut self, side: Side) {
        self.half_mut(side).continued = true;
        self.wake();
    }

    /// A call of it is over.
    pub fn post(&mut self, answer: Answer) {
        self.calls = self.calls.saturating_sub(1);
        self.inbox.push_back(answer);
        self.wake();
    }

    pub fn end(&mut self) {
        self.gone = true;
        self.wake();
    }

    pub fn wake(&mut self) {
        for half in [&mut self.request, &mut self.response] {
            if let Some(waker) = half.waker.take() {
                waker.wake();
            }
        }
    }

    pub fn poll(&mut self, cx: &mut Context<'_>, side: Side) -> Poll<()> {
        if self.gone || self.reply.is_some() || !self.inbox.is_empty() || self.half(side).continued {
            return Poll::Ready(());
        }
        self.half_mut(side).waker = Some(cx.waker().clone());
        Poll::Pending
    }
}
