//! The promises that need no registry: names, credentials, layers, signature rules, and what the disk keeps.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashSet;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::cache::{Cache, Place};
use super::credentials::{Login, login};
use super::layer::unpack;
use super::manifest::{Form, Index, Manifest, not_granted};
use super::pull::Resolved;
use super::signature::{self, Demand, SignaturePolicy, Signed, SigningKey};
use super::{Good, Image, digest, is_url};

const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn an_image_names_its_registry_and_a_version() {
    for (text, registry, repository, version) in [
        ("ghcr.io/a/b:v1", "ghcr.io", "a/b", "v1"),
        ("oci://ghcr.io/a/b:v1", "ghcr.io", "a/b", "v1"),
        ("localhost/b:V_1.0-x", "localhost", "b", "V_1.0-x"),
        ("registry:5000/a/b_c/d-e.f:1", "registry:5000", "a/b_c/d-e.f", "1"),
        ("[::1]:5000/b:1", "[::1]:5000", "b", "1"),
    ] {
        let image = Image::parse(text).unwrap();
        assert_eq!((&*image.registry, &*image.repository, image.version()), (registry, repository, version));
    }
    let pinned = Image::parse(&format!("a.io/b:v1@sha256:{HEX}")).unwrap();
    assert_eq!(pinned.version(), format!("sha256:{HEX}"), "the digest decides");
    assert_eq!(pinned.to_string(), format!("a.io/b:v1@sha256:{HEX}"));
}

#[test]
fn what_is_no_image_says_why() {
    for (text, message) in [
        ("policy:v1", "names no registry"),
        ("team/policy:v1", "is not the host of a registry"),
        ("a.io:0/b:v1", "is not the host"),
        ("a.io:x/b:v1", "is not the host"),
        ("us er@a.io/b:v1", "names no registry"),
        ("a.io/b", "neither a tag nor a digest"),
        ("a.io/B:v1", "is not a repository"),
        ("a.io/b/../c:v1", "is not a repository"),
        ("a.io/b//c:v1", "is not a repository"),
        ("a.io/b?x=1:v1", "is not a repository"),
        ("a.io/b:-v1", "is not a tag"),
        ("a.io/b:v1/x", "is not a tag"),
        ("a.io/b@sha256:12", "is not a digest"),
        ("a.io/b@md5:0123", "is not a digest"),
    ] {
        let error = Image::parse(text).unwrap_err();
        assert!(error.contains(message), "{text}: {error}");
    }
}

#[test]
fn a_url_has_a_host_and_no_password() {
    assert!(is_url("https://a.test/b.wasm?x=1") && is_url("http://127.0.0.1:1/b"));
    for text in ["", "b.wasm", "file:///etc/passwd", "ftp://a.test/b", "https://me:secret@a.test/b", "https://"] {
        assert!(!is_url(text), "{text}");
    }
}

fn user(name: &str) -> Login {
    Login::Password { user: name.to_owned(), password: "p:w".to_owned() }
}

#[test]
fn the_credentials_of_the_longest_path_are_sent_and_no_others() {
    let auth = |name: &str| serde_json::json!({"auth": STANDARD.encode(format!("{name}:p:w"))});
    let config = serde_json::json!({"auths": {
        "https://index.docker.io/v1/": auth("docker"),
        "a.io": auth("host"),
        "a.io/team": auth("team"),
        "https://a.io/team/deep": auth("deep"),
        "*.b.io": auth("glob"),
        "c.io:5000": {"username": "written", "password": "p:w"},
        "d.io": {},
    }});
    let config = config.to_string();
    let found = |registry: &str, repository: &str| login(config.as_bytes(), registry, repository).unwrap();
    assert_eq!(found("docker.io", "library/x"), Some(user("docker")));
    assert_eq!(found("a.io", "x"), Some(user("host")));
    assert_eq!(found("a.io", "team/x"), Some(user("team")));
    assert_eq!(found("a.io", "teammate/x"), Some(user("host")), "a path ends at a slash");
    assert_eq!(found("a.io", "team/deep"), Some(user("deep")));
    assert_eq!(found("x.b.io", "x"), Some(user("glob")));
    assert_eq!(found("x.y.b.io", "x"), None, "a star is one label");
    assert_eq!(found("c.io:5000", "x"), Some(user("written")));
    for registry in ["c.io", "a.io:5000", "evil-a.io", "a.io.evil.io", "d.io"] {
        assert_eq!(found(registry, "x"), None, "{registry}");
    }
}

#[test]
fn credentials_that_cannot_be_read_are_not_shown() {
    for text in ["{\"auths\": {\"a.io\": {\"auth\": \"hunter2!\"}}}", "hunter2!", "{\"auths\": \"hunter2!\"}"] {
        let error = login(text.as_bytes(), "a.io", "x").unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
}

fn manifest(layers: &str) -> Manifest {
    let config = format!(r#"{{"mediaType":"x","digest":"sha256:{HEX}","size":1}}"#);
    serde_json::from_str(&format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{layers}]}}"#)).unwrap()
}

