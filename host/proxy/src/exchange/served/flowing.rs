//! The body of a guest's answer, on its way to the client while the guest goes on.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use cardea_policy::{Outflow, Service};
use http_body::Frame;

use super::guest::Tasks;
use crate::exchange::reply::Pause;
use crate::failure::Failure;

/// The body of a guest's answer, with all that must live until it ends.
pub struct Flowing {
    pub body: Outflow,
    pub pause: Pause,
    pub name: Arc<str>,
    pub _tasks: Tasks,
    pub _service: Service,
}

impl Flowing {
    pub fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let failed = |failure| Failure::Policy(Arc::clone(&self.name), failure);
        match self.body.poll_piece(cx) {
            Poll::Ready(frame) => {
                self.pause.end();
                Poll::Ready(frame.map(|frame| frame.map_err(failed)))
            }
            Poll::Pending => self.pause.poll(cx).map(|()| Some(Err(failed(cardea_policy::Failure::Deadline)))),
        }
    }

    pub fn is_end_stream(&self) -> bool {
        self.body.is_ended()
    }

    pub fn length(&self) -> Option<u64> {
        self.body.length()
    }
}
