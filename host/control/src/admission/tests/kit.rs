//! Short ways to fill an index, and to ask it about an object written as YAML.

use std::sync::Arc;

use cardea_model::compile::Options;
use cardea_model::config::{Config, ModuleSource};
use cardea_model::problem::{Problem, Severity};

use crate::admission::{Index, Scope, Writer, check};
use crate::file::{Object, parse};

/// Our class, two Services, a Policy and a Secret in namespace `shop`, and what `more` declares.
pub const WORLD: &str = "
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: cardea}
spec: {controller: cardea.dev/ingress}
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: k8s.io/ingress-nginx}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{name: http, port: 80}, {name: dns, port: 53, protocol: UDP}]}
---
apiVersion: v1
kind: Service
metadata: {name: outside, namespace: shop}
spec: {type: ExternalName, externalName: example.com}
---
apiVersion: cardea.dev/v1alpha1
kind: Policy
metadata: {name: guard, namespace: shop}
spec: {module: {configMap: {name: m, key: guard.wasm}}}
---
apiVersion: v1
kind: Secret
metadata: {name: shop-tls, namespace: shop}
type: kubernetes.io/tls
data: {tls.crt: YQ==, tls.key: Yg==}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: older, namespace: shop, creationTimestamp: '2026-01-01T00:00:00Z'}
spec:
  ingressClassName: cardea
  rules:
  - {host: a.test, http: {paths: [{path: /old, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: default, namespace: infra, creationTimestamp: '2026-01-01T00:00:00Z'}
spec:
  ingressClassName: cardea
  defaultBackend: {service: {name: web, port: {number: 80}}}
";

/// What a text declares, as a source would.
pub fn config(text: &str) -> Config {
    let parsed = parse("world.yaml", text.as_bytes());
    assert_eq!(parsed.problems, []);
    let mut config = Config::default();
    for object in parsed.objects {
        match object {
            Object::Class(object) => config.classes.push(object),
            Object::Ingress(object) => config.ingresses.push(object),
            Object::Service(object) => config.services.push(object),
            Object::Slice(object) => config.slices.push(object),
            Object::Secret(object) => config.secrets.push(object),
            Object::Policy(object) => {
                let none = ModuleSource::Missing { path: "".into(), message: String::new() };
                config.policies.push(Arc::new(object.with(none)));
            }
            _ => {}
        }
    }
    config
}

pub fn index(config: &Config) -> Arc<Index> {
    let mut writer = Writer::new(Options::default(), Scope::Everything);
    writer.update(config);
    writer.reader().get()
}

pub fn object(text: &str) -> Object {
    let mut parsed = parse("object.yaml", text.as_bytes());
    assert_eq!(parsed.problems, []);
    parsed.objects.pop().expect("a kind that is read")
}

/// `refused|warned field: message` of each.
pub fn told(problems: &[Problem]) -> Vec<String> {
    let line = |problem: &Problem| {
        let severity = if problem.severity == Severity::Error { "refused" } else { "warned" };
        assert!(!problem.remedy.is_empty());
        format!("{severity} {}: {}", problem.field, problem.message)
    };
    problems.iter().map(line).collect()
}

/// What is told about an object, in the world.
pub fn about(text: &str) -> Vec<String> {
    told(&check(&index(&config(WORLD)), &object(text), None))
}

/// An Ingress of `shop` named `new`, of our class, with this below `metadata` and `spec`.
pub fn ingress(annotations: &str, spec: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: new, namespace: shop, \
         creationTimestamp: '2026-06-01T00:00:00Z', annotations: {{{annotations}}}}}\n\
         spec: {{ingressClassName: cardea, {spec}}}\n"
    )
}

/// A spec with one rule and one path.
pub fn rule(host: &str, kind: &str, path: &str) -> String {
    format!("rules: [{{host: '{host}', http: {{paths: [{{pathType: {kind}, path: {path}, {WEB}}}]}}}}]")
}

pub const WEB: &str = "backend: {service: {name: web, port: {number: 80}}}";
