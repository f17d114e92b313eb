#![allow(clippy::unwrap_used, reason = "tests")]

use cardea_model::problem::Origin;

use super::*;

fn secret(name: &str, certificate: &rcgen::CertifiedKey<rcgen::KeyPair>) -> Arc<TlsSecret> {
    made(name, &certificate.cert.pem(), &certificate.signing_key.serialize_pem())
}

fn made(name: &str, certificate_pem: &str, key_pem: &str) -> Arc<TlsSecret> {
    let origin =
        Origin { source: "test.yaml".into(), document: 1, kind: "Secret", namespace: "shop".into(), name: name.into() };
    let (certificate_pem, key_pem) = (certificate_pem.as_bytes().into(), key_pem.as_bytes().into());
    Arc::new(TlsSecret { origin, certificate_pem, key_pem })
}

fn host(name: &str) -> HostPattern {
    HostPattern::parse(name).unwrap()
}

#[test]
fn a_host_has_the_first_of_its_secrets_that_can_be_read() {
    let good = rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap();
    let (broken, good) = (made("broken", "no certificate", "no key"), secret("good", &good));
    let mut keys = Keys::default();
    keys.declare(&host("a.test"), Some(&[Arc::clone(&broken), Arc::clone(&good)].into()));
    keys.declare(&host("*.b.test"), Some(&[Arc::clone(&good)].into()));
    keys.declare(&HostPattern::Any, Some(&[Arc::clone(&broken)].into()));
    let before = keys.certificates().clone();
    assert!(Arc::ptr_eq(&before.find("A.test.").unwrap(), &before.find("x.b.test").unwrap()));
    assert!(before.find("b.test").is_none() && before.fallback.is_none());
    let problems: Vec<_> = keys.problems().map(|problem| problem.origin.name.to_string()).collect();
    assert_eq!(problems, ["broken"]);

    keys.declare(&HostPattern::Any, None);
    assert_eq!(keys.problems().count(), 1);
    keys.declare(&host("a.test"), None);
    assert_eq!(keys.problems().count(), 0);
    assert!(keys.certificates().find("a.test").is_none() && keys.certificates().find("x.b.test").is_some());
    assert!(before.find("a.test").is_some());
}

#[test]
fn a_secret_is_read_once_for_all_of_its_hosts() {
    let good = rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap();
    let secret = secret("good", &good);
    let mut keys = Keys::default();
    for name in ["a.test", "b.test", "c.test"] {
        keys.declare(&host(name), Some(&[Arc::clone(&secret)].into()));
    }
    let found = |keys: &Keys, name| keys.certificates().find(name).unwrap();
    assert!(Arc::ptr_eq(&found(&keys, "a.test"), &found(&keys, "c.test")));
    // Declared again, and by others no more: still the same.
    let before = found(&keys, "a.test");
    keys.declare(&host("a.test"), Some(&[Arc::clone(&secret)].into()));
    keys.declare(&host("b.test"), None);
    keys.declare(&host("c.test"), None);
    assert!(Arc::ptr_eq(&before, &found(&keys, "a.test")));
    keys.declare(&host("a.test"), None);
    assert!(keys.read.is_empty() && keys.declared.is_empty());
}
