//! The API server's side of an admission webhook: reviews over TLS, on connections that are kept.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::certificate::Certificate;
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

    /// As a client that has a certificate, and trusts the webhook's alone.
    pub async fn connect_as(webhook: SocketAddr, name: &str, trusted: &Certificate, own: &Certificate) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(trusted.der.clone()))?;
        let key = PrivateKeyDer::from_pem_slice(own.key_pem.as_bytes())?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![CertificateDer::from(own.der.clone())], key)?;
        let stream = TcpStream::connect(webhook).await?;
        let name = ServerName::try_from(name.to_owned())?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        Ok(Self { wire: Wire::new(stream), certificate: trusted.der.clone() })
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
