//! Modules from a real registry: what is pulled, what is refused before it is pulled, and what goes on serving whatever
//! the registry does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cardea_tests::certificate::Certificate;
use cardea_tests::client::{self, Connection, Dial, Reply, Request, http1};
use cardea_tests::guest;
use cardea_tests::ingress::{Ingress, Mark};
use cardea_tests::registry::{self, Fault, Front, Guard, Options, PASSWORD, Registry, USER, policy, push};
use cardea_tests::scenario::{self, World};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder with modules: `mark` sets a header, `deny` answers 403, `ungranted` imports the clock.
struct Modules(TempDir);

impl Modules {
    fn new() -> Self {
        let folder = TempDir::with_prefix("cardea-modules-").unwrap();
        for name in ["mark", "deny", "ungranted"] {
            std::fs::write(folder.path().join(format!("{name}.wasm")), guest::component(name).unwrap()).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn module(&self, name: &str) -> PathBuf {
        self.path(&format!("{name}.wasm"))
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.module(name)).unwrap()
    }
}

/// An ingress whose one guarded site has the Policy `p`; `open.test` has none.
async fn world(flags: &[&str], given: &[Value]) -> World {
    let setup = json!({
        "promise": "modules come from a registry",
        "flags": flags,
        "backends": {"shop": {}},
        "sites": {"shop.test": {"backend": "shop", "policies": "p"}, "open.test": "shop"},
        "given": given,
        "steps": [{"get": "open.test/", "from": "shop"}],
    });
    World::build(&scenario::parse(&setup.to_string()).unwrap()).await.unwrap()
}

fn declared(module: Value, grants: &[&str]) -> Value {
    json!({
        "apiVersion": "cardea.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "p", "namespace": "default"},
        "spec": {"module": module, "grants": {"interfaces": grants}, "limits": {"deadline": "500ms"}},
    })
}

fn image(image: &str) -> Value {
    declared(json!({"oci": {"image": image, "interval": "1s"}}), &[])
}

fn with_secret(image: &str) -> Value {
    declared(json!({"oci": {"image": image, "interval": "1s", "pullSecret": "pull"}}), &[])
}

fn secret(config: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pull", "namespace": "default"},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": STANDARD.encode(config.to_string())},
    })
}

fn login(host: &str, password: &str) -> Value {
    json!({"auths": {host: {"auth": STANDARD.encode(format!("{USER}:{password}"))}}})
}

async fn get(ingress: &Ingress, host: &str) -> Reply {
    let request = Request::get(host, "/");
    let Connection::Http1(mut wire) = client::open(ingress.http, &Dial::default()).await.unwrap().connection else {
        panic!("not asked for")
    };
    wire.write(&http1::encode(&request)).await.unwrap();
    http1::reply(&mut wire, "GET").await.unwrap()
}

/// What the policy makes of a request: `mark`, `deny`, `none`, or the status.
async fn answer(ingress: &Ingress) -> String {
    let reply = get(ingress, "shop.test").await;
    if reply.status == 403 {
        return "deny".into();
    }
    if reply.status != 200 {
        return reply.status.to_string();
    }
    let seen: Value = serde_json::from_slice(&reply.body.bytes).unwrap();
    seen["headers"]["x-policy"].as_str().unwrap_or("none").to_owned()
}

/// Once a generation answers so; each new one is looked at.
async fn becomes(ingress: &Ingress, mut mark: Mark, wanted: &str) {
    while answer(ingress).await != wanted {
        let next = ingress.mark();
        ingress
            .event(mark, &json!({"event": "generation"}))
            .await
            .unwrap_or_else(|error| panic!("{wanted}: {error:#}"));
        mark = next;
    }
}

async fn problem(ingress: &Ingress, mark: Mark, field: &str, message: &str) -> Value {
    let wanted =
        json!({"event": "problem", "field": field, "message": {"contains": message}, "remedy": {"present": true}});
    ingress.event(mark, &wanted).await.unwrap_or_else(|error| panic!("{field}: {error:#}"))
}

