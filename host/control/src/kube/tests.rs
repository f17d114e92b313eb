//! Tables: one object in YAML, and what was read of it or the problems as a person sees them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use cardea_model::config::*;

use super::policy::ModuleRef;
use super::*;
use crate::fetch::Remote;
use crate::file::{Object, parse};

fn one(yaml: &str) -> Object {
    let parsed = parse("a.yaml", yaml.as_bytes());
    assert_eq!(parsed.problems, []);
    assert_eq!(parsed.objects.len(), 1, "{yaml}");
    parsed.objects[0].clone()
}

#[track_caller]
fn mistakes(yaml: &str, expected: &[&str]) {
    let parsed = parse("a.yaml", yaml.as_bytes());
    let found: Vec<String> = parsed.problems.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected);
}

fn ingress(yaml: &str) -> Arc<Ingress> {
    match one(&format!("apiVersion: networking.k8s.io/v1\nkind: Ingress\n{yaml}")) {
        Object::Ingress(ingress) => ingress,
        other => panic!("{other:?}"),
    }
}

/// The only backend of an Ingress with this `backend`.
fn backend(yaml: &str) -> IngressBackend {
    let ingress = ingress(&format!("metadata: {{name: a}}\nspec: {{defaultBackend: {yaml}}}"));
    ingress.default_backend.clone().unwrap()
}

#[test]
fn an_ingress_keeps_what_routing_needs_as_written() {
    let read = ingress(
        r#"
metadata:
  name: shop
  namespace: web
  creationTimestamp: "1970-01-02T00:00:00Z"
  annotations: {cardea.dev/policies: "a, b"}
  managedFields: [{manager: kubectl}]
spec:
  ingressClassName: cardea
  madeUp: true
  tls: [{hosts: [shop.test], secretName: cert}, {hosts: ["*.shop.test"]}]
  defaultBackend: {service: {name: rest, port: {name: http}}}
  rules:
  - host: "*.Shop.test"
    http:
      paths:
      - {path: /cart, pathType: Exact, backend: {service: {name: cart, port: {number: 8080}}}}
      - {backend: {resource: {apiGroup: k8s.example.com, kind: Bucket, name: icons}}}
  - host: bare.test
"#,
    );
    assert_eq!(read.origin.to_string(), "Ingress web/shop (a.yaml, document 1)");
    assert_eq!(read.created, Some(86_400));
    assert_eq!(read.class_name.as_deref(), Some("cardea"));
    assert_eq!(read.annotations["cardea.dev/policies"], "a, b");
    assert_eq!(
        read.default_backend,
        Some(IngressBackend::Service { name: "rest".into(), port: ServicePortRef::Name("http".into()) })
    );
    let path = |path: Option<&str>, kind: Option<&str>, backend| IngressPath {
        path: path.map(Arc::from),
        path_type: kind.map(Arc::from),
        backend,
    };
    let cart = IngressBackend::Service { name: "cart".into(), port: ServicePortRef::Number(8080) };
    let icons =
        IngressBackend::Resource { group: "k8s.example.com".into(), kind: "Bucket".into(), name: "icons".into() };
    let paths = vec![path(Some("/cart"), Some("Exact"), cart), path(None, None, icons)];
    let rules = [
        IngressRule { host: Some("*.Shop.test".into()), paths: Some(paths) },
        IngressRule { host: Some("bare.test".into()), paths: None },
    ];
    assert_eq!(read.rules, rules);
    let tls = [
        IngressTls { hosts: vec!["shop.test".into()], secret_name: Some("cert".into()) },
        IngressTls { hosts: vec!["*.shop.test".into()], secret_name: None },
    ];
    assert_eq!(read.tls, tls);
}

#[test]
fn the_namespace_is_default_where_none_is_given() {
    assert_eq!(&*ingress("metadata: {name: a}\nspec: {}").origin.namespace, "default");
    assert_eq!(&*ingress("metadata: {name: a, namespace: ''}\nspec: {}").origin.namespace, "default");
}

