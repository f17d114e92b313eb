//! Objects as the API sends them, and the stores that hear of them.

#![allow(clippy::unwrap_used)]

use cardea_model::config::{Config, Ingress, IngressClass, Service};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::object::Raw;
use super::super::stores::{Stores, Terms};
use super::super::watched::{Change, Delta, Item, SecretContent, Watched, item};
use super::super::zone::Hinted;
use crate::kube::config_map::Binary;
use crate::kube::policy::Declared;
use crate::report::ObjectName;

pub fn name(text: &str) -> ObjectName {
    let (namespace, name) = text.split_once('/').unwrap_or(("", text));
    ObjectName::new(namespace, name)
}

/// `metadata` for `namespace/name`, or for a name alone.
fn metadata(text: &str) -> Value {
    let name = name(text);
    match &*name.namespace {
        "" => json!({ "name": &*name.name, "resourceVersion": "1", "uid": text }),
        namespace => json!({ "name": &*name.name, "namespace": namespace, "resourceVersion": "1", "uid": text }),
    }
}

pub fn read<T: Watched>(value: &Value) -> Item<T> {
    item::<T>(Raw::deserialize(value).unwrap()).0
}

pub fn set<T: Watched>(value: &Value) -> Change {
    T::change(Delta::Set(read(value)))
}

pub fn gone<T: Watched>(text: &str) -> Change {
    T::change(Delta::Gone(name(text)))
}

pub fn whole<T: Watched>(values: &[Value]) -> Change {
    T::change(Delta::Whole(values.iter().map(read).collect()))
}

pub fn class(name: &str, controller: &str) -> Value {
    json!({ "metadata": metadata(name), "spec": { "controller": controller } })
}

/// An Ingress of class `ours` that serves `host` by the Service `web`.
pub fn ingress(text: &str, host: &str) -> Value {
    let backend = json!({ "service": { "name": "web", "port": { "number": 80 } } });
    let path = json!({ "path": "/", "pathType": "Prefix", "backend": backend });
    json!({
        "metadata": metadata(text),
        "spec": { "ingressClassName": "ours", "rules": [{ "host": host, "http": { "paths": [path] } }] },
    })
}

pub fn with_secret(mut ingress: Value, secret: &str) -> Value {
    ingress["spec"]["tls"] = json!([{ "hosts": ["a.test"], "secretName": secret }]);
    ingress
}

pub fn with_annotation(mut ingress: Value, name: &str, value: &str) -> Value {
    ingress["metadata"]["annotations"] = json!({ name: value });
    ingress
}

pub fn service(text: &str, port: u16) -> Value {
    json!({ "metadata": metadata(text), "spec": { "ports": [{ "port": port }] } })
}

pub fn slice(text: &str, service: &str, address: &str) -> Value {
    let mut metadata = metadata(text);
    metadata["labels"] = json!({ "kubernetes.io/service-name": service });
    json!({
        "metadata": metadata, "addressType": "IPv4", "ports": [{ "port": 8080 }],
        "endpoints": [{ "addresses": [address] }],
    })
}

pub fn policy(text: &str, config_map: &str) -> Value {
    let module = json!({ "configMap": { "name": config_map, "key": "module" } });
    json!({ "metadata": metadata(text), "spec": { "module": module } })
}

pub fn config_map(text: &str, data: &str) -> Value {
    json!({ "metadata": metadata(text), "binaryData": { "module": data } })
}

/// A TLS Secret; `data` is base64.
pub fn secret(text: &str, data: &str) -> Value {
    json!({ "metadata": metadata(text), "type": "kubernetes.io/tls", "data": { "tls.crt": data, "tls.key": data } })
}

/// Stores that have heard of every kind, of nothing but the class `ours`.
pub fn complete() -> Stores {
    let mut stores = Stores::new(Terms::default());
    stores.apply(whole::<IngressClass>(&[class("ours", "cardea.dev/ingress")]));
    stores.apply(whole::<Ingress>(&[]));
    stores.apply(whole::<Service>(&[]));
    stores.apply(whole::<Hinted>(&[]));
    stores.apply(whole::<Declared>(&[]));
    assert!(stores.is_complete());
    stores
}

pub fn set_secret(value: &Value) -> Change {
    set::<SecretContent>(value)
}

pub fn set_config_map(value: &Value) -> Change {
    set::<Binary>(value)
}

/// Everything of a configuration, so that two can be compared.
pub fn shown(config: &Config) -> String {
    // Secrets show no content, so it is added.
    let secrets: Vec<_> = config.secrets.iter().map(|secret| (&secret.origin, &secret.certificate_pem)).collect();
    format!("{config:#?}{secrets:?}")
}
