//! Listening sockets, one a worker and address, and an accept loop that neither spins nor gives up.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

use crate::conn;
use crate::worker::Worker;

/// A bound socket, not yet on a runtime.
#[derive(Debug)]
pub struct Listener {
    pub socket: std::net::TcpListener,
    pub tls: bool,
}

/// Binds one socket for each worker to the same address; the kernel hands connections out (SO_REUSEPORT).
pub fn bind(address: SocketAddr, workers: usize, tls: bool) -> io::Result<(SocketAddr, Vec<Listener>)> {
    let mut bound = address;
    let mut listeners = Vec::with_capacity(workers);
    for _ in 0..workers {
        let socket = Socket::new(Domain::for_address(bound), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&bound.into())?;
        socket.listen(4096)?;
        let socket: std::net::TcpListener = socket.into();
        // The first bind turns port 0 into a real one.
        bound = socket.local_addr()?;
        listeners.push(Listener { socket, tls });
    }
    Ok((bound, listeners))
}

/// After an error such as EMFILE: time for connections to end, and no spinning.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts until aborted.
pub async fn accept(worker: Rc<Worker>, listener: Listener) {
    let Ok(socket) = TcpListener::from_std(listener.socket) else {
        worker.counters.accept_errors.add(1);
        return;
    };
    loop {
        if worker.connections.get() >= worker.settings().connections_max {
            worker.counters.accept_errors.add(1);
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        match socket.accept().await {
            Ok((stream, source)) => conn::spawn(&worker, stream, source, listener.tls),
            Err(error) if is_of_one_connection(&error) => {}
            Err(_) => {
                worker.counters.accept_errors.add(1);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// The connection died before it was accepted; the next may be fine (accept(2)).
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

/// Raises the soft limit of open files to the hard one, as servers do, and gives what it then is.
pub fn descriptors_max() -> usize {
    let limits = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limits.maximum, maximum: limits.maximum };
    let now = if setrlimit(Resource::Nofile, raised).is_ok() { limits.maximum } else { limits.current };
    now.map_or(1 << 20, |count| usize::try_from(count).unwrap_or(usize::MAX))
}