#[test]
fn a_backend_that_is_not_exactly_one_thing_says_why() {
    let cases = [
        ("{}", "names neither a service nor a resource"),
        (
            "{service: {name: a, port: {number: 1}}, resource: {kind: B, name: c}}",
            "names both a service and a resource",
        ),
        ("{service: {port: {number: 1}}}", "service.name is missing"),
        ("{service: {name: a}}", "service.port has neither a name nor a number"),
        ("{service: {name: a, port: {name: b, number: 1}}}", "service.port has both a name and a number"),
        ("{service: {name: a, port: {number: 70000}}}", "service.port.number 70000 is not between 1 and 65535"),
        ("{service: {name: a, port: {number: 0}}}", "service.port.number 0 is not between 1 and 65535"),
        ("{service: {name: a, port: {number: -1}}}", "service.port.number -1 is not between 1 and 65535"),
    ];
    for (yaml, message) in cases {
        assert_eq!(backend(yaml), IngressBackend::Invalid { message: message.into() }, "{yaml}");
    }
}

#[test]
fn an_ingress_without_spec_or_name_is_a_problem() {
    mistakes(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\n",
        &["Ingress default/a (a.yaml, document 1): spec: is missing; declare rules or a defaultBackend"],
    );
    mistakes(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {namespace: web}\nspec: {}\n",
        &["Ingress web/ (a.yaml, document 1): metadata.name: is missing; give the object a name"],
    );
}

#[test]
fn a_wrong_type_names_field_line_and_remedy() {
    let text = "# first line\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: a\nspec:\n  rules:\n  - host: [a]\n";
    mistakes(
        text,
        &["Ingress default/a (a.yaml, document 1): spec.rules[0].host: invalid type: sequence, expected a string \
           (line 8); give a value of the type that is expected"],
    );
}

#[test]
fn an_ingress_class_is_default_only_if_its_annotation_says_true() {
    for (value, expected) in [("'true'", true), ("'false'", false), ("'True'", false)] {
        let text = format!(
            "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata:\n  name: c\n  annotations:\n    \
             ingressclass.kubernetes.io/is-default-class: {value}\nspec: {{controller: cardea.dev/ingress}}\n"
        );
        let Object::Class(class) = one(&text) else { panic!("{text}") };
        assert_eq!(
            (class.is_default, &*class.controller, &*class.origin.namespace),
            (expected, "cardea.dev/ingress", "")
        );
    }
    mistakes(
        "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: c}\n",
        &[
            "IngressClass c (a.yaml, document 1): spec.controller: is missing; name the controller that serves the class, \
           such as cardea.dev/ingress",
        ],
    );
}

