//! HTTP/1 as bytes on a stream: what tests on either side of the ingress read and write.
//!
//! Strict where it reads (a reply with broken framing is a failing test) and free in what it writes. Text is Latin-1: a
//! character up to U+00FF is one byte, so that a YAML string can hold any bytes.

use anyhow::{Context, Result, bail, ensure};
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Names in lower case, values trimmed, in the order received.
pub type Fields = Vec<(String, String)>;

#[derive(Debug, Clone)]
pub struct Head {
    /// The request line or status line.
    pub start: String,
    pub fields: Fields,
}

/// How a message's body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    Empty,
    Length(usize),
    Chunked,
    ToEnd,
}

#[derive(Debug, Default, Clone)]
pub struct Body {
    pub bytes: Vec<u8>,
    pub trailers: Fields,
}

pub struct Wire {
    pub stream: Box<dyn Stream>,
    buffer: BytesMut,
}

impl Wire {
    pub fn new(stream: impl Stream + 'static) -> Self {
        Self { stream: Box::new(stream), buffer: BytesMut::new() }
    }

    /// Writes exactly these bytes.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await?;
        Ok(self.stream.flush().await?)
    }

    /// Reads up to the empty line; `None` when the peer closed before the first byte.
    pub async fn head(&mut self) -> Result<Option<Head>> {
        let Some(end) = self.find(b"\r\n\r\n").await? else {
            ensure!(self.buffer.is_empty(), "closed within a head: {:?}", text(&self.buffer));
            return Ok(None);
        };
        let head = text(&self.buffer.split_to(end));
        self.buffer.advance(4);
        let mut lines = head.split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        Ok(Some(Head { start, fields: lines.map(field).collect::<Result<_>>()? }))
    }

    pub async fn body(&mut self, framing: Framing) -> Result<Body> {
        match framing {
            Framing::Empty => Ok(Body::default()),
            Framing::Length(length) => Ok(Body { bytes: self.exact(length).await?, trailers: Fields::new() }),
            Framing::Chunked => self.chunked().await,
            Framing::ToEnd => {
                while self.fill().await? {}
                Ok(Body { bytes: self.buffer.split().to_vec(), trailers: Fields::new() })
            }
        }
    }

    async fn chunked(&mut self) -> Result<Body> {
        let mut body = Body::default();
        while let Some(data) = self.chunk().await? {
            body.bytes.extend(data);
        }
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Ok(body);
            }
            body.trailers.push(field(&line)?);
        }
    }

    /// The data of the next chunk; `None` for the last one, before its trailers.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>> {
        let line = self.line().await?;
        let digits = line.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(digits.trim(), 16).with_context(|| format!("chunk size {line:?}"))?;
        if size == 0 {
            return Ok(None);
        }
        let data = self.exact(size).await?;
        ensure!(self.exact(2).await? == b"\r\n", "a chunk is longer than its size");
        Ok(Some(data))
    }

    /// Reads until `wanted` has come; what follows it stays.
    pub async fn receive(&mut self, wanted: &[u8]) -> Result<()> {
        match self.find(wanted).await? {
            Some(at) => {
                self.buffer.advance(at + wanted.len());
                Ok(())
            }
            None => bail!("closed before {:?}; received {:?}", text(wanted), text(&self.buffer)),
        }
    }

    /// Reads to the end; returns what came after all.
    pub async fn closed(&mut self) -> Result<Vec<u8>> {
        while self.fill().await? {}
        Ok(self.buffer.split().to_vec())
    }

    /// Gives back all that it gets, until the end.
    pub async fn echo(&mut self) -> Result<()> {
        loop {
            let bytes = self.buffer.split();
            self.write(&bytes).await?;
            if !self.fill().await? {
                return Ok(());
            }
        }
    }

    async fn line(&mut self) -> Result<String> {
        let Some(end) = self.find(b"\r\n").await? else { bail!("closed within a line: {:?}", text(&self.buffer)) };
        let line = text(&self.buffer.split_to(end));
        self.buffer.advance(2);
        Ok(line)
    }

    async fn exact(&mut self, length: usize) -> Result<Vec<u8>> {
        while self.buffer.len() < length {
            ensure!(self.fill().await?, "closed {} bytes before the end of a body", length - self.buffer.len());
        }
        Ok(self.buffer.split_to(length).to_vec())
    }

    async fn find(&mut self, wanted: &[u8]) -> Result<Option<usize>> {
        loop {
            if let Some(at) = self.buffer.windows(wanted.len()).position(|window| window == wanted) {
                return Ok(Some(at));
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }

    /// False at the end. A reset is an end: both mean that the peer is gone.
    async fn fill(&mut self) -> Result<bool> {
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(count) => Ok(count > 0),
            Err(error) if is_end(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn is_end(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof)
}

fn field(line: &str) -> Result<(String, String)> {
    let (name, value) = line.split_once(':').with_context(|| format!("not a field: {line:?}"))?;
    ensure!(!name.is_empty() && name.trim() == name, "not a field name: {name:?}");
    Ok((name.to_ascii_lowercase(), value.trim().to_owned()))
}

/// Of a request that the ingress sent: chunked wins, since the recorded fields show a clash anyway.
pub fn request_framing(head: &Head) -> Result<Framing> {
    if values(&head.fields, "transfer-encoding").next().is_some() {
        return Ok(Framing::Chunked);
    }
    length(head).map(|length| length.map_or(Framing::Empty, Framing::Length))
}

/// Of a reply to `method` (RFC 9112, 6.3).
pub fn reply_framing(method: &str, status: u16, head: &Head) -> Result<Framing> {
    if method == "HEAD" || matches!(status, 100..200 | 204 | 304) || (method == "CONNECT" && status == 200) {
        return Ok(Framing::Empty);
    }
    let length = length(head)?;
    match (values(&head.fields, "transfer-encoding").next(), length) {
        (Some(_), Some(_)) => bail!("a reply with both content-length and transfer-encoding"),
        (Some("chunked"), None) => Ok(Framing::Chunked),
        (Some(other), None) => bail!("a reply with transfer-encoding {other:?}"),
        (None, Some(length)) => Ok(Framing::Length(length)),
        (None, None) => Ok(Framing::ToEnd),
    }
}

fn length(head: &Head) -> Result<Option<usize>> {
    let mut lengths = values(&head.fields, "content-length");
    let first = lengths.next();
    ensure!(lengths.next().is_none(), "two content-length fields");
    first.map(|value| value.parse().with_context(|| format!("content-length {value:?}"))).transpose()
}

/// All values of a name in lower case.
pub fn values<'a>(fields: &'a Fields, name: &'a str) -> impl Iterator<Item = &'a str> {
    fields.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
}

/// Latin-1, so that nothing is lost.
pub fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The reverse of [`text`]; characters above U+00FF go as UTF-8.
pub fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match u8::try_from(character) {
            Ok(byte) => bytes.push(byte),
            Err(_) => bytes.extend(character.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    bytes
}

impl From<Box<dyn Stream>> for Wire {
    fn from(stream: Box<dyn Stream>) -> Self {
        Self { stream, buffer: BytesMut::new() }
    }
}