/// Nothing that a registry does is seen elsewhere.
async fn others_are_well(ingress: &Ingress) {
    assert_eq!(get(ingress, "open.test").await.status, 200);
}

fn team(host: &str, tag: &str) -> String {
    format!("{host}/team/p:{tag}")
}

#[tokio::test]
async fn a_pushed_module_serves_and_a_moved_tag_goes_live() {
    let (modules, registry) = (Modules::new(), Registry::start(&Options::default()).unwrap());
    let name = team(&registry.host, "live");
    push(&registry, &modules.module("mark"), &name, &[]).unwrap();
    let world = world(&["--registry-insecure", &registry.host], &[image(&name)]).await;
    assert_eq!(answer(&world.ingress).await, "mark", "the first generation has the module");
    let mark = world.ingress.mark();
    push(&registry, &modules.module("deny"), &name, &[]).unwrap();
    let pushed = Instant::now();
    becomes(&world.ingress, mark, "deny").await;
    println!("push to live: {:?}, looked up every second", pushed.elapsed());
    let config = world.ingress.config().await.unwrap();
    let digest = registry::digest(&modules.bytes("deny")).unwrap();
    assert_eq!(config["policies"][0]["digest"], digest.as_str(), "{config}");

    let other = team(&registry.host, "other");
    push(&registry, &modules.module("mark"), &other, &[]).unwrap();
    let (mark, applied) = (world.ingress.mark(), Instant::now());
    world.ingress.manifests.write("given.yaml", image(&other).to_string().as_bytes()).unwrap();
    becomes(&world.ingress, mark, "mark").await;
    println!("another image named to live: {:?}", applied.elapsed());
}

#[tokio::test]
async fn a_digest_pins_an_image_and_a_module() {
    let (modules, registry) = (Modules::new(), Registry::start(&Options::default()).unwrap());
    let name = team(&registry.host, "v1");
    let pinned = push(&registry, &modules.module("mark"), &name, &[]).unwrap();
    push(&registry, &modules.module("deny"), &name, &[]).unwrap();
    let world = world(&["--registry-insecure", &registry.host], &[image(&pinned)]).await;
    assert_eq!(answer(&world.ingress).await, "mark", "the digest decides, not the tag");

    let other = registry::digest(b"another module").unwrap();
    let mark = world.ingress.mark();
    let wrong = declared(json!({"oci": {"image": name, "interval": "1s"}, "digest": other}), &[]);
    world.ingress.apply("given.yaml", wrong.to_string().as_bytes()).await.unwrap();
    let found = problem(&world.ingress, mark, "spec.module.digest", "the module has the digest").await;
    assert!(found["message"].as_str().unwrap().contains(&registry::digest(&modules.bytes("deny")).unwrap()), "{found}");
    assert_eq!(answer(&world.ingress).await, "mark", "what served goes on");

    let mark = world.ingress.mark();
    let nowhere = format!("{}/team/p@{other}", registry.host);
    world.ingress.apply("given.yaml", image(&nowhere).to_string().as_bytes()).await.unwrap();
    problem(&world.ingress, mark, "spec.module.oci.image", "has no manifest").await;
    others_are_well(&world.ingress).await;
}