fn service(spec: &str) -> Arc<Service> {
    match one(&format!("apiVersion: v1\nkind: Service\nmetadata: {{name: s}}\nspec: {spec}\n")) {
        Object::Service(service) => service,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_service_port_defaults_its_target_and_protocol() {
    let read = service(
        "{ports: [{name: a, port: 80}, {name: b, port: 81, targetPort: web, protocol: UDP}, \
         {name: c, port: 82, targetPort: 8082, appProtocol: kubernetes.io/h2c}, {name: d, port: 83, targetPort: 0}]}",
    );
    let ports: Vec<_> = read.ports.iter().map(|port| (port.port, port.target.clone(), &*port.protocol)).collect();
    let expected = [
        (80, TargetPort::Number(80), "TCP"),
        (81, TargetPort::Name("web".into()), "UDP"),
        (82, TargetPort::Number(8082), "TCP"),
        (83, TargetPort::Number(83), "TCP"),
    ];
    assert_eq!(ports, expected);
    assert_eq!(read.ports[2].app_protocol.as_deref(), Some("kubernetes.io/h2c"));
    assert_eq!(read.kind, ServiceKind::Endpoints);
}

#[test]
fn an_external_name_is_kept() {
    let read = service("{type: ExternalName, externalName: db.example.com}");
    assert_eq!(read.kind, ServiceKind::ExternalName("db.example.com".into()));
}

#[test]
fn every_mistake_of_a_service_is_listed() {
    mistakes(
        "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 0}, {name: b, port: 1, targetPort: 99999}]}",
        &[
            "Service default/s (a.yaml, document 1): spec.ports[0].name: is missing; name each port of a Service that has several",
            "Service default/s (a.yaml, document 1): spec.ports[0].port: 0 is not a port; give a number between 1 and 65535",
            "Service default/s (a.yaml, document 1): spec.ports[1].targetPort: 99999 is not a port; give a number between 1 and 65535",
        ],
    );
    mistakes(
        "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {type: ExternalName}",
        &[
            "Service default/s (a.yaml, document 1): spec.externalName: is missing; name the outside host, or leave out type: ExternalName",
        ],
    );
}

fn slice(rest: &str) -> Arc<EndpointSlice> {
    let text = format!("apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\n{rest}");
    match one(&text) {
        Object::Slice(slice) => slice,
        other => panic!("{other:?}"),
    }
}

#[test]
fn unset_conditions_count_as_ready_and_serving() {
    let read = slice(
        "metadata: {name: e}\nendpoints:\n- {addresses: [127.0.0.1]}\n\
         - {addresses: ['::1'], conditions: {ready: false, serving: true, terminating: true}}\n\
         - {addresses: [10.0.0.1], conditions: {ready: false, serving: false}}\n",
    );
    let states: Vec<_> = read.endpoints.iter().map(|one| (one.ready, one.serving, one.terminating)).collect();
    assert_eq!(states, [(true, true, false), (false, true, true), (false, false, false)]);
    assert_eq!(read.endpoints[1].addresses, ["::1".parse::<std::net::IpAddr>().unwrap()]);
    assert_eq!(read.service, None);
}

#[test]
fn an_endpoint_has_the_labels_that_a_policy_may_choose_by() {
    let read = slice(
        "metadata:\n  name: e\n  labels: {kubernetes.io/service-name: shop, \
         endpointslice.kubernetes.io/managed-by: me, version: v1, zone: from-slice}\n\
         ports: [{name: '', port: 8080}, {name: grpc, appProtocol: kubernetes.io/h2c}]\n\
         endpoints:\n- addresses: [127.0.0.1]\n  zone: eu-1\n  nodeName: n1\n  hostname: h\n  \
         targetRef: {kind: Pod, name: shop-1}\n  deprecatedTopology: {version: v2}\n",
    );
    assert_eq!(read.service.as_deref(), Some("shop"));
    let labels: Vec<_> = read.endpoints[0].labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(labels, ["hostname=h", "node=n1", "pod=shop-1", "version=v2", "zone=eu-1"]);
    assert_eq!((read.ports[0].name.as_deref(), read.ports[0].port), (None, Some(8080)));
    assert_eq!((read.ports[1].name.as_deref(), read.ports[1].port), (Some("grpc"), None));
}

#[test]
fn a_slice_that_holds_no_ip_addresses_is_a_problem() {
    let text =
        |rest: &str| format!("apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{name: e}}\n{rest}");
    mistakes(
        &text("addressType: FQDN\nendpoints: [{addresses: [a.test]}]\n"),
        &[
            "EndpointSlice default/e (a.yaml, document 1): addressType: FQDN is not served; use IPv4 or IPv6 addresses, or a Service of type ExternalName",
        ],
    );
    mistakes(
        &text("addressType: IPv4\nports: [{port: 70000}]\nendpoints: [{addresses: ['127.0.0.1:80']}]\n"),
        &[
            "EndpointSlice default/e (a.yaml, document 1): ports[0].port: 70000 is not a port; give a number between 1 and 65535",
            "EndpointSlice default/e (a.yaml, document 1): endpoints[0].addresses[0]: \"127.0.0.1:80\" is not an IP address; give an IPv4 or IPv6 address without a port",
        ],
    );
}

fn secret(rest: &str) -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: cert}}\n{rest}")
}

#[test]
fn a_tls_secret_is_decoded_and_string_data_wins() {
    let text = secret(
        "type: kubernetes.io/tls\ndata:\n  tls.crt: |\n    Q0VS\n    VA==\n  tls.key: T0xE\nstringData: {tls.key: NEW}\n",
    );
    let Object::Secret(read) = one(&text) else { panic!("{text}") };
    assert_eq!((&*read.certificate_pem, &*read.key_pem), (&b"CERT"[..], &b"NEW"[..]));
}

#[test]
fn a_secret_of_another_type_is_nothing() {
    for kind in ["type: Opaque\n", ""] {
        let parsed = parse("a.yaml", secret(&format!("{kind}data: {{password: cGFzcw==}}\n")).as_bytes());
        assert_eq!((parsed.objects, parsed.problems), (vec![], vec![]));
    }
}

