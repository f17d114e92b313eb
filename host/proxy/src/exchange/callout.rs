//! Requests that policies make on their own behalf, each in a task of the worker: to an upstream that the policy was granted,
//! within the time that it gave, and of an answer at most 1 MiB.

use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use cardea_policy::{Call, CallFailure, CallReply, CallRequest, Instances};
use http::HeaderMap;

use super::forward;
use crate::timer::Timer;
use crate::upstream::body::UpstreamBody;
use crate::upstream::{self, Trace};
use crate::worker::Worker;

const REPLY_BYTES_MAX: usize = 1 << 20;

/// Makes the calls that policies asked for in their last visit.
pub fn start(worker: &Rc<Worker>, instances: &mut Instances) {
    for call in instances.take_calls() {
        tokio::task::spawn_local(make(Rc::clone(worker), call));
    }
}

async fn make(worker: Rc<Worker>, call: Call) {
    let Call { policy, id, upstream, request, timeout } = call;
    let sent = send(&worker, &policy.name, &upstream, request, timeout);
    let reply = tokio::time::timeout(timeout, sent).await.unwrap_or(Err(CallFailure::Timeout));
    let mut instances = worker.instances.borrow_mut();
    instances.called(&policy, id, reply);
    start(&worker, &mut instances);
}

async fn send(
    worker: &Rc<Worker>,
    policy: &str,
    upstream: &str,
    request: CallRequest,
    timeout: std::time::Duration,
) -> Result<CallReply, CallFailure> {
    let pinned = worker.pin();
    let (backend, spec) = pinned.upstream(worker, policy, upstream).ok_or(CallFailure::Unreachable)?;
    let call = upstream::Call {
        worker: Rc::clone(worker),
        backend: Rc::clone(backend),
        subset: Vec::new(),
        connect_timeout: worker.settings().connect_timeout,
        request_timeout: timeout,
        timer: Timer::new(&worker.timers),
    };
    let (parts, body) = forward::with_trailers(request);
    let outgoing = forward::own(parts, spec.protocol, body);
    let mut trace = Trace::default();
    let started = upstream::start(&call, outgoing, &mut trace).map_err(|_| CallFailure::Unreachable)?;
    let answer = started.finish(&call, &mut trace).await.map_err(|_| CallFailure::Unreachable)?;
    let (body, trailers) = read(answer.body).await?;
    Ok(CallReply { status: answer.parts.status, headers: answer.parts.headers, body, trailers })
}

async fn read(mut body: UpstreamBody) -> Result<(Bytes, HeaderMap), CallFailure> {
    let (mut read, mut trailers) = (BytesMut::new(), HeaderMap::new());
    while let Some(frame) = std::future::poll_fn(|cx| body.poll_frame(cx)).await {
        match frame.map_err(|_| CallFailure::Unreachable)?.into_data() {
            Ok(data) if read.len() + data.len() > REPLY_BYTES_MAX => return Err(CallFailure::TooLarge),
            Ok(data) => read.extend_from_slice(&data),
            Err(frame) => trailers = frame.into_trailers().unwrap_or_default(),
        }
    }
    Ok((read.freeze(), trailers))
}
