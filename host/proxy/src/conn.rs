//! One client connection: its protocol, its deadlines, and its end.
//!
//! Every wait here has a deadline. A connection that rests between requests gives its buffers back after a moment and
//! then costs a socket and a small task.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use cardea_policy::Peer;
use http::Request;
use http::header::HeaderValue;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::exchange::{self, reply::ReplyBody};
use crate::io::{Downstream, Phase, Stream, Traffic};
use crate::timer::Timer;
use crate::worker::{LocalExecutor, Worker};

mod proxied;
mod refuse;
mod tunnel;

/// A connection as its exchanges see it.
pub struct Client {
    pub worker: Rc<Worker>,
    pub traffic: Rc<Traffic>,
    pub peer: Arc<Peer>,
    /// The peer's address as a field value.
    pub address: HeaderValue,
    pub scheme: &'static str,
    /// Its X-Forwarded-* fields are believed.
    pub trusted: bool,
    /// It may ask for debug fields.
    pub debug: bool,
}

/// How long a connection rests before it gives its buffers back.
const PARK_AFTER: Duration = Duration::from_secs(1);
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Serves a new connection in a task of its own.
pub fn spawn(worker: &Rc<Worker>, stream: TcpStream, source: SocketAddr, tls: bool) {
    worker.counters.connections_accepted.add(1);
    let counted = Counted::new(worker);
    let worker = Rc::clone(worker);
    tokio::task::spawn_local(async move {
        let _counted = counted;
        // A client that goes away is not news; what it asked is in its records.
        let _ = serve(worker, stream, source, tls).await;
    });
}

/// One open connection, as counted.
struct Counted(Rc<Worker>);

impl Counted {
    fn new(worker: &Rc<Worker>) -> Self {
        worker.connections.set(worker.connections.get() + 1);
        worker.counters.connections_open.set(worker.connections.get() as u64);
        Self(Rc::clone(worker))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connections.set(self.0.connections.get().saturating_sub(1));
        self.0.counters.connections_open.set(self.0.connections.get() as u64);
    }
}

async fn serve(worker: Rc<Worker>, stream: TcpStream, source: SocketAddr, tls: bool) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let timer = Timer::new(&worker.timers);
    timer.set(worker.settings().header_timeout);
    let local = stream.local_addr()?;
    // A socket that takes both families shows IPv4 peers as IPv6; everything after means the IPv4 address.
    let source = SocketAddr::new(source.ip().to_canonical(), source.port());
    let mut peer = Peer { source, local, tls, sni: None, tls_version: None };
    if proxied::expected(&worker, source) && !Box::pin(proxied::take(&worker, &stream, &mut peer, &timer)).await? {
        return Ok(());
    }
    let (stream, h2) = if tls {
        let Some(stream) = Box::pin(handshake(&worker, stream, &timer)).await else { return Ok(()) };
        let session = stream.get_ref().1;
        peer.sni = session.server_name().map(Arc::from);
        peer.tls_version = session.protocol_version().and_then(|version| version.as_str());
        let h2 = session.alpn_protocol() == Some(b"h2");
        (Stream::Tls(Box::new(stream)), h2)
    } else {
        let Some(h2) = sniff(&stream, &timer).await? else { return Ok(()) };
        (Stream::Plain(stream), h2)
    };
    let client = Client::new(worker, peer);
    if h2 { Box::pin(serve_http2(client, stream, &timer)).await } else { serve_http1(client, stream, &timer).await }
}

impl Client {
    fn new(worker: Rc<Worker>, peer: Peer) -> Rc<Self> {
        let ip = peer.source.ip();
        let within = |nets: &[ipnet::IpNet]| nets.iter().any(|net| net.contains(&ip));
        let (trusted, debug) = (within(&worker.settings().trusted_proxies), within(&worker.settings().debug_clients));
        Rc::new(Self {
            traffic: Traffic::new(),
            address: HeaderValue::from_str(&ip.to_string()).unwrap_or_else(|_| HeaderValue::from_static("unknown")),
            scheme: if peer.tls { "https" } else { "http" },
            trusted,
            debug,
            peer: Arc::new(peer),
            worker,
        })
    }
}

/// A TLS handshake within the timer; a failed one is counted.
async fn handshake(
    worker: &Rc<Worker>,
    stream: TcpStream,
    timer: &Timer,
) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    let mut accepting = worker.shared.tls.acceptor.accept(stream);
    let done = poll_fn(|cx| match Pin::new(&mut accepting).poll(cx) {
        Poll::Ready(result) => Poll::Ready(result.ok()),
        Poll::Pending => timer.poll(cx).map(|()| None),
    })
    .await;
    if done.is_none() {
        worker.counters.tls_failures.add(1);
    }
    done
}