#[test]
fn no_problem_of_a_secret_shows_its_content() {
    let cases = [
        "type: kubernetes.io/tls\ndata: TOPSECRET\n",
        "type: kubernetes.io/tls\ndata: {tls.crt: '!TOPSECRET', tls.key: '!TOPSECRET'}\n",
        "type: kubernetes.io/tls\ndata: {tls.crt: [TOPSECRET]}\n",
        "type: kubernetes.io/tls\ndata: {tls.crt: Q0VSVA==}\nstringData: TOPSECRET\n",
        "type: kubernetes.io/tls\ndata: {tls.crt: \"TOPSECRET\n",
        "type: kubernetes.io/tls\nstringData: {tls.key: TOPSECRET}\n",
    ];
    for rest in cases {
        for text in [secret(rest), secret(rest).replace("kind: Secret", "kind: 'Secret'"), "TOPSECRET".to_owned()] {
            let parsed = parse("a.yaml", text.as_bytes());
            let shown = format!("{:?}", parsed.problems);
            assert!(!parsed.problems.is_empty() && !shown.contains("TOPSECRET"), "{text}\n{shown}");
        }
    }
    mistakes(
        &secret("type: kubernetes.io/tls\ndata: {tls.crt: Q0VSVA==}\n"),
        &[
            "Secret default/cert (a.yaml, document 1): data[tls.key]: is missing or empty; a Secret of type kubernetes.io/tls \
           holds PEM, in base64, under both tls.crt and tls.key",
        ],
    );
    mistakes(
        &secret("type: kubernetes.io/tls\ndata: {tls.crt: 'a!'}\n"),
        &[
            "Secret default/cert (a.yaml, document 1): data[tls.crt]: is not base64; encode the value as standard base64",
        ],
    );
}

fn policy_text(spec: &str) -> String {
    format!("apiVersion: cardea.dev/v1alpha1\nkind: Policy\nmetadata: {{name: p}}\nspec:\n{spec}")
}

fn declared(spec: &str) -> Policy {
    let Object::Policy(policy) = one(&policy_text(spec)) else { panic!("{spec}") };
    policy.with(ModuleSource::Missing { path: "".into(), message: String::new() })
}