fn layer(media_type: &str) -> String {
    format!(r#"{{"mediaType":"{media_type}","digest":"sha256:{HEX}","size":1}}"#)
}

#[test]
fn one_layer_is_the_module() {
    let form = |media_type: &str| manifest(&layer(media_type)).module().map(|(_, form)| form);
    assert_eq!(form("application/wasm"), Ok(Form::Plain));
    assert_eq!(form("application/vnd.wasm.content.layer.v1+wasm"), Ok(Form::Plain));
    assert_eq!(form("application/vnd.docker.image.rootfs.diff.tar.gzip"), Ok(Form::TarGzip));
    assert_eq!(form("application/vnd.oci.image.layer.v1.tar"), Ok(Form::Tar));
    assert!(form("application/x").unwrap_err().contains("application/x"));
    let beside = format!("{},{}", layer("text/plain"), layer("application/wasm"));
    assert_eq!(manifest(&beside).module().unwrap().1, Form::Plain, "a README beside it does no harm");
    let two = format!("{0},{0}", layer("application/wasm"));
    assert!(manifest(&two).module().unwrap_err().contains("several"));
    assert!(manifest("").module().unwrap_err().contains("no layer"));
}

#[test]
fn of_a_list_the_entry_for_wasm_is_taken_or_the_only_one() {
    let other = digest(b"other");
    let entry = |digest: &str, architecture: &str| serde_json::json!({"digest": digest, "platform": {"architecture": architecture, "os": "x"}});
    let found = |entries: &[serde_json::Value]| {
        let index: Index = serde_json::from_value(serde_json::json!({"manifests": entries})).unwrap();
        index.module().map(str::to_owned)
    };
    let own = format!("sha256:{HEX}");
    assert_eq!(found(&[entry(&other, "amd64"), entry(&own, "wasm")]), Some(own.clone()));
    assert_eq!(found(&[entry(&own, "amd64"), entry(&other, "unknown")]), Some(own.clone()));
    assert_eq!(found(&[entry(&own, "amd64"), entry(&other, "arm64")]), None);
    assert_eq!(found(&[entry("../../x", "wasm")]), None, "a digest is a digest");
}

#[test]
fn imports_of_the_package_are_compared_with_the_grants() {
    let imports = |names: &[&str]| names.iter().map(|name| format!("cardea:policy/{name}@0.1.0")).collect::<Vec<_>>();
    assert_eq!(not_granted(&imports(&["types", "exchange"]), &[]), None);
    assert_eq!(not_granted(&imports(&["exchange", "clock", "log"]), &["clock".into()]), Some("log"));
    assert_eq!(not_granted(&["wasi:io/poll@0.2.0".into()], &[]), None, "that is for the engine");
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, name, *bytes).unwrap();
    }
    archive.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn a_module_is_found_in_an_archive_and_bounded() {
    let packed = archive(&[("README", b"x"), ("a/other.wasm", b"no"), ("a/plugin.wasm", b"yes")]);
    assert_eq!(unpack(packed.clone(), Form::Tar, 3).unwrap(), b"yes");
    assert_eq!(unpack(gzip(&packed), Form::TarGzip, 3).unwrap(), b"yes");
    assert_eq!(unpack(archive(&[("only.wasm", b"yes")]), Form::Tar, 3).unwrap(), b"yes");
    let several = unpack(archive(&[("a.wasm", b"a"), ("b.wasm", b"b")]), Form::Tar, 3).unwrap_err();
    assert!(several.contains("several"), "{several}");
    assert!(unpack(archive(&[("plugin.wasm", b"four")]), Form::Tar, 3).unwrap_err().contains("more than 3 bytes"));
    assert!(unpack(b"four".to_vec(), Form::Plain, 3).unwrap_err().contains("more than 3 bytes"));
    assert!(unpack(archive(&[("README", b"x")]), Form::Tar, 3).unwrap_err().contains("no plugin.wasm"));
    assert!(unpack(b"nonsense".to_vec(), Form::TarGzip, 3).unwrap_err().contains("not a tar archive"));
    let bomb = gzip(&archive(&[("zeroes", &vec![0; 64 << 20]), ("plugin.wasm", b"yes")]));
    assert!(unpack(bomb, Form::TarGzip, 3).is_err(), "what is before the module is bounded too");
}

fn rules(text: &str) -> Result<SignaturePolicy, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key.pub"), SigningKey::generate().unwrap().0.public().to_pem()).unwrap();
    std::fs::write(folder.path().join("policy.yaml"), text).unwrap();
    SignaturePolicy::read(&folder.path().join("policy.yaml")).map_err(|error| error.to_string())
}

