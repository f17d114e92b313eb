//! What a file sets up before its first step: backends, certificates, and the manifests that declare them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Apply, CertificateSpec, PolicySpec, Scenario, SiteSpec};
use crate::backend::{Backend, Protocol, Stage};
use crate::certificate::Certificate;
use crate::guest;
use crate::ingress::Manifests;

/// What runs beside the ingress, and what placeholders stand for.
pub struct Given {
    pub backends: BTreeMap<String, Backend>,
    pub certificates: BTreeMap<String, Certificate>,
    /// Other placeholders, `${NAME}`.
    variables: BTreeMap<String, Value>,
}

pub async fn set_up(scenario: &Scenario, manifests: &Manifests, stage: &Stage) -> Result<Given> {
    let mut given = Given::empty(BTreeMap::new());
    for (name, spec) in &scenario.backends {
        given.backends.insert(name.clone(), Backend::start(name, spec, stage).await?);
    }
    given.make_certificates(scenario)?;
    let mut objects = Vec::new();
    if !scenario.no_class {
        objects.push(class());
    }
    given.declare_backends(&mut objects);
    given.declare_certificates(scenario, &mut objects);
    for (name, policy) in &scenario.policies {
        manifests.write(&format!("{name}.wasm"), &module(&policy.module)?)?;
        objects.push(declare_policy(name, policy, json!({"file": format!("{name}.wasm")})));
    }
    objects.extend(scenario.sites.iter().map(|(host, site)| declare_site(host, site, "cardea")));
    manifests.write("setup.yaml", &documents(&objects)?)?;
    let mut declared = Vec::new();
    for object in &scenario.given {
        match object {
            Value::String(name) => manifests.write(&format!("{name}.yaml"), &documents(&given.objects(object)?)?)?,
            object => declared.extend(given.objects(object)?),
        }
    }
    manifests.write("given.yaml", &documents(&declared)?)?;
    Ok(given)
}

impl Given {
    pub fn empty(variables: BTreeMap<String, Value>) -> Self {
        Self { backends: BTreeMap::new(), certificates: BTreeMap::new(), variables }
    }

    /// `${folder}` is a folder of the file's own, for flags.
    pub fn name_folder(&mut self, folder: &std::path::Path) {
        self.variables.insert("folder".to_owned(), folder.display().to_string().into());
    }

    pub fn make_certificates(&mut self, scenario: &Scenario) -> Result<()> {
        for (name, spec) in &scenario.certificates {
            let (CertificateSpec::Hosts(hosts) | CertificateSpec::Bare { hosts, .. }) = spec;
            self.certificates.insert(name.clone(), Certificate::new(name, hosts)?);
        }
        Ok(())
    }

    /// The content that a step applies.
    pub fn content(&self, apply: &Apply) -> Result<Vec<u8>> {
        match (&apply.text, &apply.module) {
            (Some(text), _) => Ok(text.clone().into_bytes()),
            (None, Some(name)) => module(name),
            (None, None) => {
                documents(&apply.objects.iter().map(|object| self.fill(object)).collect::<Result<Vec<_>>>()?)
            }
        }
    }

    /// An object, or those of a file of `scenarios/given/`, with placeholders filled.
    pub fn objects(&self, object: &Value) -> Result<Vec<Value>> {
        let Value::String(name) = object else { return Ok(vec![self.fill(object)?]) };
        let path = guest::root().join("tests/scenarios/given").join(format!("{name}.yaml"));
        let text = std::fs::read_to_string(&path).with_context(|| format!("given {name}"))?;
        let mut objects = Vec::new();
        for document in serde_yaml::Deserializer::from_str(&text) {
            objects.push(self.fill(&serde::Deserialize::deserialize(document)?)?);
        }
        Ok(objects)
    }

    /// A name with placeholders.
    pub fn fill_name(&self, name: &str) -> Result<String> {
        let filled = self.fill_text(name)?;
        Ok(filled.as_str().map_or_else(|| filled.to_string(), str::to_owned))
    }

    /// Fills `${port:NAME}`, `${ip:NAME}`, `${address:NAME}`, `${certificate:NAME}` and `${key:NAME}`, wherever a string has them.
    pub fn fill(&self, value: &Value) -> Result<Value> {
        Ok(match value {
            Value::String(text) => self.fill_text(text)?,
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect::<Result<_>>()?,
            Value::Object(map) => {
                let filled = map.iter().map(|(key, item)| Ok((key.clone(), self.fill(item)?)));
                Value::Object(filled.collect::<Result<_>>()?)
            }
            other => other.clone(),
        })
    }

    fn fill_text(&self, text: &str) -> Result<Value> {
        let Some((before, rest)) = text.split_once("${") else { return Ok(text.into()) };
        let (placeholder, after) = rest.split_once('}').with_context(|| format!("no }} in {text:?}"))?;
        let filled = self.placeholder(placeholder)?;
        if before.is_empty() && after.is_empty() {
            return Ok(filled);
        }
        let filled = filled.as_str().map_or_else(|| filled.to_string(), str::to_owned);
        self.fill_text(&format!("{before}{filled}{after}"))
    }

