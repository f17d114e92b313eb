//! HTTP/1.1 to an endpoint: a connection is driven by the exchange that holds it, and rests in the endpoint's pool.
//!
//! Driving it in place, not in a task of its own, saves two wake-ups a request; and dropping an exchange closes its
//! connection at once. Nobody watches a resting connection: whether it still lives is asked when it is taken, which costs
//! no system call. Heads are written and read here rather than by hyper's client: its way of a request through a channel
//! cost a third of the instructions of a whole exchange. Parsing is httparse's, which hyper has, too.

mod chunked;
mod head;
mod message;

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use http_body::{Body, Frame};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::net::TcpStream;

use super::body::{UpstreamBody, Wait};
use super::pick::{Endpoint, Entered};
use super::{Answer, Attempt, Call, Outgoing, Tunnel, connect};
use crate::failure::Failure;
use crate::io::write_gathered;
use crate::worker;
use chunked::{Chunked, Read};
use head::{Framing, Head};
use message::Piece;
pub use message::{Added, Message};

/// What is read at once: mostly a whole answer; and of a long body.
pub const READ_BYTES: usize = 8 << 10;
const READ_LONG_BYTES: usize = 64 << 10;

/// One connection.
pub struct Http1 {
    stream: TcpStream,
    /// Read, and not understood yet.
    read: Bytes,
    head_bytes_max: usize,
    /// The request in flight, or the last one.
    message: Option<Box<Message>>,
    /// Of the message's body, what is being written.
    piece: Piece,
    /// How much of the head and the piece is.
    written: usize,
    head_written: bool,
    /// Nothing more can be written. An answer may still come, but no other after it.
    deaf: bool,
    /// A byte was read since the message began.
    answered: bool,
    framing: Framing,
    keeps_alive: bool,
    /// Milliseconds of the worker's clock when it began to rest.
    pub idle_since: u64,
}

/// Why there is no answer.
enum Fault {
    /// Nothing of the request has left.
    Unsent(io::Error),
    /// The connection ended, or broke.
    Reset(String),
    Malformed(String),
    /// The client's body broke off.
    Upload,
}

impl Http1 {
    async fn open(call: &Call, endpoint: &Endpoint) -> Result<Box<Self>, Failure> {
        let stream = connect(call, endpoint).await?;
        Ok(Box::new(Self {
            stream,
            read: Bytes::new(),
            head_bytes_max: call.settings().header_bytes_max * 4,
            message: None,
            piece: Piece::default(),
            written: 0,
            head_written: false,
            deaf: false,
            answered: false,
            framing: Framing::Length(0),
            keeps_alive: true,
            idle_since: 0,
        }))
    }

    /// Whether a resting connection is still open, as far as the socket has told: nothing may have come on it.
    pub fn is_usable(&self) -> bool {
        let silent = |error: io::Error| error.kind() == io::ErrorKind::WouldBlock;
        self.stream.try_read(&mut [0]).is_err_and(silent)
    }

    fn begin(&mut self, message: Box<Message>) {
        self.message = Some(message);
        self.written = 0;
        self.head_written = false;
        self.answered = false;
    }

