//! The cheapest pods and clients: no record is kept of a request, but its answer and whose it was.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::client::http1;
use crate::wire::{Wire, values};

/// Answers every request with its own address.
pub struct Responder {
    pub address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Responder {
    pub async fn start(address: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| address.to_string())?;
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                // The end of a connection is its client's wish.
                connections.spawn(async move { drop(respond(stream, address).await) });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, accepting })
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn respond(stream: TcpStream, address: SocketAddr) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut wire = Wire::new(stream);
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-pod: {}\r\n\r\n", address.ip());
    while wire.head().await?.is_some() {
        wire.write(answer.as_bytes()).await?;
    }
    Ok(())
}

/// A client that keeps its connection.
pub struct Asker {
    address: SocketAddr,
    wire: Wire,
}

/// What came back, and from which pod.
pub struct Answer {
    pub status: u16,
    pub pod: String,
}

impl Asker {
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        Ok(Self { address, wire: dial(address).await? })
    }

    /// The next request comes on a new connection.
    pub async fn reconnect(&mut self) -> Result<()> {
        self.wire = dial(self.address).await?;
        Ok(())
    }

    pub async fn ask(&mut self, host: &str, path: &str) -> Result<Answer> {
        self.wire.write(format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes()).await?;
        let reply = http1::reply(&mut self.wire, "GET").await?;
        let pod = values(&reply.fields, "x-pod").next().unwrap_or_default().to_owned();
        Ok(Answer { status: reply.status, pod })
    }
}

async fn dial(address: SocketAddr) -> Result<Wire> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(Wire::new(stream))
}