#[test]
fn a_policy_says_where_its_module_is() {
    let reference = |spec: &str| match one(&policy_text(spec)) {
        Object::Policy(policy) => policy.module.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(reference("  module: {file: ../a.wasm}\n"), ModuleRef::File("../a.wasm".into()));
    assert_eq!(
        reference("  module: {configMap: {name: m, key: a.wasm}}\n"),
        ModuleRef::ConfigMap { name: "m".into(), key: "a.wasm".into() }
    );
    let oci = |seconds, pull_secret: Option<&str>| ModuleRef::Remote {
        remote: Remote::Oci { image: "a.io/b:v1".into(), interval: Duration::from_secs(seconds) },
        pull_secret: pull_secret.map(str::to_owned),
    };
    assert_eq!(reference("  module: {oci: {image: 'a.io/b:v1'}}\n"), oci(300, None));
    let all = "  module: {oci: {image: 'a.io/b:v1', pullSecret: s, interval: 1h}}\n";
    assert_eq!(reference(all), oci(3600, Some("s")));
    let digest = "0a".repeat(32);
    let url = format!("  module: {{http: {{url: 'https://a.io/b.wasm'}}, digest: 'sha256:{digest}'}}\n");
    let remote = Remote::Http { url: "https://a.io/b.wasm".into() };
    assert_eq!(reference(&url), ModuleRef::Remote { remote, pull_secret: None });
}

#[test]
fn a_place_that_no_module_can_come_from_is_refused() {
    let image = "write it in full: registry.example.com/team/policy:v1, or with @sha256: and the digest";
    for (module, expected) in [
        ("{oci: {image: 'b:v1'}}", format!("oci.image: \"b:v1\" names no registry; {image}")),
        ("{oci: {image: 'a.io/b'}}", format!("oci.image: \"a.io/b\" has neither a tag nor a digest; {image}")),
        (
            "{oci: {image: 'a.io/b:1', interval: 10ms}}",
            "oci.interval: is shorter than 1s; write a whole number and a unit, at least 1s, such as 5m".into(),
        ),
        (
            "{oci: {image: 'a.io/b:1', pullSecret: ''}}",
            "oci.pullSecret: is empty; name a Secret, or leave the field out".into(),
        ),
        (
            "{http: {url: 'https://a.io/b'}}",
            "digest: is missing, and a module from a URL needs one; add the sha256 digest of the module, which \
             `cardea policy inspect` prints"
                .into(),
        ),
        (
            "{http: {url: 'file:///b'}, digest: 'sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a'}",
            "http.url: \"file:///b\" is not an http or https URL; write https://host/path, without user and password"
                .into(),
        ),
    ] {
        let expected = format!("Policy default/p (a.yaml, document 1): spec.module.{expected}");
        mistakes(&policy_text(&format!("  module: {module}\n")), &[&expected]);
    }
}

#[test]
fn a_policy_with_a_module_only_has_the_defaults() {
    let read = declared("  module: {file: a.wasm}\n");
    assert_eq!(&*read.config, "null");
    assert_eq!((read.limits, read.grants), (Limits::default(), Grants::default()));
    assert_eq!((read.failure_mode, read.isolation, read.digest), (FailureMode::Deny, Isolation::Pooled, None));
}

#[test]
fn every_field_of_a_policy_is_read() {
    let digest = format!("sha256:{}", "0a".repeat(32));
    let read = declared(&format!(
        "  module: {{file: a.wasm, digest: '{digest}'}}\n  config: {{percent: 5, hosts: [a, b], none: null}}\n  \
         grants: {{interfaces: [log, kv-local, log], headers: [X-Forwarded-For], \
         upstreams: {{auth: 'auth-service:8080', users: 'users:http'}}}}\n  \
         limits: {{deadline: 500us, memory: 1Mi, body: 1024}}\n  failureMode: Skip\n  isolation: request\n"
    ));
    assert_eq!(&*read.config, r#"{"hosts":["a","b"],"none":null,"percent":5}"#);
    assert_eq!(read.digest, Some(digest));
    assert_eq!(read.grants.interfaces, ["log", "kv-local"]);
    assert_eq!(read.grants.headers, ["x-forwarded-for"]);
    let upstreams = [
        ("auth", "auth-service", ServicePortRef::Number(8080)),
        ("users", "users", ServicePortRef::Name("http".into())),
    ];
    let upstreams =
        upstreams.map(|(name, service, port)| Upstream { name: name.into(), service: service.into(), port });
    assert_eq!(read.grants.upstreams, upstreams);
    let limits = Limits { deadline: Duration::from_micros(500), memory_bytes_max: 1 << 20, body_bytes_max: 1024 };
    assert_eq!(read.limits, limits);
    assert_eq!((read.failure_mode, read.isolation), (FailureMode::Skip, Isolation::Request));
}

#[test]
fn a_misspelt_field_of_a_policy_is_an_error_that_names_it() {
    let cases = [
        (
            "  module: {file: a}\n  limts: {}\n",
            "spec.limts: unknown field `limts`, expected one of `module`, `config`, `grants`, `limits`, `failureMode`, `isolation`, `proxyWasm` (line 6); correct the spelling, or remove the field",
        ),
        (
            "  module: {file: a}\n  limits: {dedline: 5ms}\n",
            "spec.limits.dedline: unknown field `dedline`, expected one of `deadline`, `memory`, `body` (line 6); correct the spelling, or remove the field",
        ),
        (
            "  module: {file: a}\n  grants: [log]\n",
            "spec.grants: invalid type: sequence, expected interfaces, headers and upstreams, such as { interfaces: [log] } (line 6); give a value of the type that is expected",
        ),
        (
            "  module: {file: a}\n  grants: {interfaces: [logs]}\n",
            "spec.grants.interfaces[0]: unknown variant `logs`, expected one of `log`, `metrics`, `clock`, `random`, `kv-local`, `counters` (line 6); use one of the values that are listed",
        ),
        (
            "  module: {file: a}\n  failureMode: Open\n",
            "spec.failureMode: unknown variant `Open`, expected `Deny` or `Skip` (line 6); use one of the values that are listed",
        ),
        ("  config: {}\n", "spec.module: missing field `module` (line 5); add the field"),
        (
            "  module: {file: a}\n  limits: {memory: [1]}\n",
            "spec.limits.memory: invalid type: sequence, expected a whole number of bytes, or text such as 16Mi (line 6); give a value of the type that is expected",
        ),
    ];
    for (spec, expected) in cases {
        mistakes(&policy_text(spec), &[&format!("Policy default/p (a.yaml, document 1): {expected}")]);
    }
}

#[test]
fn every_value_of_a_policy_that_cannot_be_read_is_listed() {
    let spec = "  module: {digest: sha256:12}\n  grants: {headers: ['a b'], upstreams: {a: web, b: 'web:0', c: 'w b:80'}}\n  \
                limits: {deadline: 5, memory: 16MB, body: 4Gi}\n";
    let expected = [
        "spec.module.digest: \"sha256:12\" is not a digest; write sha256: and 64 lower case hexadecimal digits",
        "spec.module: has none of file, configMap, oci and http; give one of them",
        "spec.limits.deadline: \"5\" has no unit: us, ms, s, m or h; write a whole number and a unit, such as 5ms",
        "spec.limits.memory: \"16MB\" has the unit \"MB\", which is none of Ki, Mi, Gi, Ti, k, M, G, T; write a whole number and a unit, such as 16Mi",
        "spec.limits.body: \"4Gi\" is 4 GiB or more; write a whole number and a unit, such as 16Mi",
        "spec.grants.headers[0]: \"a b\" is not a header name; use letters, digits and hyphens",
        "spec.grants.upstreams.a: \"web\" is not service:port; write a Service of this namespace and its port, such as auth:8080",
        "spec.grants.upstreams.b: \"web:0\" is not service:port; write a Service of this namespace and its port, such as auth:8080",
        "spec.grants.upstreams.c: \"w b:80\" is not service:port; write a Service of this namespace and its port, such as auth:8080",
    ];
    let expected = expected.map(|text| format!("Policy default/p (a.yaml, document 1): {text}"));
    let spec = spec.replace("deadline: 5,", "deadline: '5',");
    mistakes(&policy_text(&spec), &expected.each_ref().map(String::as_str));
    mistakes(
        &policy_text("  module: {file: a, configMap: {name: b, key: c}}\n  limits: {deadline: 0ms, memory: 0}\n"),
        &[
            "Policy default/p (a.yaml, document 1): spec.module: has both file and configMap; keep one of them",
            "Policy default/p (a.yaml, document 1): spec.limits.deadline: is zero; give the policy some time, such as 5ms",
            "Policy default/p (a.yaml, document 1): spec.limits.memory: is zero; write a whole number and a unit, such as 16Mi",
        ],
    );
}

#[test]
fn the_crd_is_structural_and_keeps_any_config() {
    let crd: serde_json::Value = serde_yaml::from_str(&policy::crd_yaml().unwrap()).unwrap();
    assert_eq!(crd["metadata"]["name"], "policies.cardea.dev");
    let spec = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    assert_eq!(spec["properties"]["config"]["x-kubernetes-preserve-unknown-fields"], true);
    assert_eq!(spec["properties"]["limits"]["properties"]["memory"]["x-kubernetes-int-or-string"], true);
    assert_eq!(spec["properties"]["failureMode"]["enum"], serde_json::json!(["Deny", "Skip"]));
    assert_eq!(spec["required"], serde_json::json!(["module"]));
    // No reference, which a structural schema may not have.
    assert!(!crd.to_string().contains("$ref"));
}

#[test]
fn the_crd_has_a_status_and_columns_for_people() {
    let crd: serde_json::Value = serde_yaml::from_str(&policy::crd_yaml().unwrap()).unwrap();
    let version = &crd["spec"]["versions"][0];
    assert_eq!(version["subresources"], serde_json::json!({ "status": {} }));
    let columns = |is_wide: bool| -> Vec<&str> {
        let all = version["additionalPrinterColumns"].as_array().unwrap().iter();
        all.filter(|column| (column["priority"] == 1) == is_wide)
            .map(|column| column["name"].as_str().unwrap())
            .collect()
    };
    assert_eq!(columns(false), ["Module", "Digest", "Programmed", "Age"]);
    assert_eq!(columns(true), ["Failure Mode", "Message"]);
}

#[test]
fn every_field_of_the_crd_is_described() {
    fn walk(schema: &serde_json::Value, path: &str, bare: &mut Vec<String>) {
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            if field["description"].as_str().is_none_or(str::is_empty) {
                bare.push(path.clone());
            }
            walk(field, &path, bare);
            walk(&field["items"], &path, bare);
        }
    }
    let crd: serde_json::Value = serde_yaml::from_str(&policy::crd_yaml().unwrap()).unwrap();
    let mut bare = Vec::new();
    walk(&crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"], "", &mut bare);
    assert_eq!(bare, [] as [&str; 0]);
}

#[test]
fn the_bounds_of_the_crd_are_those_of_the_compiler() {
    use cardea_model::compile::{DEADLINE_MAX, DEADLINE_MIN};
    let text = policy::crd_yaml().unwrap();
    assert_eq!((DEADLINE_MIN.as_millis(), DEADLINE_MAX.as_secs()), (1, 1));
    assert!(text.contains("duration(self) >= duration('1ms') && duration(self) <= duration('1s')"), "{text}");
}