    /// Writes the request as far as it goes; ready once nothing is left to write.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        loop {
            if self.deaf || self.is_sent() {
                return Poll::Ready(Ok(()));
            }
            if self.piece.is_empty() {
                match self.poll_piece(cx) {
                    Poll::Pending if self.head_written => return Poll::Pending,
                    // The head need not wait for the body.
                    Poll::Pending => {}
                    Poll::Ready(result) => result?,
                }
            }
            ready!(self.poll_write(cx))?;
        }
    }

    fn is_sent(&self) -> bool {
        self.head_written && self.piece.is_empty() && self.message.as_ref().is_none_or(|message| message.is_whole())
    }

    /// Takes the next piece of the body from the client.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        let Some(message) = self.message.as_mut().filter(|message| !message.is_whole()) else {
            return Poll::Ready(Ok(()));
        };
        let frame = match ready!(Pin::new(&mut message.body).poll_frame(cx)) {
            Some(Err(_)) => {
                self.deaf = true;
                return Poll::Ready(Err(Fault::Upload));
            }
            Some(Ok(frame)) => Some(frame),
            None => None,
        };
        message.untouched = false;
        let piece = match frame.map(Frame::into_data) {
            Some(Ok(data)) => message.data(data),
            Some(Err(frame)) => message.end(&frame.into_trailers().unwrap_or_default()),
            None => message.end(&HeaderMap::new()),
        };
        match piece {
            Ok(piece) => self.piece = piece,
            // hyper holds clients to their length; a source that does not must not frame the next request.
            Err(message::WrongLength) => {
                self.deaf = true;
                return Poll::Ready(Err(Fault::Upload));
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Writes the head, if it is still due, and the piece at hand.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        loop {
            let head: &[u8] = match &self.message {
                Some(message) if !self.head_written => &message.head,
                _ => &[],
            };
            let mut skip = self.written;
            let parts = [head, &self.piece.before, &self.piece.data, self.piece.after].map(|part| {
                let skipped = skip.min(part.len());
                skip -= skipped;
                IoSlice::new(part.get(skipped..).unwrap_or(&[]))
            });
            if parts.iter().all(|part| part.is_empty()) {
                self.head_written = true;
                self.written = 0;
                self.piece = Piece::default();
                return Poll::Ready(Ok(()));
            }
            let wrote = match parts.split_first() {
                Some((one, rest)) if rest.iter().all(|part| part.is_empty()) => {
                    write_gathered(Pin::new(&mut self.stream), cx, std::slice::from_ref(one))
                }
                _ => write_gathered(Pin::new(&mut self.stream), cx, &parts),
            };
            match ready!(wrote) {
                Ok(bytes) if bytes > 0 => self.written += bytes,
                result => {
                    self.deaf = true;
                    let error = result.err().unwrap_or_else(|| io::ErrorKind::WriteZero.into());
                    return Poll::Ready(self.unwritable(error));
                }
            }
        }
    }

    /// What a failed write means: a request of which nothing has left may be sent elsewhere; of others an answer may be here
    /// already, such as the refusal of a body.
    fn unwritable(&self, error: io::Error) -> Result<(), Fault> {
        let untouched = self.message.as_ref().is_some_and(|message| message.untouched);
        if !self.head_written && self.written == 0 && untouched { Err(Fault::Unsent(error)) } else { Ok(()) }
    }

    /// Sends, and reads the answer's head.
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<Head, Fault>> {
        if let Poll::Ready(Err(fault)) = self.poll_send(cx) {
            return Poll::Ready(Err(fault));
        }
        let bodiless = self.message.as_ref().is_some_and(|message| message.asks_head_alone);
        loop {
            let before = self.read.len();
            match ready!(self.poll_read(cx, READ_BYTES)) {
                Ok(0) if self.answered => return Poll::Ready(Err(Fault::Reset("closed within a head".into()))),
                Ok(0) => return Poll::Ready(Err(Fault::Reset("closed before an answer".into()))),
                Ok(_) => self.answered = true,
                Err(error) => return Poll::Ready(Err(Fault::Reset(error.to_string()))),
            }
            // Without the end of a line there is no end of a head: what drips in is not parsed for each byte.
            if !self.read.get(before..).is_some_and(|new| new.contains(&b'\n')) && self.read.len() < self.head_bytes_max
            {
                continue;
            }
            match head::read(&mut self.read, bodiless, self.head_bytes_max) {
                Ok(None) => {}
                Ok(Some(head)) => {
                    self.framing = head.framing;
                    self.keeps_alive = head.keeps_alive;
                    return Poll::Ready(Ok(head));
                }
                Err(malformed) => return Poll::Ready(Err(Fault::Malformed(malformed.to_string()))),
            }
        }
    }

    /// Adds to what is read; gives the number of bytes, 0 at the end.
    fn poll_read(&mut self, cx: &mut Context<'_>, room: usize) -> Poll<io::Result<usize>> {
        if room > READ_BYTES {
            return self.poll_read_long(cx, room);
        }
        let Self { stream, read, .. } = self;
        // Into a buffer of the worker's, and from there just as many bytes as came: a block that large for each answer
        // costs the allocator more than the copy costs us.
        let polled = worker::with(|worker| {
            let mut buffer = worker.read_buffer.borrow_mut();
            let mut buffer = ReadBuf::new(buffer.get_mut(..room).unwrap_or(&mut []));
            ready!(Pin::new(stream).poll_read(cx, &mut buffer))?;
            let new = buffer.filled();
            *read = if read.is_empty() { Bytes::copy_from_slice(new) } else { Bytes::from([&read[..], new].concat()) };
            Poll::Ready(Ok(new.len()))
        });
        polled.unwrap_or_else(|| Poll::Ready(Err(io::ErrorKind::Other.into())))
    }

    /// Of a long body: straight into bytes that go on as they are.
    fn poll_read_long(&mut self, cx: &mut Context<'_>, room: usize) -> Poll<io::Result<usize>> {
        ready!(self.stream.poll_read_ready(cx))?;
        let mut read = BytesMut::from(std::mem::take(&mut self.read));
        read.reserve(room);
        let polled = pin!(self.stream.read_buf(&mut read)).poll(cx);
        if !read.is_empty() {
            self.read = read.freeze();
        }
        polled
    }

    /// The next piece of the answer's body. What is left of the request goes on being sent.
    pub fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        if !self.is_sent() {
            // What went wrong there ends the connection with the answer, not the answer.
            let _ = self.poll_send(cx);
        }
        loop {
            if let Some(next) = self.next() {
                return Poll::Ready(next);
            }
            let room = match self.framing {
                Framing::Length(left) => usize::try_from(left).unwrap_or(usize::MAX).clamp(READ_BYTES, READ_LONG_BYTES),
                Framing::Chunked(_) | Framing::Close => READ_LONG_BYTES,
            };
            match ready!(self.poll_read(cx, room)) {
                Ok(0) if self.framing == Framing::Close => self.framing = Framing::Length(0),
                Ok(0) => return Poll::Ready(Some(Err(Failure::UpstreamReset("closed within a body".into())))),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Some(Err(Failure::UpstreamReset(error.to_string())))),
            }
        }
    }

    /// What the bytes at hand give of the body; `None` if more are needed.
    fn next(&mut self) -> Option<Option<Result<Frame<Bytes>, Failure>>> {
        if self.is_ended() {
            return Some(None);
        }
        match &mut self.framing {
            _ if self.read.is_empty() => None,
            Framing::Close => Some(Some(Ok(Frame::data(std::mem::take(&mut self.read))))),
            Framing::Length(left) => {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(self.read.len());
                *left -= here as u64;
                Some(Some(Ok(Frame::data(self.read.split_to(here)))))
            }
            Framing::Chunked(chunked) => match chunked.read(&mut self.read) {
                Ok(Read::Data(data)) => Some(Some(Ok(Frame::data(data)))),
                Ok(Read::Trailers(trailers)) => Some(Some(Ok(Frame::trailers(trailers)))),
                Ok(Read::End) => Some(None),
                Ok(Read::More) => None,
                Err(malformed) => Some(Some(Err(Failure::UpstreamProtocol(malformed.to_string())))),
            },
        }
    }

    /// All of the body was given.
    pub fn is_ended(&self) -> bool {
        matches!(self.framing, Framing::Length(0) | Framing::Chunked(Chunked::End))
    }

    /// Bytes of the body still to come, where the answer told.
    pub const fn length(&self) -> Option<u64> {
        match self.framing {
            Framing::Length(left) => Some(left),
            Framing::Chunked(_) | Framing::Close => None,
        }
    }

    /// Whether another request may follow this one.
    pub fn can_rest(&self) -> bool {
        self.keeps_alive && !self.deaf && self.is_sent() && self.is_ended() && self.read.is_empty()
    }

    /// Lets go of what a resting connection does not need.
    pub fn rest(&mut self, now_ms: u64) {
        self.idle_since = now_ms;
        self.message = None;
        self.read = Bytes::new();
    }

    /// The socket, after a 101, and what came after it.
    pub fn into_tunnel(self) -> Tunnel {
        Tunnel { stream: self.stream, read: self.read }
    }
}

