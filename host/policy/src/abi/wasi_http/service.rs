//! One exchange served by a guest: what it asks of the data plane, and how it ended.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use http::Response;
use tokio::sync::mpsc::UnboundedReceiver;

use super::body::Outflow;
use super::outgoing::{Callout, Outgoing};
use crate::exchange::ReadSet;
use crate::failure::Failure;

/// Of standard error, kept for the text of a trap.
const WORDS_BYTES_MAX: usize = 300;

/// What a guest asks for.
#[derive(Debug)]
pub enum Event {
    /// It reads the request's body: feed it. From here on, nobody else can have it.
    WantsBody,
    /// It sends the exchange on: to the rest of the chain, and the backend. At most once.
    Forward(Outgoing),
    /// It asks a Service.
    Callout(Callout),
    /// Its answer. The body comes while the guest goes on.
    Reply(Response<Outflow>),
}

/// The data plane's end of an exchange that a guest serves.
pub struct Service {
    pub(super) events: UnboundedReceiver<Event>,
    pub(super) fate: Arc<Fate>,
}

impl Service {
    /// What the guest asks for next; how it ended, if it asks for nothing more.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, Failure>> {
        Poll::Ready(match std::task::ready!(self.events.poll_recv(cx)) {
            Some(event) => Ok(event),
            None => Err(self.fate.failure().unwrap_or(Failure::NoAnswer(String::from("returned without an answer")))),
        })
    }

    /// CPU time that the guest has had, and what it asked.
    pub fn spent(&self) -> (u64, ReadSet) {
        (self.fate.burst.total(), self.fate.looked())
    }

    pub(crate) fn lines_dropped(&self) -> u32 {
        self.fate.lines_dropped()
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

/// What becomes of a guest, as all that it left behind see it.
pub(super) struct Fate {
    pub burst: super::burst::Burst,
    failure: Mutex<Option<Failure>>,
    /// The first words on standard error.
    words: Mutex<Vec<u8>>,
    looked: Mutex<ReadSet>,
    lines: AtomicU32,
    lines_dropped: AtomicU32,
}

impl Fate {
    pub fn new(burst: super::burst::Burst) -> Self {
        let (lines, lines_dropped) = (AtomicU32::new(0), AtomicU32::new(0));
        let (failure, words, looked) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { burst, failure, words, looked, lines, lines_dropped }
    }

    /// What the guest has looked at so far.
    pub fn looked(&self) -> ReadSet {
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn look(&self, looked: ReadSet) {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner).add(&looked);
    }

    pub fn failure(&self) -> Option<Failure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Before anything of the guest is dropped, so that its bodies know why they end.
    pub fn failed(&self, failure: Failure) {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&words);
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let failure = failure.saying((!words.is_empty()).then_some(words));
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
    }

    pub fn said(&self, bytes: &[u8]) {
        let mut words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        let room = WORDS_BYTES_MAX.saturating_sub(words.len());
        words.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// Counts a line of the log; says which one it is.
    pub fn count_line(&self) -> u32 {
        self.lines.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub fn drop_line(&self) {
        self.lines_dropped.fetch_add(1, Ordering::Relaxed);
    }

    pub fn lines_dropped(&self) -> u32 {
        self.lines_dropped.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fate").field("failure", &self.failure).finish_non_exhaustive()
    }
}
