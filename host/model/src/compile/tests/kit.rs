//! Short ways to declare objects in namespace `shop`, and to ask what is served.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::compile::{Options, compile};
use crate::config::{
    Config, Grants, Ingress, IngressBackend, IngressClass, IngressPath, IngressRule, IngressTls, Isolation, Limits,
    ModuleSource, Policy, Service, ServiceKind, ServicePort, ServicePortRef, TargetPort, TlsSecret,
};
use crate::problem::{Origin, Problem};
use crate::snapshot::{Action, PathKind, Route, Snapshot};

pub fn origin(kind: &'static str, name: &str) -> Origin {
    Origin { source: "test.yaml".into(), document: 1, kind, namespace: "shop".into(), name: name.into() }
}

/// Our class, and a few Services.
pub fn config() -> Config {
    Config {
        classes: vec![Arc::new(class("cardea", "cardea.dev/ingress"))],
        services: vec![
            Arc::new(service("web", &["http:80", "grpc:81:TCP:kubernetes.io/h2c", "dns:53:UDP", "safe:443:TCP:https"])),
            Arc::new(service("next", &["http:80"])),
            Arc::new(service("single", &[":8080"])),
            Arc::new(Service {
                kind: ServiceKind::ExternalName("example.com".into()),
                ..service("elsewhere", &["http:80"])
            }),
        ],
        ..Config::default()
    }
}

pub fn with(ingresses: Vec<Ingress>) -> Config {
    Config { ingresses: ingresses.into_iter().map(Arc::new).collect(), ..config() }
}

pub fn class(name: &str, controller: &str) -> IngressClass {
    let origin = Origin { namespace: "".into(), ..origin("IngressClass", name) };
    IngressClass { origin, controller: controller.into(), is_default: false, created: None }
}

/// Ports as `name:number[:protocol[:appProtocol]]`.
pub fn service(name: &str, ports: &[&str]) -> Service {
    let port = |text: &&str| {
        let parts: Vec<&str> = text.splitn(4, ':').collect();
        ServicePort {
            name: Some(parts[0]).filter(|name| !name.is_empty()).map(Into::into),
            port: parts[1].parse().unwrap(),
            target: TargetPort::Number(9000),
            protocol: parts.get(2).copied().unwrap_or("TCP").into(),
            app_protocol: parts.get(3).map(|text| (*text).into()),
        }
    };
    Service { origin: origin("Service", name), kind: ServiceKind::Endpoints, ports: ports.iter().map(port).collect() }
}

pub fn ingress(name: &str) -> Ingress {
    Ingress {
        origin: origin("Ingress", name),
        created: None,
        class_name: Some("cardea".into()),
        annotations: BTreeMap::new(),
        default_backend: None,
        rules: Vec::new(),
        tls: Vec::new(),
    }
}

impl Ingress {
    /// Paths as `Kind path service:port`; a host `""` is no host.
    pub fn rule(mut self, host: &str, paths: &[&str]) -> Self {
        let host = Some(host).filter(|host| !host.is_empty()).map(Into::into);
        self.rules.push(IngressRule { host, paths: Some(paths.iter().map(|text| path(text)).collect()) });
        self
    }

    /// A rule without `http`.
    pub fn bare_rule(mut self, host: &str) -> Self {
        self.rules.push(IngressRule { host: Some(host.into()), paths: None });
        self
    }

    pub fn default_to(mut self, target: &str) -> Self {
        self.default_backend = Some(backend(target));
        self
    }