#[tokio::test]
async fn a_registry_with_a_password_wants_the_pull_secret() {
    let modules = Modules::new();
    let registry = Registry::start(&Options { password: true, ..Options::default() }).unwrap();
    let (host, name) = (registry.host.clone(), team(&registry.host, "v1"));
    let refused = push(&registry, &modules.module("mark"), &name, &[]).unwrap_err().to_string();
    assert!(refused.contains(": 2 ") && refused.contains("docker login"), "{refused}");
    let config = modules.path("config.json");
    std::fs::write(&config, login(&host, PASSWORD).to_string()).unwrap();
    push(&registry, &modules.module("mark"), &name, &["--registry-config", config.to_str().unwrap()]).unwrap();

    let world = world(&["--registry-insecure", &host], &[image(&name)]).await;
    let ingress = &world.ingress;
    let start = Mark::default();
    problem(ingress, start, "spec.module.oci.pullSecret", "there are none for it").await;
    assert_eq!(answer(ingress).await, "503");
    others_are_well(ingress).await;

    let mark = ingress.mark();
    ingress.apply("given.yaml", with_secret(&name).to_string().as_bytes()).await.unwrap();
    problem(ingress, mark, "spec.module.oci.pullSecret", "there is no Secret pull").await;

    let mark = ingress.mark();
    ingress.apply("secret.yaml", secret(&login(&host, "wrong")).to_string().as_bytes()).await.unwrap();
    let found = problem(ingress, mark, "spec.module.oci.pullSecret", "401").await;
    assert!(!found.to_string().contains("wrong"), "no problem shows a password: {found}");

    let mark = ingress.mark();
    ingress.apply("secret.yaml", secret(&login(&host, PASSWORD)).to_string().as_bytes()).await.unwrap();
    becomes(ingress, mark, "mark").await;
}

#[tokio::test]
async fn a_registry_that_wants_a_token_gets_one_for_a_password_or_an_identity() {
    let (modules, registry) = (Modules::new(), Registry::start(&Options::default()).unwrap());
    push(&registry, &modules.module("mark"), &team(&registry.host, "v1"), &[]).unwrap();
    let front = Front::start(&registry.host, Guard::Token("a-long-lived-token")).await.unwrap();
    let host = front.address.to_string();
    let identity = json!({"auths": {&host: {"identitytoken": "a-long-lived-token"}}});
    let ready = json!({"auths": {&host: {"registrytoken": "good"}}});
    let wrong = json!({"auths": {&host: {"identitytoken": "another"}}});
    for (config, served) in [(login(&host, PASSWORD), true), (identity, true), (ready, true), (wrong, false)] {
        let given = [with_secret(&team(&host, "v1")), secret(&config)];
        let world = world(&["--registry-insecure", &host], &given).await;
        match served {
            true => assert_eq!(answer(&world.ingress).await, "mark", "{config}"),
            false => _ = problem(&world.ingress, Mark::default(), "spec.module.oci.pullSecret", "no token").await,
        }
    }
}

#[tokio::test]
async fn whatever_breaks_on_the_way_the_last_good_module_serves() {
    let (modules, registry) = (Modules::new(), Registry::start(&Options::default()).unwrap());
    let front = Front::start(&registry.host, Guard::Open).await.unwrap();
    let (own, name) = (team(&registry.host, "v1"), team(&front.address.to_string(), "v1"));
    push(&registry, &modules.module("mark"), &own, &[]).unwrap();
    let world = world(&["--registry-insecure", &front.address.to_string()], &[image(&name)]).await;
    let ingress = &world.ingress;
    assert_eq!(answer(ingress).await, "mark");

    let mut mark = ingress.mark();
    front.break_with(Fault::Status(500));
    push(&registry, &modules.module("deny"), &own, &[]).unwrap();
    problem(ingress, mark, "spec.module.oci.image", "500").await;
    for (fault, message) in
        [(Fault::Truncate, "ends early"), (Fault::Corrupt, "was asked for"), (Fault::Close, "cannot be reached")]
    {
        mark = ingress.mark();
        front.break_with(fault);
        problem(ingress, mark, "spec.module.oci.image", message).await;
        assert_eq!(answer(ingress).await, "mark", "{fault:?}");
        others_are_well(ingress).await;
    }
    mark = ingress.mark();
    front.break_with(Fault::None);
    becomes(ingress, mark, "deny").await;
    assert_eq!(ingress.config().await.unwrap()["problems"], json!([]), "nothing is left of it");
}

