use std::sync::Arc;

use super::kit::{Served, ingress, secret, serve, with};
use crate::config::{Config, Ingress};

fn secured(ingresses: Vec<Ingress>) -> Served {
    let secrets = ["one", "two"].map(|name| Arc::new(secret(name))).into();
    serve(&Config { secrets, ..with(ingresses) })
}

fn certificates(served: &Served) -> Vec<String> {
    let lines = served.snapshot.certificates.iter().map(|(host, secrets)| {
        let names: Vec<&str> = secrets.iter().map(|secret| &*secret.origin.name).collect();
        format!("{host} {}", names.join(" "))
    });
    let mut lines: Vec<String> = lines.collect();
    lines.sort_unstable();
    lines
}

fn plain(name: &str) -> Ingress {
    ingress(name).rule(&format!("{name}.test"), &["Prefix / web:80"])
}

#[test]
fn hosts_have_the_certificate_of_their_secret() {
    let declared = plain("a").secured(&["A.test", "*.b.test"], "one").secured(&["c.test"], "two");
    let served = secured(vec![declared, plain("z").secured(&[], "two").secured(&["d.test"], "")]);
    assert_eq!(certificates(&served), ["* two", "*.b.test one", "a.test one", "c.test two"]);
    served.check_told(&[]);
}

#[test]
fn a_missing_secret_leaves_http_alone() {
    let served = secured(vec![plain("a").secured(&["a.test"], "gone").secured(&["b.test"], "one")]);
    assert_eq!(certificates(&served), ["b.test one"]);
    served.check(&[("a.test", "/", "a Prefix / -> shop/web:80")]);
    served.check_told(&["a: spec.tls[0].secretName: there is no usable TLS Secret shop/gone"]);
}

#[test]
fn a_secret_is_of_the_ingress_namespace() {
    let served = secured(vec![plain("a").of("other").secured(&["a.test"], "one")]);
    assert_eq!(certificates(&served), Vec::<String>::new());
}

#[test]
fn the_oldest_ingress_decides_about_a_host() {
    let served = secured(vec![
        plain("a").secured(&["x.test"], "one").created(2),
        plain("b").secured(&["x.test"], "two").created(1),
        plain("c").secured(&["x.test"], "two").created(3),
    ]);
    assert_eq!(certificates(&served), ["x.test two one"]);
    served.check_told(&["a: spec.tls[0].hosts[0]: x.test has a certificate from Secret shop/two already, named by b"]);
}

#[test]
fn an_invalid_host_is_a_problem_and_the_others_live() {
    let served = secured(vec![plain("a").secured(&["*", "", "192.0.2.1", "ok.test"], "one")]);
    assert_eq!(certificates(&served), ["ok.test one"]);
    served.check_told(&["spec.tls[0].hosts[0]", "spec.tls[0].hosts[1]", "spec.tls[0].hosts[2]"]);
}