/// Whether a plain connection begins with the HTTP/2 preface; `None` when nothing came in time. No request of HTTP/1.1
/// begins with `PRI `, so four bytes tell.
async fn sniff(stream: &TcpStream, timer: &Timer) -> std::io::Result<Option<bool>> {
    let mut first = [0; 4];
    loop {
        let peeked = poll_fn(|cx| {
            let mut buf = tokio::io::ReadBuf::new(&mut first);
            match stream.poll_peek(cx, &mut buf) {
                Poll::Ready(result) => Poll::Ready(result.map(Some)),
                Poll::Pending => timer.poll(cx).map(|()| Ok(None)),
            }
        })
        .await?;
        let Some(length) = peeked else { return Ok(None) };
        let (seen, preface) = (first.get(..length).unwrap_or(&[]), PREFACE.get(..length).unwrap_or(&[]));
        match length {
            0 => return Ok(None),
            _ if seen != preface => return Ok(Some(false)),
            4 => return Ok(Some(true)),
            // Part of the four bytes: they stay readable, so wait a little rather than spin.
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        if poll_fn(|cx| Poll::Ready(timer.poll(cx).is_ready())).await {
            return Ok(None);
        }
    }
}

/// Why hyper's part of a connection is over.
enum End {
    /// Finished, by either side.
    Over(Result<(), hyper::Error>),
    /// It rests, and has rested for a while.
    Rests,
    /// A deadline has passed in this phase.
    Late(Phase),
}

async fn serve_http1(client: Rc<Client>, mut stream: Stream, timer: &Timer) -> std::io::Result<()> {
    loop {
        let service = service_fn(|request| exchange::answer(Rc::clone(&client), request));
        let io = Downstream { stream, traffic: Rc::clone(&client.traffic), shuts: false };
        let mut connection = Box::new(builder(&client).serve_connection(TokioIo::new(io), service));
        client.traffic.mute.set(true);
        let end = drive(&client, &mut connection, timer).await;
        client.traffic.mute.set(false);
        // The buffer is let go of while the connection rests; a whole request may still be in it.
        let http1::Parts { io, read_buf: unread, .. } = connection.into_parts();
        stream = io.into_inner().stream;
        if !matches!(end, End::Rests) || !unread.is_empty() {
            // Boxed, as all that most connections never come to: a resting one keeps the room for it otherwise.
            return Box::pin(finish(client, stream, end, unread, timer)).await;
        }
        drop(unread);
        if !rest(&client, &stream, timer).await {
            return stream.shutdown().await;
        }
    }
}

/// What a connection still has to do once hyper is done with it.
async fn finish(client: Rc<Client>, stream: Stream, end: End, unread: Bytes, timer: &Timer) -> std::io::Result<()> {
    match end {
        End::Over(Ok(())) => {
            let tunnel = client.traffic.tunnel.take();
            match tunnel {
                Some(tunnel) => tunnel::run(&client, stream, unread, tunnel, timer).await,
                None => close(stream).await,
            }
        }
        End::Over(Err(error)) => refuse::unparsed(&client, stream, &unread, &error).await,
        End::Late(phase) => refuse::late(&client, stream, phase).await,
        End::Rests => close(stream).await,
    }
}

fn builder(client: &Client) -> http1::Builder {
    let settings = client.worker.settings();
    let mut builder = http1::Builder::new();
    builder
        .header_read_timeout(None)
        .half_close(true)
        .max_buf_size(settings.header_bytes_max.max(8 << 10))
        .max_header_size(settings.header_bytes_max);
    // hyper's own default is 100, with room for them on the stack.
    if settings.headers_max != 100 {
        builder.max_headers(settings.headers_max);
    }
    builder
}

/// Polls hyper until it is done or a deadline of the connection's phase passes.
async fn drive<S>(client: &Client, connection: &mut http1::Connection<TokioIo<Downstream>, S>, timer: &Timer) -> End
where
    S: HttpService<Incoming, ResBody = ReplyBody, Error = std::convert::Infallible>,
{
    let mut watch = Watch::new(client, timer);
    poll_fn(|cx| {
        loop {
            if let Poll::Ready(result) = Pin::new(&mut *connection).poll(cx) {
                return Poll::Ready(End::Over(result));
            }
            if client.worker.is_draining() {
                match client.traffic.phase.get() {
                    Phase::Idle => return Poll::Ready(End::Late(Phase::Idle)),
                    _ => Pin::new(&mut *connection).graceful_shutdown(),
                }
            }
            match watch.poll(cx) {
                Watched::Fine => return Poll::Pending,
                Watched::Again => {}
                Watched::Rests => return Poll::Ready(End::Rests),
                Watched::Late(phase) => return Poll::Ready(End::Late(phase)),
            }
        }
    })
    .await
}

/// Watches the phase of a connection, and what its deadline is.
struct Watch<'a> {
    client: &'a Client,
    timer: &'a Timer,
    phase: Option<Phase>,
    progress: u64,
}