#[tokio::test]
async fn a_start_without_the_registry_serves_what_was_good() {
    let (modules, registry) = (Modules::new(), Registry::start(&Options::default()).unwrap());
    let cache = modules.path("cache").display().to_string();
    let host = registry.host.clone();
    let name = team(&host, "v1");
    push(&registry, &modules.module("mark"), &name, &[]).unwrap();
    let flags = ["--registry-insecure", &host, "--module-cache", &cache];
    let given = [image(&name)];
    let first = world(&flags, &given).await;
    assert_eq!(answer(&first.ingress).await, "mark");
    // It is written beside the answer: another start waits for it.
    let fetched = PathBuf::from(&cache).join("fetched");
    first
        .stage
        .pulse
        .until(|| {
            Ok(std::fs::read_dir(fetched.join("places"))?
                .next()
                .unwrap_or_else(|| Err(std::io::ErrorKind::NotFound.into()))?)
        })
        .await
        .unwrap();
    drop(first);
    drop(registry);

    let again = world(&flags, &given).await;
    assert_eq!(answer(&again.ingress).await, "mark", "from disk");
    problem(&again.ingress, Mark::default(), "spec.module.oci.image", "cannot be reached").await;
    assert_eq!(answer(&again.ingress).await, "mark", "and it stays");
    drop(again);

    // Another namespace never had it.
    let mut other = given[0].clone();
    other["metadata"]["namespace"] = "other".into();
    let foreign = world(&flags, &[other]).await;
    let wanted =
        json!({"event": "problem", "object": {"contains": "other/p"}, "message": {"contains": "cannot be reached"}});
    foreign.ingress.event(Mark::default(), &wanted).await.unwrap();
    drop(foreign);

    for module in std::fs::read_dir(fetched.join("modules")).unwrap() {
        std::fs::write(module.unwrap().path(), modules.bytes("deny")).unwrap();
    }
    let changed = world(&flags, &given).await;
    assert_eq!(answer(&changed.ingress).await, "503", "what has another digest is not taken from disk");
    others_are_well(&changed.ingress).await;
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_it_is_named() {
    let modules = Modules::new();
    let certificate = Certificate::new("registry", &["127.0.0.1".to_owned()]).unwrap();
    let registry = Registry::start(&Options { tls: Some(&certificate), ..Options::default() }).unwrap();
    let ca = modules.path("ca.pem").display().to_string();
    std::fs::write(&ca, &certificate.certificate_pem).unwrap();
    let name = team(&registry.host, "v1");
    let module = modules.module("mark").display().to_string();
    let distrusted = policy(&["push", &module, &name]).unwrap();
    assert!(distrusted.code == 2 && distrusted.stderr.contains("--registry-ca"), "{distrusted:?}");
    assert_eq!(policy(&["push", &module, &name, "--registry-ca", &ca]).unwrap().code, 0);

    let distrusting = world(&[], &[image(&name)]).await;
    problem(&distrusting.ingress, Mark::default(), "spec.module.oci.image", "is not trusted").await;
    let trusting = world(&["--registry-ca", &ca], &[image(&name)]).await;
    assert_eq!(answer(&trusting.ingress).await, "mark");
}

#[tokio::test]
async fn without_leave_a_registry_is_not_spoken_to_in_plain_text() {
    let (modules, registry) = (Modules::new(), Registry::start(&Options::default()).unwrap());
    let name = team(&registry.host, "v1");
    push(&registry, &modules.module("mark"), &name, &[]).unwrap();
    let world = world(&[], &[image(&name)]).await;
    problem(&world.ingress, Mark::default(), "spec.module.oci.image", "does not speak TLS").await;
    assert_eq!(answer(&world.ingress).await, "503");
}

#[tokio::test]
async fn a_mirror_is_asked_first_and_the_registry_itself_after_it() {
    let (modules, registry) = (Modules::new(), Registry::start(&Options::default()).unwrap());
    let front = Front::start(&registry.host, Guard::Open).await.unwrap();
    let mirror = front.address.to_string();
    push(&registry, &modules.module("mark"), &team(&registry.host, "v1"), &[]).unwrap();
    let insecure = format!("{mirror},{}", registry.host);
    let pairs = format!("registry.invalid={mirror},{}={mirror}", registry.host);
    let flags = ["--registry-insecure", &insecure, "--registry-mirrors", &pairs];
    let mirrored = world(&flags, &[image("registry.invalid/team/p:v1")]).await;
    assert_eq!(answer(&mirrored.ingress).await, "mark", "from the mirror of a registry that is nowhere");
    front.break_with(Fault::Status(500));
    let before = front.seen().len();
    let direct = world(&flags, &[image(&team(&registry.host, "v1"))]).await;
    assert_eq!(answer(&direct.ingress).await, "mark", "from the registry, because the mirror is broken");
    assert!(front.seen().len() > before, "the mirror was asked");
}

#[tokio::test]
async fn what_the_config_imports_is_refused_before_the_module_is_pulled() {
    let (modules, registry) = (Modules::new(), Registry::start(&Options::default()).unwrap());
    let front = Front::start(&registry.host, Guard::Open).await.unwrap();
    push(&registry, &modules.module("ungranted"), &team(&registry.host, "v1"), &[]).unwrap();
    let name = team(&front.address.to_string(), "v1");
    let module = json!({"oci": {"image": name, "interval": "1s"}});
    let flags = ["--registry-insecure", &front.address.to_string()];
    let world = world(&flags, &[declared(module.clone(), &[])]).await;
    let ingress = &world.ingress;
    problem(ingress, Mark::default(), "spec.grants.interfaces", "imports `clock`").await;
    let pulled = format!("GET /v2/team/p/blobs/{}", registry::digest(&modules.bytes("ungranted")).unwrap());
    assert!(front.seen().iter().any(|asked| asked.contains("/manifests/v1")), "{:?}", front.seen());
    assert!(!front.seen().contains(&pulled), "{:?}", front.seen());

    let mark = ingress.mark();
    ingress.apply("given.yaml", declared(module, &["clock"]).to_string().as_bytes()).await.unwrap();
    becomes(ingress, mark, "none").await;
    assert!(front.seen().contains(&pulled), "once it is granted");
}

#[tokio::test]
async fn only_what_a_trusted_key_signed_goes_live() {
    let (modules, registry) = (Modules::new(), Registry::start(&Options::default()).unwrap());
    let (own, name) = (registry.host.clone(), team(&registry.host, "v1"));
    let host = own.as_str();
    let path = |name: &str| modules.path(name).display().to_string();
    for key in ["ours", "theirs"] {
        assert_eq!(policy(&["sign", "--generate-key", &path(key)]).unwrap().code, 0);
    }
    let rules = json!({"rules": [
        {"namespaces": ["default"], "images": [format!("{host}/team/*")], "keys": [{"file": "ours.pub"}]},
        {"images": [format!("{host}/free/*")], "unsigned": true},
    ]});
    std::fs::write(modules.path("rules.yaml"), rules.to_string()).unwrap();
    let (rules, cache) = (path("rules.yaml"), path("cache"));
    let flags = ["--registry-insecure", host, "--signature-policy", &rules, "--module-cache", &cache];
    let sign = |key: &str, image: &str| {
        let done = policy(&["sign", image, "--key", &path(key), "--registry-insecure", host]).unwrap();
        assert_eq!(done.code, 0, "{done:?}");
    };
    push(&registry, &modules.module("mark"), &name, &[]).unwrap();
    let signing = world(&flags, &[image(&name)]).await;
    let ingress = &signing.ingress;
    problem(ingress, Mark::default(), "spec.module.oci.image", "it is not signed").await;
    assert_eq!(answer(ingress).await, "503");
    let mark = ingress.mark();
    sign("theirs.key", &name);
    problem(ingress, mark, "spec.module.oci.image", "by none of the keys").await;
    let mark = ingress.mark();
    sign("ours.key", &name);
    becomes(ingress, mark, "mark").await;

    let mark = ingress.mark();
    push(&registry, &modules.module("deny"), &name, &[]).unwrap();
    problem(ingress, mark, "spec.module.oci.image", "it is not signed").await;
    assert_eq!(answer(ingress).await, "mark", "the last signed one serves");
    let mark = ingress.mark();
    sign("ours.key", &name);
    becomes(ingress, mark, "deny").await;

    let other = format!("{host}/other/p:v1");
    push(&registry, &modules.module("mark"), &other, &[]).unwrap();
    let mark = ingress.mark();
    ingress.apply("given.yaml", image(&other).to_string().as_bytes()).await.unwrap();
    problem(ingress, mark, "spec.module.oci.image", "has no rule for it").await;
    let free = format!("{host}/free/p:v1");
    push(&registry, &modules.module("mark"), &free, &[]).unwrap();
    let mark = ingress.mark();
    ingress.apply("given.yaml", image(&free).to_string().as_bytes()).await.unwrap();
    becomes(ingress, mark, "mark").await;
    drop(signing);

    let given = [image(&name)];
    drop(registry);
    let again = world(&flags, &given).await;
    assert_eq!(answer(&again.ingress).await, "deny", "the signature is kept with the module");
    drop(again);
    std::fs::copy(modules.path("theirs.pub"), modules.path("ours.pub")).unwrap();
    let revoked = world(&flags, &given).await;
    assert_eq!(answer(&revoked.ingress).await, "503", "a key that is trusted no more opens nothing on disk either");
}

#[tokio::test]
async fn a_signature_in_a_bundle_counts_and_a_bill_of_materials_does_not() {
    let (modules, registry) = (Modules::new(), Registry::start(&Options::default()).unwrap());
    let path = |name: &str| modules.path(name).display().to_string();
    assert_eq!(policy(&["sign", "--generate-key", &path("ours")]).unwrap().code, 0);
    let pinned = push(&registry, &modules.module("mark"), &team(&registry.host, "v1"), &[]).unwrap();
    let hex = pinned.split_once("@sha256:").unwrap().1;
    let key = path("ours.pub");
    let verify = || policy(&["verify", &pinned, "--key", &key, "--registry-insecure", &registry.host]).unwrap().code;
    for (predicate, code) in [("https://spdx.dev/Document", 1), ("https://sigstore.dev/cosign/sign/v1", 0)] {
        let statement = json!({"_type": "https://in-toto.io/Statement/v1", "predicateType": predicate, "subject": [{"digest": {"sha256": hex}}]});
        let statement = statement.to_string();
        let signed = format!("DSSEv1 28 application/vnd.in-toto+json {} {statement}", statement.len());
        let sig = registry::sign(&modules.path("ours.key"), signed.as_bytes()).unwrap();
        let kind = "application/vnd.dev.sigstore.bundle.v0.3+json";
        let envelope = json!({"payloadType": "application/vnd.in-toto+json", "payload": STANDARD.encode(&statement), "signatures": [{"sig": sig}]});
        let bundle = json!({"mediaType": kind, "dsseEnvelope": envelope}).to_string();
        let config = registry.put_blob("team/p", ("application/vnd.oci.empty.v1+json", b"{}")).await.unwrap();
        let layer = registry.put_blob("team/p", (kind, bundle.as_bytes())).await.unwrap();
        let manifest = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": [layer]});
        let digest = registry::digest(manifest.to_string().as_bytes()).unwrap();
        let listed = registry.put_manifest("team/p", &digest, &manifest).await.unwrap();
        let index =
            json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [listed]});
        registry.put_manifest("team/p", &format!("sha256-{hex}"), &index).await.unwrap();
        assert_eq!(verify(), code, "{predicate}");
    }
}

