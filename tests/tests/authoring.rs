//! The author's commands on a component of wasi:http: they play it as the ingress serves it, and so does an ingress that is to
//! take a module with scenarios of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cardea_tests::guest;
use cardea_tests::ingress::binary;
use cardea_tests::scenario::{self, World};
use serde_json::{Value, json};

struct Author {
    folder: tempfile::TempDir,
}

impl Author {
    fn new() -> Self {
        let author = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::write(author.path("guest.wasm"), guest::made("wasi-http/rust").unwrap()).unwrap();
        author
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn policy(&self, arguments: &[&str]) -> Output {
        let cardea = std::path::absolute(binary().unwrap()).unwrap();
        Command::new(cardea).arg("policy").args(arguments).current_dir(self.folder.path()).output().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.policy(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", told(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn told(output: &Output) -> String {
    [&output.stdout[..], &output.stderr[..]].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).join("\n")
}

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("modules/wasi-http/scenarios.yaml")
}

#[test]
fn its_scenarios_are_played() {
    let author = Author::new();
    let tested = author.policy(&["test", scenarios().to_str().unwrap(), "--module", "guest.wasm"]);
    assert!(tested.status.success() && told(&tested).contains(" 0 failed"), "{}", told(&tested));
    let other = std::fs::read_to_string(scenarios()).unwrap().replace("status: 404, body: not here", "status: 405");
    std::fs::write(author.path("scenarios.yaml"), other).unwrap();
    let tested = author.policy(&["test", "scenarios.yaml", "--module", "guest.wasm"]);
    assert!(!tested.status.success() && told(&tested).contains("expected 405, got 404"), "{}", told(&tested));
}

#[test]
fn one_request_is_run_and_many_are_measured() {
    let author = Author::new();
    let request = "send: { path: /shop, headers: { x-secret: s } }\nresponse: { status: 404, body: none }";
    std::fs::write(author.path("request.yaml"), request).unwrap();
    let ran = author.json(&["run", "guest.wasm", "--request", "request.yaml", "--json"]);
    assert_eq!((&ran["decision"], &ran["status"], &ran["failure"]), (&json!("next"), &json!(404), &Value::Null));
    assert!(ran["reads"].as_array().unwrap().contains(&json!("path")), "{ran}");
    let measured = author.json(&["bench", "guest.wasm", "--request", "request.yaml", "--json"]);
    assert!(measured.to_string().contains("pooled"), "{measured}");
}

/// The Policy, as the backend of a route.
fn manifest(module: &str) -> String {
    let policy = json!({
        "apiVersion": "cardea.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "packed", "namespace": "default"},
        "spec": {"module": {"file": module}, "limits": {"deadline": "200ms"}},
    });
    let backend = json!({"resource": {"apiGroup": "cardea.dev", "kind": "Policy", "name": "packed"}});
    let ingress = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "packed", "namespace": "default"},
        "spec": {
            "ingressClassName": "cardea",
            "rules": [{"host": "packed.test", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
        },
    });
    format!("{policy}\n---\n{ingress}\n")
}

/// The Policy as the ingress has it after the next generation.
async fn applied(world: &World, module: &str) -> Value {
    world.ingress.apply("packed.yaml", manifest(module).as_bytes()).await.unwrap();
    let config = world.ingress.config().await.unwrap();
    let found = config["policies"].as_array().unwrap().iter().find(|policy| policy["name"] == "default/packed");
    found.unwrap_or_else(|| panic!("{config}")).clone()
}

#[tokio::test]
async fn an_ingress_takes_a_module_that_keeps_its_own_promises() {
    let author = Author::new();
    let good = "cases: [{ promise: it greets, send: { path: /hello }, expect: { decision: respond, status: 201 } }]";
    let setup =
        "promise: p\nbackends: { shop: {} }\nsites: { shop.test: shop }\nsteps: [{ get: shop.test/, from: shop }]";
    let world = World::build(&scenario::parse(setup).unwrap()).await.unwrap();
    for (name, cases) in [("good.wasm", String::from(good)), ("bad.wasm", good.replace("201", "200"))] {
        std::fs::write(author.path("scenarios.yaml"), good).unwrap();
        std::fs::copy(author.path("guest.wasm"), author.path(name)).unwrap();
        let packed = author.policy(&["pack", name, "--scenarios", "scenarios.yaml"]);
        assert!(packed.status.success(), "{}", told(&packed));
        let module = std::fs::read(author.path(name)).unwrap();
        // As one that was packed by something else: `pack` plays what it packs.
        let module = replaced(&module, good.as_bytes(), cases.as_bytes());
        world.ingress.manifests.write(name, &module).unwrap();
    }
    let good = applied(&world, "good.wasm").await;
    assert_eq!(good["live"], json!(true), "{good}");
    let bad = applied(&world, "bad.wasm").await;
    assert_eq!(bad["digest"], good["digest"], "the last good version serves: {bad}");
    let config = world.ingress.config().await.unwrap();
    assert!(config["problems"].to_string().contains("its own promise"), "{config}");
}

/// The bytes with one part of them in place of another of the same length.
fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let place = bytes.windows(old.len()).position(|window| window == old).expect("the part is there");
    [&bytes[..place], new, &bytes[place + old.len()..]].concat()
}
