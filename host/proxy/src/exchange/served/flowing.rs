//! The body of a guest's answer, on its way to the client while the guest goes on.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use cardea_policy::{Event, Outflow, Unanswered};
use http_body::Frame;

use super::guest::Guest;
use crate::exchange::policies::Policies;
use crate::exchange::reply::Pause;
use crate::failure::Failure;

/// The body of a guest's answer, and the guest, which lives until it ends.
pub struct Flowing {
    pub body: Outflow,
    pub pause: Pause,
    pub guest: Guest,
    pub policies: Rc<RefCell<Policies>>,
}

impl Flowing {
    pub fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        self.attend(cx);
        match self.body.poll_piece(cx) {
            Poll::Ready(frame) => {
                self.pause.end();
                self.policies.borrow_mut().run.went_on(self.guest.member, &self.guest.service);
                Poll::Ready(frame.map(|frame| frame.map_err(|failure| self.failed(failure))))
            }
            Poll::Pending => self.pause.poll(cx).map(|()| Some(Err(self.failed(cardea_policy::Failure::Deadline)))),
        }
    }

    /// A guest that has answered may still read its request, and ask Services; there is no way on any more.
    fn attend(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(Ok(event)) = self.guest.poll(cx) {
            if let Event::Forward(outgoing) = event {
                outgoing.take().1.fail(Unanswered::Denied);
            }
        }
    }

    fn failed(&self, failure: cardea_policy::Failure) -> Failure {
        Failure::Policy(self.policies.borrow().name(self.guest.member), failure)
    }

    pub fn is_end_stream(&self) -> bool {
        self.body.is_ended()
    }

    pub fn length(&self) -> Option<u64> {
        self.body.length()
    }
}
