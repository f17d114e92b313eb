//! One exchange's stay in a VM: heads, bodies and trailers go to the guest, and what it says becomes what happens to them.
//!
//! Each call first tells the guest what became of its calls to the outside, since now its exchange is at hand.

use std::cell::RefMut;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;

use crate::abi::proxy_wasm::functions::Action;
use crate::abi::proxy_wasm::grpc;
use crate::abi::proxy_wasm::home::{Home, gone};
use crate::abi::proxy_wasm::stream::{self, Half, Stage, Stream, Wait};
use crate::abi::proxy_wasm::vm::Vm;
use crate::abi::{BodyFlow, Flow, Session, Side, Turn};
use crate::failure::Failure;
use crate::outcome::{Reply, Summary, Target};

pub(super) struct Stay {
    home: Rc<Home>,
    stream: stream::Shared,
    /// Since the first visit.
    context: Option<u32>,
    closed: bool,
    hears: [bool; 2],
    body_bytes_max: usize,
}

impl Stay {
    /// In a VM that is awake.
    pub fn new(home: &Rc<Home>, body_bytes_max: usize) -> Self {
        let (home, hears) = (Rc::clone(home), home.loaded.hears_body);
        Self { home, stream: stream::Shared::default(), context: None, closed: false, hears, body_bytes_max }
    }

    /// Runs callbacks with the exchange at hand. A stream whose VM is gone has failed, with whatever comes next.
    fn visit<R>(
        &mut self,
        turn: &mut Turn<'_>,
        visit: impl FnOnce(&mut Vm, u32) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        if self.stream()?.gone {
            return Err(gone());
        }
        let stream = Rc::clone(&self.stream);
        let is_new = self.context.is_none();
        let context = match self.context {
            Some(context) => context,
            None => {
                self.stream()?.is_grpc = grpc::is_grpc(&turn.exchange.request.headers);
                self.home.open(&stream).ok_or_else(gone)?
            }
        };
        self.context = Some(context);
        self.home.visit(turn, context, |vm| {
            if is_new {
                vm.on_context_create(context)?;
            }
            vm.hear_of_calls(&stream)?;
            visit(vm, context)
        })
    }

    /// The same for a callback that says how to go on. Once the guest has replied, it is not asked.
    fn ask(
        &mut self,
        turn: &mut Turn<'_>,
        ask: impl FnOnce(&mut Vm, u32) -> Result<Action, Failure>,
    ) -> Result<Action, Failure> {
        let stream = Rc::clone(&self.stream);
        self.visit(turn, |vm, context| match stream.try_borrow().is_ok_and(|stream| stream.reply.is_some()) {
            true => Ok(Action::Pause),
            false => ask(vm, context),
        })
    }

    /// Never borrowed across a guest call, so it is always there.
    fn stream(&self) -> Result<RefMut<'_, Stream>, Failure> {
        self.stream.try_borrow_mut().map_err(|_| Failure::Trap(String::from("its stream is in use")))
    }

    fn reply(&self) -> Result<Option<Box<Reply>>, Failure> {
        Ok(self.stream()?.reply.take())
    }

    /// What becomes of a head, by what the guest said.
    fn head_flow(&self, turn: &mut Turn<'_>, side: Side, action: Action) -> Result<Flow, Failure> {
        let mut stream = self.stream()?;
        if let Some(reply) = stream.reply.take() {
            return Ok(Flow::Reply(reply));
        }
        let route = stream.route.take();
        let has_calls = stream.calls > 0;
        let half = stream.half_mut(side);
        let continued = std::mem::take(&mut half.continued);
        half.stage = match action {
            Action::Continue => Stage::Open,
            _ if continued => Stage::Open,
            Action::Pause if !has_calls && self.hears(side) => Stage::Paused(Wait::Body),
            Action::Pause | Action::Stop => Stage::Paused(Wait::Continue),
        };
        let paused = half.stage != Stage::Open;
        match route.filter(|_| side == Side::Request) {
            Some(route) => routed(turn, &route, paused),
            None if paused => Ok(Flow::Pause),
            None => Ok(Flow::Continue),
        }
    }

    fn hears(&self, side: Side) -> bool {
        let [request, response] = self.hears;
        if side == Side::Request { request } else { response }
    }

    /// What becomes of a body after a callback about it.
    fn body_flow(&self, side: Side, action: Action) -> Result<BodyFlow, Failure> {
        let mut stream = self.stream()?;
        if let Some(reply) = stream.reply.take() {
            return Ok(BodyFlow::Reply(reply));
        }
        let has_calls = stream.calls > 0;
        let half = stream.half_mut(side);
        let continued = std::mem::take(&mut half.continued);
        let goes_on = match half.stage {
            // The head goes where the guest was shown the body, looked at it, and let it go: a callback that only lets
            // everything through decides nothing.
            Stage::Paused(_) => continued || (action == Action::Continue && half.looked && !has_calls),
            _ => continued || action == Action::Continue,
        };
        if goes_on {
            half.stage = Stage::Open;
            return Ok(BodyFlow::Send(half.body.send()));
        }
        if !matches!(half.stage, Stage::Paused(_)) {
            half.stage = Stage::Held { head: matches!(half.stage, Stage::Head | Stage::Held { head: true }) };
        }
        hold(half, self.body_bytes_max)
    }

    /// Lets a head or body go that the guest continued. A body that came while the guest waited is shown to it first.
    fn release(&mut self, turn: &mut Turn<'_>, side: Side) -> Result<BodyFlow, Failure> {
        let (unseen, size, ended) = {
            let mut stream = self.stream()?;
            let half = stream.half_mut(side);
            half.continued = false;
            let unseen = half.stage == Stage::Paused(Wait::Continue) && half.begun;
            half.stage = if unseen { Stage::Head } else { Stage::Open };
            (unseen, half.body.len(), half.ended)
        };
        if !unseen {
            return Ok(BodyFlow::Send(self.stream()?.half_mut(side).body.send()));
        }
        let action = self.ask(turn, |vm, context| vm.on_body(context, side, size, ended))?;
        self.body_flow(side, action)
    }
}

