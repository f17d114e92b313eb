//! Clients that say exactly what a scenario tells them to, over TCP or TLS, in HTTP/1.1 or HTTP/2.

pub mod frames;
pub mod http1;
pub mod http2;
pub mod tls;

use std::net::SocketAddr;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::backend::fields_to_json;
use crate::wire::{Body, Fields, Wire, text};

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Reply {
    pub version: String,
    pub status: u16,
    /// The 1xx that came first.
    pub interim: Vec<u16>,
    pub fields: Fields,
    pub body: Body,
}

impl Reply {
    /// As patterns see it.
    pub fn to_json(&self) -> Value {
        json!({
            "version": self.version,
            "status": self.status,
            "interim": self.interim,
            "headers": fields_to_json(&self.fields),
            "body": text(&self.body.bytes),
            "body_bytes": self.body.bytes.len(),
            "json": serde_json::from_slice::<Value>(&self.body.bytes).unwrap_or_default(),
            "trailers": fields_to_json(&self.body.trailers),
        })
    }
}

/// A request as data; each client writes it its own way.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// `http` or `https`: HTTP/2 says it, HTTP/1 does not.
    pub scheme: &'static str,
    /// `None` sends no Host, and no `:authority`.
    pub host: Option<String>,
    pub target: String,
    pub fields: Fields,
    pub body: Vec<u8>,
    /// Sends the body as chunks that end with these; only for HTTP/1.1 and HTTP/2 requests with a body.
    pub trailers: Fields,
}

impl Request {
    /// A plain GET of `target`.
    pub fn get(host: &str, target: &str) -> Self {
        Self {
            method: "GET".to_owned(),
            scheme: "http",
            host: Some(host.to_owned()),
            target: target.to_owned(),
            fields: Vec::new(),
            body: Vec::new(),
            trailers: Vec::new(),
        }
    }
}

/// What a connection is made with.
#[derive(Debug, Clone, Default)]
pub struct Dial {
    /// Sent before anything else, TLS too, a byte at a time.
    pub before: Vec<u8>,
    pub tls: Option<tls::Tls>,
    pub http2: bool,
}

pub enum Connection {
    Http1(Wire),
    Http2(http2::Client),
}

/// A connection, and what its handshake told.
pub struct Opened {
    pub connection: Connection,
    pub tls: Option<tls::Handshake>,
}

/// Connects; with TLS and HTTP/2 where asked.
///
/// # Errors
/// When the peer refuses, at any layer.
pub async fn open(address: SocketAddr, dial: &Dial) -> Result<Opened> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    for byte in &dial.before {
        stream.write_all(std::slice::from_ref(byte)).await?;
        tokio::task::yield_now().await;
    }
    let (stream, handshake): (Box<dyn crate::wire::Stream>, _) = match &dial.tls {
        None => (Box::new(stream), None),
        Some(tls) => {
            let (stream, handshake) = tls::connect(stream, tls).await?;
            (Box::new(stream), Some(handshake))
        }
    };
    let connection = if dial.http2 {
        Connection::Http2(http2::Client::start(stream).await?)
    } else {
        Connection::Http1(Wire::from(stream))
    };
    Ok(Opened { connection, tls: handshake })
}

impl Connection {
    pub fn wire(&mut self) -> Result<&mut Wire> {
        match self {
            Self::Http1(wire) => Ok(wire),
            Self::Http2(_) => bail!("bytes can be sent on an HTTP/1.1 connection only"),
        }
    }
}
