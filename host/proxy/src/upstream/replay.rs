//! A second try on a new connection: the head is read back from the bytes that went out on the first.
//!
//! Remembering bytes that are written anyway costs next to nothing; copying every request in case its connection dies would
//! cost as much as routing it.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use http::header::{HeaderName, HeaderValue};
use http::{Method, Request, Uri};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::body::Outbound;
use crate::io::write_gathered;

/// A backend's socket, which can remember what is written.
#[derive(Debug)]
pub struct Socket {
    pub stream: TcpStream,
    memory: Rc<Memory>,
}

/// What a socket remembers; the connection's holder looks at it.
#[derive(Debug, Default)]
pub struct Memory {
    remembers: Cell<bool>,
    written: RefCell<Vec<u8>>,
    /// Something was read since the last request: too late for a second try.
    answered: Cell<bool>,
}

/// A head longer than this is not remembered, so not tried again.
const REMEMBERED_BYTES_MAX: usize = 64 << 10;

impl Memory {
    /// Begins a request; `remember` it where it could be repeated.
    pub fn begin(&self, remember: bool) {
        self.remembers.set(remember);
        self.answered.set(false);
        self.written.borrow_mut().clear();
    }

    /// The request that was written, if it may be written again.
    pub fn replay(&self) -> Option<Request<Outbound>> {
        if !self.remembers.get() || self.answered.get() {
            return None;
        }
        read_back(&self.written.borrow())
    }

    /// What the socket took of the bytes it was offered. An error took nothing, but the head may still be repeated as it
    /// was meant.
    fn wrote<'a>(&self, offered: impl Iterator<Item = &'a [u8]>, result: &Poll<io::Result<usize>>) {
        let mut taken = match result {
            Poll::Ready(Ok(taken)) => *taken,
            Poll::Pending => 0,
            Poll::Ready(Err(_)) => usize::MAX,
        };
        let mut written = self.written.borrow_mut();
        for bytes in offered {
            let bytes = bytes.get(..taken.min(bytes.len())).unwrap_or(bytes);
            written.extend_from_slice(bytes);
            taken -= bytes.len();
        }
        if written.len() > REMEMBERED_BYTES_MAX {
            self.remembers.set(false);
            *written = Vec::new();
        }
    }
}

impl Socket {
    pub fn new(stream: TcpStream) -> (Self, Rc<Memory>) {
        let memory = Rc::new(Memory::default());
        (Self { stream, memory: Rc::clone(&memory) }, memory)
    }
}

/// Reads a head as hyper wrote it.
fn read_back(bytes: &[u8]) -> Option<Request<Outbound>> {
    let mut fields = [httparse::EMPTY_HEADER; 256];
    let mut head = httparse::Request::new(&mut fields);
    if !head.parse(bytes).ok()?.is_complete() {
        return None;
    }
    let mut request = Request::new(Outbound::Empty);
    *request.method_mut() = Method::from_bytes(head.method?.as_bytes()).ok()?;
    *request.uri_mut() = head.path?.parse::<Uri>().ok()?;
    for field in head.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
        request.headers_mut().append(name, HeaderValue::from_bytes(field.value).ok()?);
    }
    Some(request)
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            this.memory.answered.set(true);
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let wrote = Pin::new(&mut this.stream).poll_write(cx, buf);
        if this.memory.remembers.get() {
            this.memory.wrote(std::iter::once(buf), &wrote);
        }
        wrote
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let wrote = write_gathered(Pin::new(&mut this.stream), cx, bufs);
        if this.memory.remembers.get() {
            this.memory.wrote(bufs.iter().map(|buf| &**buf), &wrote);
        }
        wrote
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