#[tokio::test]
async fn a_url_serves_a_module_of_the_digest_that_is_asked_for() {
    let (modules, registry) = (Modules::new(), Registry::start(&Options::default()).unwrap());
    push(&registry, &modules.module("mark"), &team(&registry.host, "v1"), &[]).unwrap();
    let digest = registry::digest(&modules.bytes("mark")).unwrap();
    let url = format!("http://{}/v2/team/p/blobs/{digest}", registry.host);
    let world = world(&[], &[declared(json!({"http": {"url": url}, "digest": digest}), &[])]).await;
    let ingress = &world.ingress;
    assert_eq!(answer(ingress).await, "mark");

    let mark = ingress.mark();
    let other = registry::digest(b"another").unwrap();
    let wrong = declared(json!({"http": {"url": url}, "digest": other}), &[]);
    ingress.apply("given.yaml", wrong.to_string().as_bytes()).await.unwrap();
    problem(ingress, mark, "spec.module.digest", &digest).await;
    let mark = ingress.mark();
    ingress.apply("given.yaml", declared(json!({"http": {"url": url}}), &[]).to_string().as_bytes()).await.unwrap();
    problem(ingress, mark, "spec.module.digest", "is missing").await;
    assert_eq!(answer(ingress).await, "mark", "the last good one serves");
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, *bytes).unwrap();
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&archive.into_inner().unwrap()).unwrap();
    gzip.finish().unwrap()
}

