//! Certificates made for one run: each self-signed, told apart by their bytes.

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

pub struct Certificate {
    pub name: String,
    pub der: Vec<u8>,
    pub certificate_pem: String,
    pub key_pem: String,
}

impl Certificate {
    /// For these DNS names, wildcards allowed.
    pub fn new(name: &str, hosts: &[String]) -> Result<Self> {
        let made = rcgen::generate_simple_self_signed(hosts)?;
        Ok(Self {
            name: name.to_owned(),
            der: made.cert.der().to_vec(),
            certificate_pem: made.cert.pem(),
            key_pem: made.signing_key.serialize_pem(),
        })
    }

    /// The Secret of type kubernetes.io/tls that holds it.
    pub fn secret(&self, namespace: &str, name: &str) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "namespace": namespace, "name": name },
            "type": "kubernetes.io/tls",
            "data": {
                "tls.crt": STANDARD.encode(&self.certificate_pem),
                "tls.key": STANDARD.encode(&self.key_pem),
            },
        })
    }
}
