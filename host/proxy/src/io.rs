//! A socket as hyper reads and writes it, and what the traffic tells of the connection's phase.
//!
//! The phase decides which deadline applies, and when a connection is truly idle: between requests, with everything
//! flushed, so that its buffers can be given back.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::upstream::Tunnel;

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing was read since the last answer was flushed (or since the start).
    Idle,
    /// Part of a request head has come.
    Head,
    /// At least one exchange is in flight.
    Exchange,
    /// The last answer has ended, but is not flushed yet.
    Flush,
}

/// Shared by the connection's task, its socket and its exchanges.
#[derive(Debug)]
pub struct Traffic {
    pub phase: Cell<Phase>,
    pub exchanges: Cell<u32>,
    /// Exchanges so far, for who does not see each while it lasts.
    pub begun: Cell<u64>,
    /// The peer does not take what is written.
    pub blocked: Cell<bool>,
    /// Bytes moved either way; only its changes matter.
    pub progress: Cell<u64>,
    /// hyper's own answers to what it could not parse are held back: the data plane writes its own.
    pub mute: Cell<bool>,
    /// Where the bytes go once a 101 has been sent.
    pub tunnel: RefCell<Option<Tunnel>>,
}

impl Traffic {
    pub fn new() -> Rc<Self> {
        Rc::new(Self {
            phase: Cell::new(Phase::Idle),
            exchanges: Cell::new(0),
            begun: Cell::new(0),
            blocked: Cell::new(false),
            progress: Cell::new(0),
            mute: Cell::new(false),
            tunnel: RefCell::new(None),
        })
    }

    pub fn begin(&self) {
        self.exchanges.set(self.exchanges.get() + 1);
        self.begun.set(self.begun.get().wrapping_add(1));
        self.phase.set(Phase::Exchange);
    }

    pub fn end(&self) {
        let left = self.exchanges.get().saturating_sub(1);
        self.exchanges.set(left);
        if left == 0 {
            self.phase.set(Phase::Flush);
        }
    }

    fn moved(&self, bytes: usize) {
        self.progress.set(self.progress.get().wrapping_add(bytes as u64));
    }
}

/// Plain or TLS, as tokio has it.
#[derive(Debug)]
pub enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    pub fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }
}

/// A client's socket under hyper, or in a tunnel.
#[derive(Debug)]
pub struct Downstream {
    pub stream: Stream,
    pub traffic: Rc<Traffic>,
    /// Whether a shutdown goes through. Not hyper's: the connection's task takes the stream back, and may go on with it.
    pub shuts: bool,
}

impl Downstream {
    fn wrote(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.traffic.blocked.set(result.is_pending());
        if let Poll::Ready(Ok(bytes)) = &result {
            self.traffic.moved(*bytes);
        }
        result
    }

    /// Outside an exchange hyper only writes its own verdict on a head that it could not parse.
    fn muted(&self) -> bool {
        self.traffic.mute.get() && matches!(self.traffic.phase.get(), Phase::Head | Phase::Idle)
    }
}

impl AsyncRead for Downstream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        let bytes = buf.filled().len().saturating_sub(before);
        if bytes > 0 {
            this.traffic.moved(bytes);
            if this.traffic.phase.get() == Phase::Idle {
                this.traffic.phase.set(Phase::Head);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Downstream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.muted() {
            return Poll::Ready(Ok(buf.len()));
        }
        let result = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.wrote(result)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.stream).poll_flush(cx))?;
        if this.traffic.phase.get() == Phase::Flush {
            this.traffic.phase.set(Phase::Idle);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.shuts { Pin::new(&mut this.stream).poll_shutdown(cx) } else { Poll::Ready(Ok(())) }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.muted() {
            return Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()));
        }
        let result = write_gathered(Pin::new(&mut this.stream), cx, bufs);
        this.wrote(result)
    }
}

/// Writes a few small pieces as one: cheaper for the kernel than a list of them, where the copy is short.
pub fn write_gathered<W: AsyncWrite>(
    stream: Pin<&mut W>,
    cx: &mut Context<'_>,
    bufs: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    const SHORT: usize = 1024;
    if let [one] = bufs {
        return stream.poll_write(cx, one);
    }
    if bufs.iter().map(|buf| buf.len()).sum::<usize>() > SHORT {
        return stream.poll_write_vectored(cx, bufs);
    }
    let mut whole = [0; SHORT];
    let mut rest = &mut whole[..];
    for buf in bufs {
        let Some((part, after)) = std::mem::take(&mut rest).split_at_mut_checked(buf.len()) else { break };
        part.copy_from_slice(buf);
        rest = after;
    }
    let length = SHORT - rest.len();
    stream.poll_write(cx, whole.get(..length).unwrap_or(&[]))
}