/// A request that was handed to a connection.
pub struct Flight {
    held: Box<Http1>,
    entered: Entered,
    /// The connection has carried another request before.
    reused: bool,
}

impl Flight {
    pub fn new(mut held: Box<Http1>, endpoint: &Rc<Endpoint>, message: Box<Message>, reused: bool) -> Self {
        held.begin(message);
        Self { held, entered: Entered::new(endpoint), reused }
    }

    /// Waits for the head of the answer, driving the connection.
    pub async fn land(self, call: &Call) -> Result<Answer, Attempt> {
        let Self { mut held, entered, reused } = self;
        let mut wait = Wait::new(call, held.message.as_ref().and_then(|message| message.body.upload()));
        let landed = std::future::poll_fn(|cx| match held.poll_answer(cx) {
            Poll::Ready(result) => Poll::Ready(Ok(result)),
            Poll::Pending => wait.poll(cx).map(Err),
        })
        .await;
        match landed {
            Ok(Ok(head)) => Ok(answer(head, held, entered)),
            Ok(Err(fault)) => Err(wait.fault().map_or_else(|| judge(fault, *held, reused), Attempt::Final)),
            Err(late) => Err(Attempt::Final(late)),
        }
    }
}

/// One try on one endpoint: on a resting connection, or (`fresh`, or none rests) on a new one.
pub async fn attempt(
    call: &Call,
    endpoint: &Rc<Endpoint>,
    message: Box<Message>,
    fresh: bool,
) -> Result<Answer, Attempt> {
    let rested = if fresh { None } else { endpoint.take() };
    let reused = rested.is_some();
    let held = match rested {
        Some(http1) => http1,
        None => match Http1::open(call, endpoint).await {
            Ok(http1) => http1,
            Err(failure) => return Err(Attempt::Again(Outgoing::Http1(message), failure)),
        },
    };
    Flight::new(held, endpoint, message, reused).land(call).await
}

fn answer(head: Head, held: Box<Http1>, entered: Entered) -> Answer {
    let endpoint = entered.keep();
    if head.parts.status == StatusCode::SWITCHING_PROTOCOLS {
        return Answer { parts: head.parts, body: UpstreamBody::none(endpoint), upgraded: Some(held) };
    }
    Answer { parts: head.parts, body: UpstreamBody::own(held, endpoint), upgraded: None }
}

/// Whether a failed try may be repeated.
fn judge(fault: Fault, held: Http1, reused: bool) -> Attempt {
    let (unsent, failure) = match fault {
        Fault::Malformed(why) => return Attempt::Final(Failure::UpstreamProtocol(why)),
        Fault::Unsent(error) => (true, Failure::UpstreamReset(error.to_string())),
        Fault::Reset(why) => (false, Failure::UpstreamReset(why)),
        Fault::Upload => (false, Failure::UpstreamReset("the request's body broke off".into())),
    };
    match held.message {
        Some(message) if unsent || reused && message.repeatable && !held.answered => {
            Attempt::Again(Outgoing::Http1(message), failure)
        }
        _ => Attempt::Final(failure),
    }
}