enum Watched {
    Fine,
    Again,
    Rests,
    Late(Phase),
}

impl<'a> Watch<'a> {
    const fn new(client: &'a Client, timer: &'a Timer) -> Self {
        Self { client, timer, phase: None, progress: 0 }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Watched {
        let traffic = &self.client.traffic;
        let phase = traffic.phase.get();
        if self.phase != Some(phase) {
            self.enter(phase);
        }
        if self.timer.poll(cx).is_pending() {
            return Watched::Fine;
        }
        match phase {
            Phase::Idle => Watched::Rests,
            Phase::Head => Watched::Late(phase),
            // The exchange has deadlines of its own, but none for a client that does not take the answer.
            Phase::Exchange | Phase::Flush if traffic.blocked.get() && traffic.progress.get() == self.progress => {
                Watched::Late(phase)
            }
            Phase::Exchange | Phase::Flush => {
                self.enter(phase);
                Watched::Again
            }
        }
    }

    fn enter(&mut self, phase: Phase) {
        let settings = self.client.worker.settings();
        self.phase = Some(phase);
        self.progress = self.client.traffic.progress.get();
        self.timer.set(match phase {
            Phase::Idle => PARK_AFTER.min(settings.idle_timeout),
            Phase::Head => settings.header_timeout,
            Phase::Exchange | Phase::Flush => settings.body_timeout,
        });
    }
}

/// Waits, with nothing but the socket, for the next request. False when it is time to close.
async fn rest(client: &Client, stream: &Stream, timer: &Timer) -> bool {
    timer.set(client.worker.settings().idle_timeout.saturating_sub(PARK_AFTER));
    poll_fn(|cx| {
        if client.worker.is_draining() {
            return Poll::Ready(false);
        }
        match stream.tcp().poll_read_ready(cx) {
            Poll::Ready(ready) => Poll::Ready(ready.is_ok()),
            Poll::Pending => timer.poll(cx).map(|()| false),
        }
    })
    .await
}

/// Closes so that the peer gets what was written: the write side first, then the rest is read away for a moment
/// (RFC 9112, 9.6).
async fn close(mut stream: Stream) -> std::io::Result<()> {
    stream.shutdown().await?;
    let mut sink = [0; 1024];
    let drained = async {
        for _ in 0..64 {
            match stream.read(&mut sink).await {
                Ok(1..) => {}
                _ => break,
            }
        }
    };
    // An elapsed wait means that the peer keeps talking: the socket is closed on it.
    let _ = tokio::time::timeout(Duration::from_millis(500), drained).await;
    Ok(())
}

async fn serve_http2(client: Rc<Client>, stream: Stream, timer: &Timer) -> std::io::Result<()> {
    let settings = client.worker.settings();
    let service = service_fn(|request: Request<Incoming>| exchange::answer(Rc::clone(&client), request));
    let io = Downstream { stream, traffic: Rc::clone(&client.traffic), shuts: false };
    let connection = http2::Builder::new(LocalExecutor)
        .timer(TokioTimer::new())
        .keep_alive_interval(settings.idle_timeout)
        .keep_alive_timeout(settings.header_timeout)
        .max_concurrent_streams(128)
        .max_header_list_size(u32::try_from(settings.header_bytes_max).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(256)
        .initial_stream_window_size(256 << 10)
        .initial_connection_window_size(1 << 20)
        .max_send_buf_size(64 << 10)
        .serve_connection(TokioIo::new(io), service);
    let mut connection = std::pin::pin!(connection);
    // The first request is owed within the header timeout, later ones within the idle timeout.
    timer.set(settings.header_timeout);
    let (mut served, mut closing, mut begun) = (false, false, 0);
    poll_fn(|cx| {
        if connection.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        // Exchanges have tasks of their own: a quick one is over before this is polled again.
        let traffic = &client.traffic;
        let busy = traffic.exchanges.get() > 0 || begun != traffic.begun.get();
        begun = traffic.begun.get();
        if client.worker.is_draining() && !closing {
            closing = true;
            connection.as_mut().graceful_shutdown();
            return connection.as_mut().poll(cx).map(|_| ());
        }
        if busy {
            served = true;
            timer.set(settings.idle_timeout);
        }
        match timer.poll(cx) {
            Poll::Ready(()) if closing || !served => Poll::Ready(()),
            Poll::Ready(()) => {
                closing = true;
                timer.set(settings.header_timeout);
                connection.as_mut().graceful_shutdown();
                connection.as_mut().poll(cx).map(|_| ())
            }
            Poll::Pending => Poll::Pending,
        }
    })
    .await;
    Ok(())
}

/// Bytes that are answered without hyper.
async fn write_answer(stream: &mut Stream, bytes: &[u8]) -> std::io::Result<()> {
    let wrote = tokio::time::timeout(Duration::from_secs(1), stream.write_all(bytes)).await;
    wrote.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
}