#[test]
fn the_first_rule_that_fits_decides_and_none_refuses() {
    let policy = rules(
        "rules:\n\
         - {namespaces: [shop, 'team-*'], images: ['a.io/shop/*'], keys: [{file: key.pub}]}\n\
         - {namespaces: ['team-*'], images: ['a.io/*'], unsigned: true}\n",
    )
    .unwrap();
    assert!(matches!(policy.demand("shop", "a.io/shop/x"), Demand::SignedBy([_])));
    assert!(matches!(policy.demand("team-1", "a.io/shop/x/y"), Demand::SignedBy([_])));
    assert_eq!(policy.demand("team-1", "a.io/other"), Demand::Nothing);
    for (namespace, name) in
        [("shop", "a.io/other"), ("other", "a.io/shop/x"), ("team-1", "b.io/shop/x"), ("shop", "a.io/shop")]
    {
        assert_eq!(policy.demand(namespace, name), Demand::Refused, "{namespace} {name}");
    }
}

#[test]
fn a_rule_that_says_nothing_or_too_much_is_refused() {
    for (text, message) in [
        ("rules: [{images: [x]}]", "either keys, or unsigned: true"),
        ("rules: [{unsigned: true, keys: [{file: key.pub}]}]", "either keys, or unsigned: true"),
        ("rules: [{keys: [{file: key.pub, pem: x}]}]", "either pem or file"),
        ("rules: [{keys: [{pem: x}]}]", "rules[0].keys[0]: it is not a PEM PUBLIC KEY"),
        ("rules: [{keys: [{file: none.pub}]}]", "none.pub cannot be read"),
        ("rules: [{identities: [{issuer: x, subject: y}]}]", "keyless identities cannot be verified"),
        ("rules: [{image: x, unsigned: true}]", "unknown field `image`"),
    ] {
        let error = rules(text).unwrap_err();
        assert!(error.contains(message), "{text}: {error}");
    }
}

/// Made by `openssl pkey` and `openssl dgst -sha256 -sign`, `openssl pkeyutl -sign -rawin`.
const OPENSSL: [(&str, &str); 2] = [
    (include_str!("tests/p256.pub"), include_str!("tests/p256.sig")),
    (include_str!("tests/ed25519.pub"), include_str!("tests/ed25519.sig")),
];

#[test]
fn signatures_of_other_tools_are_verified() {
    let message = include_bytes!("tests/message");
    for (key, signature) in OPENSSL {
        let key = super::PublicKey::from_pem(key.as_bytes()).unwrap();
        let signature = STANDARD.decode(signature.trim()).unwrap();
        assert!(key.verify(message, &signature), "{key:?}");
        assert!(!key.verify(b"another", &signature), "{key:?}");
        assert_eq!(super::PublicKey::from_pem(key.to_pem().as_bytes()).unwrap(), key);
    }
}

#[test]
fn a_signature_is_of_one_manifest_and_one_kind() {
    let (key, _) = SigningKey::generate().unwrap();
    let keys = [key.public()];
    let own = format!("sha256:{HEX}");
    let signed = |payload: Vec<u8>| Signed { signature: key.sign(&payload).unwrap(), payload };
    let good = signed(signature::payload("a.io/b", &own));
    assert_eq!(signature::verify(std::slice::from_ref(&good), &keys, &own), Ok(()));
    assert!(
        signature::verify(std::slice::from_ref(&good), &keys, &digest(b"x")).unwrap_err().contains("another manifest")
    );
    assert!(signature::verify(&[], &keys, &own).unwrap_err().contains("not signed"));
    let mut forged = good.clone();
    forged.payload.push(b' ');
    assert!(signature::verify(&[forged.clone()], &keys, &own).unwrap_err().contains("none of the keys"));
    assert_eq!(signature::verify(&[forged, good.clone()], &keys, &own), Ok(()), "one good one is enough");
    let text = String::from_utf8(good.payload).unwrap().replace("cosign container image signature", "attestation");
    assert!(signature::verify(&[signed(text.into_bytes())], &keys, &own).is_err(), "of another kind");
}

