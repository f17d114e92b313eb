//! The API server's side of an admission webhook: reviews over TLS, on connections that are kept.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::client::{Reply, http1, tls};
use crate::wire::Wire;

/// A connection, and the certificate that it was shown.
pub struct Caller {
    wire: Wire,
    pub certificate: Vec<u8>,
}

impl Caller {
    pub async fn connect(webhook: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(webhook).await?;
        stream.set_nodelay(true)?;
        let asked = tls::Tls { sni: None, alpn: vec!["http/1.1".to_owned()] };
        let (stream, shown) = tls::connect(stream, &asked).await?;
        Ok(Self { wire: Wire::new(stream), certificate: shown.certificate })
    }

    /// Any request; the body is complete, whatever its Content-Length says.
    pub async fn send(&mut self, method: &str, path: &str, length: usize, body: &[u8]) -> Result<Reply> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: webhook\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        // In one piece, as the API server sends it.
        self.wire.write(&[head.as_bytes(), body].concat()).await?;
        http1::reply(&mut self.wire, method).await
    }

    /// The `response` of the answer to a review.
    pub async fn review(&mut self, operation: &str, object: &Value) -> Result<Value> {
        let body = review(operation, object).to_string();
        let reply = self.send("POST", "/validate", body.len(), body.as_bytes()).await?;
        ensure!(reply.status == 200, "answered {}: {}", reply.status, crate::wire::text(&reply.body.bytes));
        let mut answer: Value = serde_json::from_slice(&reply.body.bytes)?;
        ensure!(answer.pointer("/response/uid") == Some(&json!("7")), "{answer}");
        answer.get_mut("response").map(Value::take).context("no response")
    }
}

/// An AdmissionReview as the API server makes it.
pub fn review(operation: &str, object: &Value) -> Value {
    let version = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "7", "operation": operation,
            "kind": {"group": group, "version": version, "kind": object.get("kind")},
            "name": object.pointer("/metadata/name"), "namespace": object.pointer("/metadata/namespace"),
            "userInfo": {"username": "jane"}, "object": object, "oldObject": null, "dryRun": false,
        },
    })
}