#[tokio::test]
async fn images_of_other_tools_are_read_and_what_is_none_is_refused() {
    let (modules, registry) = (Modules::new(), Registry::start(&Options::default()).unwrap());
    let module = modules.bytes("mark");
    let empty: (&str, &[u8]) = ("application/vnd.oci.image.config.v1+json", b"{}");
    let old: [(&str, &[u8]); 1] = [("application/vnd.wasm.content.layer.v1+wasm", &module)];
    registry.put_image("team/old", "v1", ("application/vnd.wasm.config.v1+json", b"{}"), &old).await.unwrap();
    let packed = archive(&[("LICENSE", b"free"), ("plugin.wasm", &module)]);
    let compat: [(&str, &[u8]); 1] = [("application/vnd.oci.image.layer.v1.tar+gzip", &packed)];
    registry.put_image("team/compat", "v1", empty, &compat).await.unwrap();
    // Small as packed, and far too large as what it is packed from.
    let bomb = archive(&[("plugin.wasm", &vec![0; 8 << 20])]);
    let bomb: [(&str, &[u8]); 1] = [("application/vnd.oci.image.layer.v1.tar+gzip", &bomb)];
    registry.put_image("team/bomb", "v1", empty, &bomb).await.unwrap();
    let none: [(&str, &[u8]); 1] = [("text/plain", b"hello")];
    let core: [(&str, &[u8]); 1] = [("application/wasm", b"\0asm\x01\0\0\0")];
    registry.put_image("team/core", "v1", empty, &core).await.unwrap();
    registry.put_image("team/none", "v1", empty, &none).await.unwrap();

    let host = registry.host.as_str();
    let flags = ["--registry-insecure", host, "--module-bytes-max", "1Mi"];
    let world = world(&flags, &[image(&format!("{host}/team/old:v1"))]).await;
    let ingress = &world.ingress;
    assert_eq!(answer(ingress).await, "mark");
    let apply = async |name: &str| {
        let mark = ingress.mark();
        ingress.apply("given.yaml", image(&format!("{host}/team/{name}:v1")).to_string().as_bytes()).await.unwrap();
        mark
    };
    let mark = apply("bomb").await;
    problem(ingress, mark, "spec.module.oci.image", "more than 1048576 bytes").await;
    let mark = apply("none").await;
    problem(ingress, mark, "spec.module.oci.image", "text/plain").await;
    let mark = apply("core").await;
    problem(ingress, mark, "spec.module.oci.image", "a core Wasm module").await;
    others_are_well(ingress).await;
    let mark = apply("compat").await;
    let live = json!({"event": "generation", "problems": 0});
    ingress.event(mark, &live).await.unwrap();
    assert_eq!(answer(ingress).await, "mark");

    let out = modules.path("pulled.wasm");
    let compat = format!("{host}/team/compat:v1");
    let pulled = ["pull", &compat, "--out", out.to_str().unwrap(), "--registry-insecure", host];
    assert_eq!(policy(&pulled).unwrap().code, 0);
    assert_eq!(std::fs::read(out).unwrap(), module, "the module inside the archive");
}