    pub fn annotated(mut self, name: &str, value: &str) -> Self {
        self.annotations.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn created(mut self, seconds: i64) -> Self {
        self.created = Some(seconds);
        self
    }

    pub fn of(mut self, namespace: &str) -> Self {
        self.origin.namespace = namespace.into();
        self
    }

    pub fn secured(mut self, hosts: &[&str], secret: &str) -> Self {
        let secret_name = Some(secret).filter(|name| !name.is_empty()).map(Into::into);
        self.tls.push(IngressTls { hosts: hosts.iter().map(|host| (*host).into()).collect(), secret_name });
        self
    }
}

/// `-` stands for what is left out.
pub fn path(text: &str) -> IngressPath {
    let parts: Vec<&str> = text.split(' ').collect();
    let given = |text: &str| Some(text).filter(|text| *text != "-").map(Into::into);
    IngressPath { path_type: given(parts[0]), path: given(parts[1]), backend: backend(parts[2]) }
}

/// `service:port`, or `Kind/name` for a resource.
pub fn backend(text: &str) -> IngressBackend {
    if let Some((kind, name)) = text.split_once('/') {
        let group = if kind == "Policy" { "cardea.dev" } else { "" };
        return IngressBackend::Resource { group: group.to_owned(), kind: kind.to_owned(), name: name.to_owned() };
    }
    let Some((name, port)) = text.split_once(':') else {
        return IngressBackend::Invalid { message: text.to_owned() };
    };
    let port = port.parse().map_or_else(|_| ServicePortRef::Name(port.into()), ServicePortRef::Number);
    IngressBackend::Service { name: name.into(), port }
}

pub fn policy(name: &str) -> Policy {
    Policy {
        origin: origin("Policy", name),
        module: ModuleSource::Bytes { path: "policy.wasm".into(), bytes: Arc::from([]) },
        generation: 0,
        digest: None,
        config: "null".into(),
        grants: Grants::default(),
        limits: Limits::default(),
        failure_mode: crate::config::FailureMode::Deny,
        isolation: Isolation::Pooled,
        proxy_wasm: None,
    }
}

pub fn secret(name: &str) -> TlsSecret {
    TlsSecret { origin: origin("Secret", name), certificate_pem: Arc::from([]), key_pem: Arc::from([]) }
}

/// A compiled configuration, to be asked.
pub struct Served {
    pub snapshot: Snapshot,
    pub problems: Vec<Problem>,
}

pub fn serve(config: &Config) -> Served {
    serve_as(config, &Options::default())
}

pub fn serve_as(config: &Config, options: &Options) -> Served {
    let (snapshot, problems) = compile(config, options);
    Served { snapshot, problems }
}

impl Served {
    /// `ingress Kind path -> backend`, `ingress Kind path -> 503 reason`, or `404`.
    pub fn answer(&self, host: &str, path: &str) -> String {
        let Some(route) = self.route(host, path) else { return "404".to_owned() };
        let target = match &route.action {
            Action::Forward(id) => self.snapshot.backends.get(id.0 as usize).unwrap().name.to_string(),
            Action::Answer => String::from("policy"),
            Action::Unavailable(reason) => format!("503 {reason}"),
        };
        let kind = match route.kind {
            PathKind::Exact => "Exact",
            PathKind::Prefix => "Prefix",
            PathKind::Default => "Default",
        };
        format!("{} {kind} {} -> {target}", route.origin.name, route.path)
    }

    pub fn route(&self, host: &str, path: &str) -> Option<&Route> {
        self.snapshot.index.find(host, path).map(|id| &**self.snapshot.routes.get(id.0 as usize).unwrap())
    }

    /// `object: field: message` of each problem.
    pub fn told(&self) -> Vec<String> {
        let line = |problem: &Problem| format!("{}: {}: {}", problem.origin.name, problem.field, problem.message);
        self.problems.iter().map(line).collect()
    }

    #[track_caller]
    pub fn check(&self, rows: &[(&str, &str, &str)]) {
        for (host, path, want) in rows {
            assert_eq!(self.answer(host, path), *want, "{host}{path}");
        }
    }

    /// Each text is in a problem of its own, there are no others, and all say what to do.
    #[track_caller]
    pub fn check_told(&self, want: &[&str]) {
        let told = self.told();
        assert_eq!(told.len(), want.len(), "{told:#?}");
        let mut left = told.clone();
        for want in want {
            let at = left.iter().position(|told| told.contains(want));
            left.remove(at.unwrap_or_else(|| panic!("{told:#?}\nis not about\n{want}")));
        }
        assert!(self.problems.iter().all(|problem| !problem.remedy.is_empty()));
    }
}
