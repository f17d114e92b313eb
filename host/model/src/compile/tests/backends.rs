use super::kit::{ingress, serve, with};
use crate::snapshot::{BackendProtocol, Balance};

#[test]
fn a_backend_that_cannot_be_served_is_503_on_its_path_alone() {
    for (target, field, message) in [
        ("gone:80", "service.name", "there is no Service shop/gone"),
        ("web:9999", "service.port.number", "Service shop/web has no port 9999"),
        ("web:other", "service.port.name", "Service shop/web has no port named other"),
        // The Service's port counts, never the target's.
        ("single:9000", "service.port.number", "Service shop/single has no port 9000"),
        ("web:53", "service.port", "port 53 of Service shop/web is UDP"),
        ("elsewhere:80", "service.name", "Service shop/elsewhere is an ExternalName (example.com)"),
        ("Bucket/pictures", "resource", "a resource of this kind is not a backend (Bucket pictures)"),
        ("Policy/absent", "resource.name", "there is no Policy shop/absent"),
    ] {
        let served = serve(&with(vec![ingress("a").rule("a", &[&format!("Prefix /x {target}"), "Prefix / web:80"])]));
        assert!(served.answer("a", "/x").starts_with(&format!("a Prefix /x -> 503 {message}")), "{target}");
        served.check(&[("a", "/y", "a Prefix / -> shop/web:80")]);
        served.check_told(&[&format!("a: spec.rules[0].http.paths[0].backend.{field}: {message}")]);
    }
}

#[test]
fn an_ambiguous_backend_is_503_too() {
    let served = serve(&with(vec![ingress("a").rule("a", &["Prefix / both-given"])]));
    served.check(&[("a", "/", "a Prefix / -> 503 both-given")]);
    served.check_told(&["a: spec.rules[0].http.paths[0].backend: both-given"]);
}

#[test]
fn a_default_backend_that_is_missing_answers_503() {
    let served = serve(&with(vec![ingress("a").default_to("gone:80")]));
    served.check(&[("any", "/", "a Default / -> 503 there is no Service shop/gone")]);
    served.check_told(&["a: spec.defaultBackend.service.name: there is no Service shop/gone"]);
}

#[test]
fn a_port_by_name_and_by_number_is_one_backend() {
    let served =
        serve(&with(vec![ingress("a").rule("a", &["Prefix / web:80", "Prefix /x web:http", "Prefix /y single:8080"])]));
    let names: Vec<&str> = served.snapshot.backends.iter().map(|backend| &*backend.name).collect();
    assert_eq!(names, ["shop/single:8080", "shop/web:80"]);
}

#[test]
fn services_are_those_of_the_ingress_namespace() {
    let served = serve(&with(vec![ingress("a").of("other").rule("a", &["Prefix / web:80"])]));
    served.check(&[("a", "/", "a Prefix / -> 503 there is no Service other/web")]);
}

#[test]
fn the_protocol_is_the_ports_unless_the_ingress_says_otherwise() {
    let protocol = |target: &str, annotation: &str| {
        let mut declared = ingress("a").rule("a", &[&format!("Prefix / {target}")]);
        if !annotation.is_empty() {
            declared = declared.annotated("cardea.dev/backend-protocol", annotation);
        }
        let served = serve(&with(vec![declared]));
        (served.snapshot.backends.get(0).unwrap().protocol, served.told())
    };
    assert_eq!(protocol("web:80", "").0, BackendProtocol::Http1);
    assert_eq!(protocol("web:grpc", "").0, BackendProtocol::H2c);
    assert_eq!(protocol("web:80", "h2c").0, BackendProtocol::H2c);
    assert_eq!(protocol("web:grpc", "http").0, BackendProtocol::Http1);
    let (fallback, told) = protocol("web:grpc", "HTTPS");
    assert_eq!(fallback, BackendProtocol::H2c);
    assert!(told[0].contains("\"HTTPS\" is not understood"), "{told:?}");
    let (plain, told) = protocol("web:safe", "");
    assert_eq!(plain, BackendProtocol::Http1);
    assert!(told[0].starts_with("web: spec.ports[3].appProtocol: https asks for TLS"), "{told:?}");
}

#[test]
fn the_oldest_ingress_that_says_something_decides_about_a_shared_backend() {
    let declared = |name: &str, balance: &str| {
        ingress(name)
            .rule("a", &[&format!("Prefix /{name} web:80"), &format!("Exact /{name} web:80")])
            .annotated("cardea.dev/load-balance", balance)
    };
    let silent = ingress("a").rule("a", &["Prefix /a web:80"]);
    let served = serve(&with(vec![silent, declared("b", "least-request"), declared("c", "round-robin")]));
    assert_eq!(served.snapshot.backends.get(0).unwrap().balance, Balance::LeastRequest);
    served.check_told(&["c: metadata.annotations[cardea.dev/load-balance]: Ingress b is older"]);
}