#[test]
fn a_bundle_is_a_signature_only_if_it_says_so_of_this_manifest() {
    let (key, _) = SigningKey::generate().unwrap();
    let keys = [key.public()];
    let bundle = |predicate: &str, subject: &str, length: usize| {
        let statement = serde_json::json!({
            "_type": "https://in-toto.io/Statement/v1", "predicateType": predicate,
            "subject": [{"digest": {"sha256": subject}}],
        });
        let statement = statement.to_string();
        let length = statement.len() + length;
        let signed = format!("DSSEv1 28 application/vnd.in-toto+json {length} {statement}");
        let envelope = serde_json::json!({
            "payloadType": "application/vnd.in-toto+json", "payload": STANDARD.encode(statement),
            "signatures": [{"sig": STANDARD.encode(key.sign(signed.as_bytes()).unwrap())}],
        });
        signature::in_bundle(serde_json::json!({"dsseEnvelope": envelope}).to_string().as_bytes())
    };
    let (own, sign) = (format!("sha256:{HEX}"), "https://sigstore.dev/cosign/sign/v1");
    let verified = |signed: Vec<Signed>| signature::verify(&signed, &keys, &own);
    assert_eq!(verified(bundle(sign, HEX, 0)), Ok(()));
    assert!(verified(bundle("https://spdx.dev/Document", HEX, 0)).unwrap_err().contains("another manifest"));
    assert!(verified(bundle(sign, &"0".repeat(64), 0)).unwrap_err().contains("another manifest"));
    assert!(verified(bundle(sign, HEX, 1)).unwrap_err().contains("none of the keys"), "another text was signed");
    assert!(verified(signature::in_bundle(b"{}")).unwrap_err().contains("not signed"));
}

fn place(namespace: &str) -> Place {
    Place { namespace: namespace.into(), path: "a.io/b:v1".into() }
}

fn resolved(bytes: &[u8]) -> Resolved {
    let good = Good { bytes: bytes.into(), digest: digest(bytes).into() };
    let signed = vec![Signed { payload: b"p".to_vec(), signature: b"s".to_vec() }];
    Resolved { manifest: Some(format!("sha256:{HEX}")), imports: vec!["x".into()], signed, good }
}

fn no_one() -> HashSet<Arc<str>> {
    HashSet::new()
}

#[test]
fn what_is_kept_is_found_by_another_process_of_the_same_namespace() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("cache");
    let kept = resolved(b"module");
    Cache::open(&root, 1 << 20).unwrap().keep(&place("one"), &kept, &no_one());
    let again = Cache::open(&root, 1 << 20).unwrap();
    assert_eq!(again.find(&place("one")), Some(kept.clone()));
    assert_eq!(again.find(&place("two")), None);
    let file = std::fs::read_dir(root.join("modules")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::write(&file, b"another").unwrap();
    assert_eq!(again.find(&place("one")), None, "the digest is checked when it is read");
    assert!(!file.exists(), "and what is wrong is removed");
}

#[test]
fn what_was_longest_out_of_use_makes_room() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(&folder.path().join("cache"), 25).unwrap();
    let modules: Vec<Resolved> = [b'a', b'b', b'c'].map(|byte| resolved(&[byte; 10])).to_vec();
    for (name, module) in ["a", "b"].into_iter().zip(&modules) {
        cache.keep(&place(name), module, &no_one());
    }
    assert!(cache.find(&place("a")).is_some(), "now b is the older one");
    let used: HashSet<Arc<str>> = [Arc::clone(&modules[1].good.digest)].into();
    cache.keep(&place("c"), &modules[2], &used);
    assert!(cache.find(&place("a")).is_none(), "b is in use, so a made room");
    assert!(cache.find(&place("b")).is_some() && cache.find(&place("c")).is_some());
    assert_eq!(std::fs::read_dir(folder.path().join("cache/places")).unwrap().count(), 2, "with its record");
    cache.keep(&place("large"), &resolved(&[0; 26]), &no_one());
    assert!(cache.find(&place("large")).is_none() && cache.find(&place("c")).is_some(), "too large for it at all");
}

#[test]
fn a_cache_that_others_may_enter_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let open = |path: &Path| Cache::open(path, 1).map(drop);
    let shared = folder.path().join("shared");
    std::fs::create_dir(&shared).unwrap();
    std::fs::set_permissions(&shared, PermissionsExt::from_mode(0o755)).unwrap();
    assert!(open(&shared).unwrap_err().contains("chmod 0700"));
    std::fs::write(folder.path().join("file"), b"").unwrap();
    assert!(open(&folder.path().join("file")).is_err());
}

#[test]
fn failures_are_tried_again_later_and_later_but_no_later_than_the_interval() {
    let every = |seconds| super::Remote::Oci { image: "a.io/b:v1".into(), interval: Duration::from_secs(seconds) };
    let pauses =
        |remote: &super::Remote| [0, 1, 2, 40].map(|failures| super::fetcher::backoff(failures, remote).as_secs());
    assert_eq!(pauses(&every(3)), [1, 2, 3, 3]);
    assert_eq!(pauses(&every(3600)), [1, 2, 4, 300]);
    for _ in 0..100 {
        let pause = super::fetcher::jittered(Duration::from_secs(10));
        assert!((Duration::from_secs(8)..=Duration::from_secs(12)).contains(&pause), "{pause:?}");
    }
}
