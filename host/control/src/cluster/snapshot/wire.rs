//! From what routing needs of an object back to the object: the inverse of the reads of [`crate::kube`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cardea_model::config::{
    EndpointSlice, FailureMode, Grants, Ingress, IngressBackend, IngressClass, IngressPath, Isolation, Policy,
    ProxyWasm, Service, ServiceKind, ServicePortRef, SliceEndpoint, TargetPort, Upstream,
};
use cardea_model::problem::Origin;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::watched::SecretContent;
use crate::fetch::{Remote, digest};
use crate::kube::config_map::Binary;
use crate::kube::policy::ModuleRef;

/// An object whose fields are only those that have a value: null is not absent for our own kinds.
fn fields<const N: usize>(pairs: [(&str, Option<Value>); N]) -> Value {
    Value::Object(pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

/// Adds a field to an object.
pub(super) fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

fn text(text: &Arc<str>) -> Value {
    Value::from(&**text)
}

fn metadata(origin: &Origin, created: Option<i64>) -> Value {
    let created = created.and_then(|seconds| Timestamp::from_second(seconds).ok());
    fields([
        ("name", Some(text(&origin.name))),
        ("namespace", Some(text(&origin.namespace)).filter(|_| !origin.namespace.is_empty())),
        ("creationTimestamp", created.and_then(|moment| serde_json::to_value(Time(moment)).ok())),
    ])
}

pub(super) fn class(class: &IngressClass) -> Value {
    let mut metadata = metadata(&class.origin, class.created);
    if class.is_default {
        put(&mut metadata, "annotations", json!({ "ingressclass.kubernetes.io/is-default-class": "true" }));
    }
    json!({ "metadata": metadata, "spec": { "controller": &*class.controller } })
}

pub(super) fn ingress(ingress: &Ingress) -> Value {
    let mut metadata = metadata(&ingress.origin, ingress.created);
    put(&mut metadata, "annotations", json!(ingress.annotations));
    let rules = ingress.rules.iter().map(|rule| {
        let paths = rule.paths.as_ref().map(|paths| json!({ "paths": paths.iter().map(path).collect::<Vec<_>>() }));
        fields([("host", rule.host.as_ref().map(text)), ("http", paths)])
    });
    let tls = ingress.tls.iter().map(|tls| {
        let hosts: Vec<Value> = tls.hosts.iter().map(text).collect();
        fields([("hosts", Some(hosts.into())), ("secretName", tls.secret_name.as_ref().map(text))])
    });
    let spec = fields([
        ("ingressClassName", ingress.class_name.as_ref().map(text)),
        ("defaultBackend", ingress.default_backend.as_ref().map(backend)),
        ("rules", Some(rules.collect())),
        ("tls", Some(tls.collect())),
    ]);
    json!({ "metadata": metadata, "spec": spec })
}

fn path(path: &IngressPath) -> Value {
    fields([
        ("path", path.path.as_ref().map(text)),
        // The wire type wants one.
        ("pathType", Some(path.path_type.as_ref().map_or_else(|| "".into(), text))),
        ("backend", Some(backend(&path.backend))),
    ])
}

fn backend(backend: &IngressBackend) -> Value {
    match backend {
        IngressBackend::Service { name, port: ServicePortRef::Name(port) } => {
            json!({ "service": { "name": &**name, "port": { "name": &**port } } })
        }
        IngressBackend::Service { name, port: ServicePortRef::Number(port) } => {
            json!({ "service": { "name": &**name, "port": { "number": port } } })
        }
        IngressBackend::Resource { group, kind, name } => {
            json!({ "resource": { "apiGroup": group, "kind": kind, "name": name } })
        }
        IngressBackend::Invalid { .. } => json!({}),
    }
}

pub(super) fn service(service: &Service) -> Value {
    let (kind, external) = match &service.kind {
        ServiceKind::Endpoints => (None, None),
        ServiceKind::ExternalName(name) => (Some("ExternalName".into()), Some(text(name))),
    };
    let ports = service.ports.iter().map(|port| {
        let target = match &port.target {
            TargetPort::Number(number) => json!(number),
            TargetPort::Name(name) => text(name),
        };
        fields([
            ("name", port.name.as_ref().map(text)),
            ("port", Some(port.port.into())),
            ("targetPort", Some(target)),
            ("protocol", Some(text(&port.protocol))),
            ("appProtocol", port.app_protocol.as_ref().map(text)),
        ])
    });
    let spec = fields([("type", kind), ("externalName", external), ("ports", Some(ports.collect()))]);
    json!({ "metadata": metadata(&service.origin, None), "spec": spec })
}

pub(super) fn slice(slice: &EndpointSlice) -> Value {
    let mut metadata = metadata(&slice.origin, None);
    if let Some(service) = &slice.service {
        put(&mut metadata, "labels", json!({ "kubernetes.io/service-name": &**service }));
    }
    let ports = slice.ports.iter().map(|port| {
        fields([
            ("name", port.name.as_ref().map(text)),
            ("port", port.port.map(Value::from)),
            ("appProtocol", port.app_protocol.as_ref().map(text)),
        ])
    });
    let endpoints: Vec<Value> = slice.endpoints.iter().map(endpoint).collect();
    let ports: Vec<Value> = ports.collect();
    json!({ "metadata": metadata, "addressType": "IPv4", "ports": ports, "endpoints": endpoints })
}

fn endpoint(endpoint: &SliceEndpoint) -> Value {
    let SliceEndpoint { addresses, ready, serving, terminating, labels, .. } = endpoint;
    json!({
        "addresses": addresses,
        "conditions": { "ready": ready, "serving": serving, "terminating": terminating },
        // Every label is read from here, whatever field it came from.
        "deprecatedTopology": labels,
    })
}

pub(super) fn policy(policy: &Policy, module: &ModuleRef) -> Value {
    let mut metadata = metadata(&policy.origin, None);
    put(&mut metadata, "generation", policy.generation.into());
    let spec = json!({
        "module": module_of(policy, module),
        "config": parsed(&policy.config),
        "grants": grants(&policy.grants),
        "limits": {
            "deadline": micros(policy.limits.deadline),
            "memory": policy.limits.memory_bytes_max,
            "body": policy.limits.body_bytes_max,
        },
        "failureMode": match policy.failure_mode {
            FailureMode::Deny => "Deny",
            FailureMode::Skip => "Skip",
        },
        "isolation": match policy.isolation {
            Isolation::Pooled => "pooled",
            Isolation::Request => "request",
        },
        "proxyWasm": policy.proxy_wasm.as_ref().map(|ProxyWasm { root_id, vm_config }| {
            json!({ "rootId": &**root_id, "vmConfig": parsed(vm_config) })
        }),
    });
    json!({ "metadata": metadata, "spec": spec })
}

fn grants(Grants { interfaces, headers, upstreams }: &Grants) -> Value {
    let upstreams = upstreams.iter().map(|Upstream { name, service, port }| {
        let port = match port {
            ServicePortRef::Number(number) => number.to_string(),
            ServicePortRef::Name(name) => name.to_string(),
        };
        (name.to_string(), Value::from(format!("{service}:{port}")))
    });
    json!({ "interfaces": interfaces, "headers": headers, "upstreams": upstreams.collect::<Map<_, _>>() })
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

fn module_of(policy: &Policy, module: &ModuleRef) -> Value {
    let mut place = match module {
        ModuleRef::File(file) => json!({ "file": file }),
        ModuleRef::ConfigMap { name, key } => json!({ "configMap": { "name": name, "key": key } }),
        ModuleRef::Remote { remote: Remote::Http { url }, .. } => json!({ "http": { "url": &**url } }),
        ModuleRef::Remote { remote: Remote::Oci { image, interval }, pull_secret } => {
            let secret = pull_secret.as_deref().map(Value::from);
            let pairs = [("image", Some(text(image))), ("interval", Some(micros(*interval))), ("pullSecret", secret)];
            json!({ "oci": fields(pairs) })
        }
    };
    if let Some(digest) = &policy.digest {
        put(&mut place, "digest", digest.as_str().into());
    }
    place
}

fn micros(duration: Duration) -> Value {
    format!("{}us", duration.as_micros()).into()
}

pub(super) fn secret(secret: &SecretContent) -> Value {
    let (origin, kind, data) = match secret {
        SecretContent::Tls(secret) => {
            let data = json!({
                "tls.crt": STANDARD.encode(&secret.certificate_pem), "tls.key": STANDARD.encode(&secret.key_pem),
            });
            (&secret.origin, "kubernetes.io/tls", data)
        }
        SecretContent::Pull(secret) => {
            let data = json!({ ".dockerconfigjson": STANDARD.encode(&secret.credentials.0) });
            (&secret.origin, "kubernetes.io/dockerconfigjson", data)
        }
    };
    json!({ "metadata": metadata(origin, None), "type": kind, "data": data })
}

const MODULES: &str = "modules";

/// Only digests; the bytes are put into `modules`.
pub(super) fn config_map(map: &Binary, modules: &mut BTreeMap<String, Arc<[u8]>>) -> Value {
    let digests = map.entries.iter().map(|(key, bytes)| {
        let digest = digest(bytes);
        modules.insert(digest.clone(), Arc::clone(bytes));
        (key.clone(), Value::from(digest))
    });
    let digests: Map<String, Value> = digests.collect();
    json!({ "metadata": metadata(&map.origin, None), MODULES: digests })
}

/// Puts the bytes back in place of the digests; what is lost is missing, as if the key were.
pub(super) fn with_modules(map: &mut Value, module: impl Fn(&str) -> Option<Arc<[u8]>>) {
    let digests = map.get(MODULES).and_then(Value::as_object).cloned().unwrap_or_default();
    let bytes = digests.iter().filter_map(|(key, digest)| {
        let bytes = module(digest.as_str()?)?;
        Some((key.clone(), Value::from(STANDARD.encode(bytes))))
    });
    put(map, "binaryData", Value::Object(bytes.collect()));
}