    fn placeholder(&self, placeholder: &str) -> Result<Value> {
        if let Some(value) = self.variables.get(placeholder) {
            return Ok(value.clone());
        }
        let (kind, name) = placeholder.split_once(':').with_context(|| placeholder.to_owned())?;
        let backend = || self.backends.get(name).with_context(|| format!("no backend {name}"));
        let certificate = || self.certificates.get(name).with_context(|| format!("no certificate {name}"));
        Ok(match kind {
            "ip" => backend()?.address.ip().to_string().into(),
            "port" => backend()?.address.port().into(),
            "address" => backend()?.address.to_string().into(),
            "certificate" => STANDARD.encode(&certificate()?.certificate_pem).into(),
            "key" => STANDARD.encode(&certificate()?.key_pem).into(),
            _ => bail!("unknown placeholder {placeholder}"),
        })
    }

    /// A Service for each name that backends share, and a slice for each backend, since each has its own port.
    fn declare_backends(&self, objects: &mut Vec<Value>) {
        let mut services = BTreeMap::new();
        for backend in self.backends.values().filter(|backend| !backend.spec.bare) {
            let service = backend.spec.service.clone().unwrap_or_else(|| backend.name.clone());
            let app_protocol = backend.spec.app_protocol.clone();
            let app_protocol =
                app_protocol.or((backend.spec.protocol == Protocol::H2c).then(|| "kubernetes.io/h2c".to_owned()));
            objects.push(slice(&backend.name, &service, backend.address.port()));
            services.insert(service, app_protocol);
        }
        for (name, app_protocol) in services {
            let mut port = json!({"name": "http", "port": 80, "targetPort": 8080});
            if let (Some(port), Some(protocol)) = (port.as_object_mut(), app_protocol) {
                port.insert("appProtocol".to_owned(), protocol.into());
            }
            objects.push(json!({
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
                "spec": {"selector": {"app": name}, "ports": [port]},
            }));
        }
    }

    fn declare_certificates(&self, scenario: &Scenario, objects: &mut Vec<Value>) {
        for (name, spec) in &scenario.certificates {
            if let Some(certificate) = self.certificates.get(name).filter(|_| !spec.is_bare()) {
                objects.push(certificate.secret("default", name));
            }
        }
    }
}

fn class() -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "cardea"},
        "spec": {"controller": "cardea.dev/ingress"},
    })
}

fn slice(name: &str, service: &str, port: u16) -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": format!("{name}-1"), "namespace": "default", "labels": {"kubernetes.io/service-name": service}},
        "ports": [{"name": "http", "port": port}],
        "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": true}}],
    })
}

pub fn declare_policy(name: &str, policy: &PolicySpec, module: Value) -> Value {
    let mut spec = policy.spec.clone();
    spec.insert("module".to_owned(), module);
    json!({
        "apiVersion": "cardea.dev/v1alpha1", "kind": "Policy",
        "metadata": {"name": name, "namespace": "default"}, "spec": spec,
    })
}

pub fn declare_site(host: &str, site: &SiteSpec, class: &str) -> Value {
    let mut annotations = serde_json::Map::new();
    let backend = match site {
        SiteSpec::Backend(backend) => backend,
        SiteSpec::Policies { backend, policies, annotations: more } => {
            annotations.extend(policies.iter().map(|names| ("cardea.dev/policies".to_owned(), names.clone().into())));
            annotations.extend(more.iter().map(|(name, value)| (format!("cardea.dev/{name}"), value.clone().into())));
            backend
        }
    };
    let service = json!({"service": {"name": backend, "port": {"number": 80}}});
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": host, "namespace": "default", "annotations": annotations},
        "spec": {
            "ingressClassName": class,
            "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": service}]}}],
        },
    })
}

/// The bytes that `wat:NAME`, `shipped:NAME`, `built:ABI/NAME`, `component:ABI/NAME` or `text:...` stands for.
pub fn module(name: &str) -> Result<Vec<u8>> {
    match name.split_once(':') {
        Some(("wat", name)) => guest::component(name),
        Some(("component", name)) => guest::made(name),
        Some(("shipped", name)) => guest::shipped(name),
        Some(("built", name)) => guest::built(name),
        Some(("text", text)) => Ok(text.as_bytes().to_vec()),
        _ => bail!("a module is wat:NAME, shipped:NAME, built:ABI/NAME, component:ABI/NAME or text:..., not {name:?}"),
    }
}

/// JSON is YAML.
fn documents(objects: &[Value]) -> Result<Vec<u8>> {
    let texts = objects.iter().map(serde_json::to_string_pretty).collect::<Result<Vec<_>, _>>()?;
    Ok((texts.join("\n---\n") + "\n").into_bytes())
}
