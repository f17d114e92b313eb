//! HTTP/2 as a client that keeps to the rules; `frames` is the one that does not.

use anyhow::{Context, Result};
use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::task::JoinHandle;

use super::{Reply, Request};
use crate::backend::h2c::{fields, read};
use crate::wire::{Fields, Stream, bytes};

/// Why a request may be sent again: nothing of it went out.
pub const NOT_SENT: &str = "the connection takes no more requests";

/// One connection. Its driver stops when this is dropped.
pub struct Client {
    sender: SendRequest<Bytes>,
    driver: JoinHandle<()>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Client {
    pub async fn start(stream: Box<dyn Stream>) -> Result<Self> {
        let (sender, connection) = h2::client::handshake(stream).await?;
        // How it ended shows in the streams.
        let driver = tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender, driver })
    }

    /// Sends on a stream of its own, and reads the whole answer.
    ///
    /// # Errors
    /// [`NOT_SENT`] when the connection takes no more requests: this one may go elsewhere.
    pub async fn exchange(&self, request: &Request) -> Result<Reply> {
        let mut sender = self.sender.clone().ready().await.context(NOT_SENT)?;
        let bare = request.body.is_empty() && request.trailers.is_empty();
        let (reply, mut stream) = sender.send_request(head(request)?, bare)?;
        if !bare {
            stream.send_data(Bytes::from(request.body.clone()), request.trailers.is_empty())?;
        }
        if !request.trailers.is_empty() {
            stream.send_trailers(header_map(&request.trailers)?)?;
        }
        let (head, mut stream) = reply.await?.into_parts();
        let body = read(&mut stream).await?;
        Ok(Reply {
            version: "HTTP/2".to_owned(),
            status: head.status.as_u16(),
            interim: Vec::new(),
            fields: fields(&head.headers),
            body,
        })
    }

    /// Opens so many streams and resets each at once; then one request must still be answered.
    pub async fn reset_streams(&self, request: &Request, times: usize) -> Result<()> {
        for _ in 0..times {
            let mut sender = self.sender.clone().ready().await?;
            let (_reply, mut stream) = sender.send_request(head(request)?, false)?;
            stream.send_reset(h2::Reason::CANCEL);
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

fn head(request: &Request) -> Result<http::Request<()>> {
    let host = request.host.as_deref().context("an HTTP/2 request needs a host here; use `frames` for one without")?;
    let mut head = http::Request::builder()
        .version(http::Version::HTTP_2)
        .method(request.method.as_str())
        .uri(format!("{}://{host}{}", request.scheme, request.target))
        .body(())?;
    *head.headers_mut() = header_map(&request.fields)?;
    Ok(head)
}

fn header_map(fields: &Fields) -> Result<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in fields {
        map.append(HeaderName::try_from(name.as_str())?, HeaderValue::from_bytes(&bytes(value))?);
    }
    Ok(map)
}
