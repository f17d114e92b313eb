//! The manifests that the ingress serves: one route through the policy, and demo backends behind it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::OWN_BACKEND;
use super::builder::Built;
use crate::author::engine;
use crate::author::mistake::Mistake;
use crate::scenario::stage::INTERFACES;

/// A folder that goes away with it.
pub struct Site {
    root: TempDir,
    /// The author's own.
    manifest: Option<PathBuf>,
    backends: Vec<String>,
}

impl Site {
    pub fn make(backends: &[(String, SocketAddr)], manifest: Option<PathBuf>) -> Result<Self, Mistake> {
        let root = tempfile::tempdir().map_err(|error| Mistake::unwritable(&std::env::temp_dir(), error))?;
        let names = backends.iter().map(|(name, _)| name.clone()).collect();
        let site = Self { root, manifest, backends: names };
        let folder = site.manifests();
        std::fs::create_dir(&folder).map_err(|error| Mistake::unwritable(&folder, error))?;
        let class = json!({ "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": { "name": "cardea" },
            "spec": { "controller": "cardea.dev/ingress" } });
        let mut objects = vec![class];
        objects.extend(backends.iter().flat_map(|(name, address)| service(name, *address)));
        site.write("backends.yaml", documents(&objects))?;
        Ok(site)
    }

    pub fn manifests(&self) -> PathBuf {
        self.root.path().join("manifests")
    }

    /// Of compiled code; the ingress makes it.
    pub fn cache(&self) -> PathBuf {
        self.root.path().join("cache")
    }

    /// A new version: the module, and the policy as its manifest says now.
    pub fn put(&self, built: &Built) -> Result<(), Mistake> {
        let policy = self.policy(&built.name)?;
        let name = policy.pointer("/metadata/name").and_then(Value::as_str).unwrap_or(&built.name).to_owned();
        self.write("module.wasm", &built.bytes)?;
        self.write("policy.yaml", documents(&[policy]))?;
        self.write("route.yaml", documents(&[self.route(&name)]))
    }

    /// The author's Policy, but for where the module is.
    fn policy(&self, name: &str) -> Result<Value, Mistake> {
        let mut policy = match &self.manifest {
            Some(path) => declared(path)?,
            None => json!({ "apiVersion": "cardea.dev/v1alpha1", "kind": "Policy", "metadata": { "name": name },
                "spec": { "grants": { "interfaces": INTERFACES } } }),
        };
        if let Some(Value::Object(metadata)) = policy.get_mut("metadata") {
            metadata.insert("namespace".into(), "default".into());
        }
        if let Some(Value::Object(spec)) = policy.get_mut("spec") {
            spec.insert("module".into(), json!({ "file": "module.wasm" }));
        }
        Ok(policy)
    }

    /// Of every host and path.
    fn route(&self, policy: &str) -> Value {
        let others = self.backends.iter().filter(|name| *name != OWN_BACKEND);
        let named: Vec<String> = others.map(|name| format!("{name}={name}:80")).collect();
        let backend = json!({ "service": { "name": OWN_BACKEND, "port": { "number": 80 } } });
        let mut annotations = json!({ "cardea.dev/policies": policy });
        if let (false, Value::Object(annotations)) = (named.is_empty(), &mut annotations) {
            annotations.insert("cardea.dev/backends".into(), named.join(", ").into());
        }
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": { "name": "dev", "namespace": "default", "annotations": annotations },
            "spec": { "ingressClassName": "cardea",
                "rules": [{ "http": { "paths": [{ "path": "/", "pathType": "Prefix", "backend": backend }] } }] },
        })
    }

    /// In one step, so that the ingress reads the old file or the new one.
    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<(), Mistake> {
        let path = self.manifests().join(name);
        if std::fs::read(&path).is_ok_and(|old| old == bytes.as_ref()) {
            return Ok(());
        }
        let new = self.root.path().join("new");
        let written = std::fs::write(&new, bytes).and_then(|()| std::fs::rename(&new, &path));
        written.map_err(|error| Mistake::unwritable(&path, error))
    }
}

/// The one Policy of a manifest, as it is written there; checked as the ingress would.
fn declared(path: &Path) -> Result<Value, Mistake> {
    engine::declared(path)?;
    let text = std::fs::read_to_string(path).map_err(|error| Mistake::unreadable(path, &error))?;
    let documents = serde_yaml::Deserializer::from_str(&text).map(Value::deserialize).map_while(Result::ok);
    let found = documents.into_iter().find(|document| document.get("kind").is_some_and(|kind| kind == "Policy"));
    found.ok_or_else(|| {
        let what = format!("{} declares no Policy", path.display());
        Mistake::usage(what, "name a manifest with kind: Policy, apiVersion: cardea.dev/v1alpha1")
    })
}

fn service(name: &str, address: SocketAddr) -> [Value; 2] {
    let port = address.port();
    [
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": name, "namespace": "default" },
            "spec": { "ports": [{ "port": 80, "targetPort": port }] } }),
        json!({ "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": { "name": format!("{name}-1"), "namespace": "default",
                "labels": { "kubernetes.io/service-name": name } },
            "addressType": "IPv4", "ports": [{ "port": port }], "endpoints": [{ "addresses": [address.ip().to_string()] }] }),
    ]
}

/// JSON is YAML.
fn documents(objects: &[Value]) -> String {
    objects.iter().map(|object| format!("---\n{object}\n")).collect()
}