/// Holds what is there, within the policy's limit.
fn hold(half: &mut Half, most: usize) -> Result<BodyFlow, Failure> {
    if half.body.hold(most) { Ok(BodyFlow::Hold) } else { Err(Failure::BodyOverflow) }
}

/// The backend that the guest chose. A head that is paused too keeps waiting: it is chosen already.
fn routed(turn: &mut Turn<'_>, route: &str, paused: bool) -> Result<Flow, Failure> {
    if !(turn.allowed)(route) {
        return Err(Failure::UnknownBackend(route.to_owned()));
    }
    if paused {
        return Err(Failure::OutcomeInvalid(String::from("a request that is paused cannot be routed")));
    }
    let backend: Arc<str> = Arc::from(route);
    turn.exchange.backend = Some(Arc::clone(&backend));
    Ok(Flow::Route(Target::Backend(backend)))
}

impl Session for Stay {
    fn on_head(&mut self, turn: &mut Turn<'_>, side: Side) -> Result<Flow, Failure> {
        let end = match side {
            Side::Request => turn.exchange.ended,
            Side::Response => turn.exchange.response.as_ref().is_none_or(|head| head.ended),
        };
        self.stream()?.half_mut(side).continued = false;
        let action = self.ask(turn, |vm, context| vm.on_headers(context, side, end))?;
        self.head_flow(turn, side, action)
    }

    fn wants_body(&self, side: Side) -> bool {
        self.hears(side)
    }

    /// Not while it waits for the outside alone.
    fn takes_body(&self, side: Side) -> bool {
        self.stream.try_borrow().is_ok_and(|stream| stream.half(side).stage != Stage::Paused(Wait::Continue))
    }

    fn on_body(&mut self, turn: &mut Turn<'_>, side: Side, bytes: Bytes, end: bool) -> Result<BodyFlow, Failure> {
        let (size, waits) = {
            let mut stream = self.stream()?;
            let half = stream.half_mut(side);
            half.begun = true;
            half.ended |= end;
            half.body.give(bytes);
            (half.body.len(), half.stage == Stage::Paused(Wait::Continue))
        };
        if waits {
            return hold(self.stream()?.half_mut(side), self.body_bytes_max);
        }
        let result = self.ask(turn, |vm, context| vm.on_body(context, side, size, end));
        let flow = result.and_then(|action| self.body_flow(side, action));
        if flow.is_err() {
            self.stream()?.half_mut(side).body.forget_call();
        }
        flow
    }

    fn on_trailers(&mut self, turn: &mut Turn<'_>, side: Side, fields: &mut HeaderMap) -> Result<BodyFlow, Failure> {
        let waits = {
            let mut stream = self.stream()?;
            let half = stream.half_mut(side);
            half.ended = true;
            half.stage == Stage::Paused(Wait::Continue)
        };
        if waits {
            return Ok(BodyFlow::Hold);
        }
        let action = self.ask(turn, |vm, context| vm.on_trailers(context, side, fields))?;
        self.body_flow(side, action)
    }

    fn poll_resumed(&mut self, cx: &mut Context<'_>, side: Side) -> Poll<()> {
        match self.stream.try_borrow_mut() {
            Ok(mut stream) => stream.poll(cx, side),
            Err(_) => Poll::Pending,
        }
    }

    fn resume(&mut self, turn: &mut Turn<'_>, side: Side) -> Result<BodyFlow, Failure> {
        self.visit(turn, |_, _| Ok(()))?;
        if let Some(reply) = self.reply()? {
            return Ok(BodyFlow::Reply(reply));
        }
        let continued = self.stream()?.half(side).continued;
        if continued { self.release(turn, side) } else { Ok(BodyFlow::Hold) }
    }

    fn take_held(&mut self, side: Side) -> Bytes {
        self.stream.try_borrow_mut().map(|mut stream| stream.half_mut(side).body.take_held()).unwrap_or_default()
    }

    /// A stream that failed before has nothing to end.
    fn on_complete(&mut self, turn: &mut Turn<'_>, _summary: &Summary) -> Result<(), Failure> {
        self.closed = true;
        let is_gone = self.stream.try_borrow().map_or(true, |stream| stream.gone);
        if is_gone || self.context.is_none() {
            return Ok(());
        }
        self.visit(turn, |vm, context| vm.close(context))
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        if let (false, Some(context)) = (self.closed, self.context) {
            self.home.forsake(context, &self.stream);
        }
    }
}
