//! The PROXY protocol header before a connection's own first byte: taken whole, and not a byte more.
//!
//! Only peers that the settings name are heard, and each of them owes a header. What another peer sends is its own
//! protocol's: a header in it is a malformed request or handshake, so nobody else can say who they are.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::Poll;

use cardea_policy::Peer;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;

use crate::proxy_protocol::{self, Addresses, Invalid, Parsed};
use crate::timer::Timer;
use crate::worker::Worker;

/// Whether this peer owes a header.
pub fn expected(worker: &Worker, source: SocketAddr) -> bool {
    let senders = worker.settings().proxy_protocol.as_ref();
    senders.is_some_and(|nets| nets.is_empty() || nets.iter().any(|net| net.contains(&source.ip())))
}

/// Takes the header, and what it says, within the timer. False when the connection is over; a failure is counted.
pub async fn take(worker: &Worker, stream: &TcpStream, peer: &mut Peer, timer: &Timer) -> io::Result<bool> {
    match header(stream, timer).await? {
        Taken::Addresses(announced) => {
            if let Some(Addresses { source, destination }) = announced {
                peer.source = SocketAddr::new(source.ip().to_canonical(), source.port());
                peer.local = destination;
            }
            Ok(true)
        }
        Taken::Nothing => Ok(false),
        Taken::Refused(label) => {
            worker.counters.refuse_proxied(label);
            Ok(false)
        }
    }
}

enum Taken {
    /// `None` keeps the socket's own.
    Addresses(Option<Addresses>),
    /// The peer left without a word, as health checks of load balancers do.
    Nothing,
    /// With a label of the metrics.
    Refused(&'static str),
}

/// Looks at what has come, and takes it as far as it belongs to the header.
async fn header(stream: &TcpStream, timer: &Timer) -> io::Result<Taken> {
    let mut header = Vec::new();
    let mut next = [0; 512];
    loop {
        let Some(length) = peek(stream, &mut next, timer).await? else { return Ok(Taken::Refused("timeout")) };
        let before = header.len();
        header.extend_from_slice(next.get(..length).unwrap_or(&[]));
        let (end, whole) = match proxy_protocol::read(&header) {
            _ if length == 0 && before == 0 => return Ok(Taken::Nothing),
            _ if length == 0 => return Ok(Taken::Refused("broken_off")),
            Err(invalid) => return Ok(Taken::Refused(label(invalid))),
            Ok(Parsed::Partial) => (header.len(), None),
            Ok(Parsed::Whole(whole)) => (whole.length, Some(whole)),
        };
        consume(stream, next.get_mut(..end.saturating_sub(before)).unwrap_or(&mut [])).await?;
        if let Some(whole) = whole {
            return Ok(Taken::Addresses(whole.addresses));
        }
    }
}

const fn label(invalid: Invalid) -> &'static str {
    match invalid {
        Invalid::Missing => "missing",
        Invalid::Malformed => "malformed",
        Invalid::TooLong => "too_long",
    }
}

/// The next bytes, which stay where they are; `None` when the time is up.
async fn peek(stream: &TcpStream, next: &mut [u8], timer: &Timer) -> io::Result<Option<usize>> {
    poll_fn(|cx| match stream.poll_peek(cx, &mut ReadBuf::new(next)) {
        Poll::Ready(result) => Poll::Ready(result.map(Some)),
        Poll::Pending => timer.poll(cx).map(|()| Ok(None)),
    })
    .await
}

/// Takes bytes that were seen; they are there, so that this waits for nobody.
async fn consume(stream: &TcpStream, mut seen: &mut [u8]) -> io::Result<()> {
    while !seen.is_empty() {
        stream.readable().await?;
        match stream.try_read(seen) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => seen = seen.get_mut(length..).unwrap_or(&mut []),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
