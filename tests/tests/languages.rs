//! Modules of every language are swapped under load: no request is lost, and what they count is counted on.
//!
//! The modules are the conformance policies, as `make conformance` built them: a language without one fails the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::rc::Rc;
use std::time::Instant;

use cardea_tests::guest;
use cardea_tests::ingress::Ingress;
use cardea_tests::scenario::{self, World};
use cardea_tests::swaps::{self, Load, get, wire};
use cardea_tests::wire::{Wire, text};
use serde_json::json;
use tokio::task::LocalSet;

/// What is swapped in for one language, in order: its own module or that of Rust, and how instances are used. Each has a
/// configuration of its own.
const ROUNDS: [(bool, &str); 4] = [(true, "pooled"), (false, "pooled"), (true, "request"), (true, "pooled")];
/// Of a module that takes turns with an instance for each request: an unoptimised host takes its time for larger ones.
const ISOLATED_BYTES_MAX: usize = 1 << 20;
const SETUP: &str = r#"
promise: modules of all languages are swapped under load
flags: [--workers, "2", "--module-cache=${folder}/modules"]
backends: { shop: {} }
sites: { other.test: shop }
steps: [{ get: other.test/, from: shop }]
"#;

/// Every language that has a conformance policy, by its folder; `tools/conformance` sees to it that the list is whole.
/// `CARDEA_LANGUAGES=c,zig` names those that are worked on.
fn languages() -> Vec<String> {
    let table = std::fs::read_to_string(guest::root().join("policies/conformance/table.toml")).unwrap();
    let folder = |line: &str| Some(line.strip_prefix("folder = \"")?.strip_suffix('"')?.to_owned());
    let wanted = std::env::var("CARDEA_LANGUAGES").unwrap_or_default();
    let is_wanted = |name: &String| wanted.is_empty() || wanted.split(',').any(|wanted| wanted == name);
    table.lines().filter_map(folder).filter(is_wanted).collect()
}

/// The Policy `swapped` as `number` says.
fn manifest(module: &str, isolation: &str, number: u32) -> String {
    let spec = json!({
        "module": {"file": module},
        "config": {"backend": "shop", "mark": number.to_string()},
        "grants": {"interfaces": ["log", "metrics", "clock", "random", "kv-local", "counters"]},
        "limits": {"deadline": "500ms", "memory": "64Mi"},
        "isolation": isolation,
    });
    swaps::manifest(&spec, &[(swaps::HOST, "shop")])
}

/// The policy's own counter, after one more call that counts twice.
async fn counted(ingress: &Ingress, probe: &mut Wire) -> u64 {
    let reply = get(probe, "/metrics").await.unwrap();
    assert_eq!((reply.status, text(&reply.body.bytes).to_string()), (200, String::from("measured")));
    let page = ingress.metrics().await.unwrap();
    let value = |series: &str| {
        let of = |line: &&str| line.starts_with(series) && line.contains("swapped");
        let line = page.lines().find(of).unwrap_or_else(|| panic!("no {series} in {page}"));
        line.rsplit_once(' ').unwrap().1.to_owned()
    };
    assert_eq!(value("cardea_policy_user_conformance_level"), "-2");
    value("cardea_policy_user_conformance_calls_total").parse().unwrap()
}

/// Writes a language's module as `LANGUAGE.wasm`; its size.
fn write(ingress: &Ingress, language: &str) -> usize {
    let module = guest::shipped(&format!("conformance/{language}")).unwrap();
    ingress.manifests.write(&format!("{language}.wasm"), &module).unwrap();
    module.len()
}

/// Swaps without load, so that all modules are compiled: a compiler that shares two cores with clients takes minutes.
async fn compile(ingress: &Ingress, load: &Load, probe: &mut Wire, languages: &[String]) -> u32 {
    let mut number = 0;
    for language in languages {
        let (started, bytes) = (Instant::now(), write(ingress, language));
        number += 1;
        load.swap(ingress, probe, &manifest(&format!("{language}.wasm"), "pooled", number), number).await.unwrap();
        println!("{language}: {bytes} bytes, live in {:?}", started.elapsed());
    }
    number
}

/// Rounds of one language, all of them under load; the number of the last.
async fn play(ingress: &Ingress, load: &Load, probe: &mut Wire, language: &str, last: u32) -> u32 {
    let isolated = write(ingress, language) <= ISOLATED_BYTES_MAX;
    language.clone_into(&mut load.subject.borrow_mut());
    let (answers, mut number) = (load.answers.get(), last);
    for (own, isolation) in ROUNDS {
        let module = if own { language } else { "rust" };
        let isolation = if isolated { isolation } else { "pooled" };
        number += 1;
        load.swap(ingress, probe, &manifest(&format!("{module}.wasm"), isolation, number), number).await.unwrap();
    }
    let answers = load.answers.get() - answers;
    assert!(answers > 40, "{language}: only {answers} answers: no load");
    println!("{language}: {answers} answers over {} swaps, none lost", ROUNDS.len());
    number
}

async fn play_all() {
    let world = World::build(&scenario::parse(SETUP).unwrap()).await.unwrap();
    let (ingress, languages) = (&world.ingress, languages());
    assert!(!languages.is_empty(), "none of policies/conformance/table.toml");
    write(ingress, "rust");
    ingress.manifests.write("mark.wasm", &guest::component("mark").unwrap()).unwrap();
    ingress.apply("swap.yaml", manifest("mark.wasm", "pooled", 0).as_bytes()).await.unwrap();
    let mut probe = wire(ingress).await.unwrap();
    let load = Rc::new(Load::default());
    let mut last = compile(ingress, &load, &mut probe, &languages).await;
    let clients = load.begin(ingress).await.unwrap();
    for (before, language) in languages.iter().enumerate() {
        last = play(ingress, &load, &mut probe, language, last).await;
        let calls = counted(ingress, &mut probe).await;
        assert_eq!(calls, 2 * (before as u64 + 1), "{language} counts on where the language before it ended");
    }
    load.end(clients).await.expect("no client lost a request");
    let seen = load.swaps.borrow().len();
    assert!(seen > last as usize, "only {seen} of {last} swaps were seen");
}

#[test]
fn no_request_is_lost_when_a_module_is_swapped_in_any_language() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, play_all());
}