#[tokio::test]
async fn a_plugin_of_proxy_wasm_is_pushed_and_serves_and_a_module_of_no_abi_is_not_pushed() {
    let (modules, registry) = (Modules::new(), Registry::start(&Options::default()).unwrap());
    let (host, name) = (registry.host.as_str(), team(&registry.host, "v1"));
    let core = |exports: &str| wat::parse_str(format!("(module (memory (export \"memory\") 1) {exports})")).unwrap();
    let plugin = core(
        r#"(func (export "proxy_abi_version_0_2_1"))
           (func (export "proxy_on_memory_allocate") (param i32) (result i32) i32.const 1024)"#,
    );
    std::fs::write(modules.module("plugin"), plugin).unwrap();
    std::fs::write(modules.module("program"), core(r#"(func (export "_start"))"#)).unwrap();
    push(&registry, &modules.module("plugin"), &name, &[]).unwrap();
    let refused = push(&registry, &modules.module("program"), &name, &[]).unwrap_err().to_string();
    assert!(refused.contains("neither a component nor a module of an ABI"), "{refused}");

    let world = world(&["--registry-insecure", host], &[image(&name)]).await;
    becomes(&world.ingress, world.ingress.mark(), "none").await;
}

#[test]
fn the_author_pushes_pulls_signs_and_verifies() {
    let (modules, registry) = (Modules::new(), Registry::start(&Options::default()).unwrap());
    let (host, name) = (registry.host.as_str(), team(&registry.host, "v1"));
    let path = |name: &str| modules.path(name).display().to_string();
    let pushed = push(&registry, &modules.module("mark"), &name, &[]).unwrap();
    assert!(pushed.starts_with(&format!("{host}/team/p@sha256:")), "{pushed}");
    let run = |arguments: &[&str]| policy(&[arguments, &["--registry-insecure", host]].concat()).unwrap();

    let pulled = run(&["pull", &pushed, "--out", &path("pulled.wasm")]);
    assert_eq!((pulled.code, pulled.stdout.trim()), (0, pushed.as_str()));
    assert_eq!(std::fs::read(modules.path("pulled.wasm")).unwrap(), modules.bytes("mark"));

    let signed = run(&["sign", &name, "--generate-key", &path("ours")]);
    assert_eq!((signed.code, signed.stdout.trim()), (0, pushed.as_str()));
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(modules.path("ours.key")).unwrap());
    assert_eq!(mode & 0o777, 0o600, "the private key is for its owner");
    assert_eq!(run(&["sign", "--generate-key", &path("ours")]).code, 2, "a key is never written over");
    assert_eq!(policy(&["sign", "--generate-key", &path("theirs")]).unwrap().code, 0);
    assert_eq!(run(&["verify", &name, "--key", &path("ours.pub")]).code, 0);
    let refused = run(&["verify", &name, "--key", &path("theirs.pub")]);
    assert!(refused.code == 1 && refused.stderr.contains("none of the keys"), "{refused:?}");
    assert_eq!(run(&["verify", &name, "--key", &path("theirs.pub"), "--key", &path("ours.pub")]).code, 0);

    push(&registry, &modules.module("deny"), &name, &[]).unwrap();
    let unsigned = run(&["verify", &name, "--key", &path("ours.pub")]);
    assert!(unsigned.code == 1 && unsigned.stderr.contains("not signed"), "{unsigned:?}");
    assert_eq!(run(&["verify", &pushed, "--key", &path("ours.pub")]).code, 0, "the digest is still signed");

    for (arguments, said) in [
        (vec!["pull", "p:v1", "--out", "x"], "names no registry"),
        (vec!["pull", "localhost:1/team/p", "--out", "x"], "neither a tag nor a digest"),
        (vec!["push", "/nonexistent", &name], "cannot be read"),
        (vec!["verify", &name, "--key", &path("ours.key")], "not a PEM PUBLIC KEY"),
        (vec!["sign", &name, "--key", &path("ours.pub")], "not a PEM PRIVATE KEY"),
    ] {
        let done = run(&arguments);
        assert!(done.code == 2 && done.stderr.contains(said) && done.stderr.contains("help: "), "{done:?}");
    }
}
