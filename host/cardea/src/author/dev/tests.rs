#![allow(clippy::unwrap_used, reason = "a test")]

use serde_json::json;

use super::builder::Built;
use super::show::{Line, Source, text};
use super::site::Site;
use crate::author::language::Traps;

fn shown(line: serde_json::Value) -> Vec<String> {
    shown_of(line, Traps::Framed)
}

fn shown_of(line: serde_json::Value, traps: Traps) -> Vec<String> {
    text(&serde_json::from_value::<Line>(line).unwrap(), &Source { folder: "/home/me/canary".into(), traps })
}

#[test]
fn a_decision_is_shown_with_what_it_was_made_of() {
    let line = json!({
        "method": "GET", "host": "shop.test", "path": "/cart", "status": 200, "duration_us": 1500,
        "backend": "default/canary:80", "labels": { "canary": "header" },
        "policies": [{ "name": "default/canary", "decision": "route", "detail": "canary", "us": 41,
            "reads": ["clock", "header:x-canary", "cookie:a"],
            "values": { "header:x-canary": "al\"ways", "cookie:a": null }, "edits": ["set x-a: 1"] }],
    });
    let expected = [
        "GET shop.test/cart -> route canary (41 us); 200 from canary in 1.5 ms",
        "    read   clock",
        "    read   header:x-canary = \"al\\\"ways\"",
        "    read   cookie:a, which is absent",
        "    edit   set x-a: 1",
        "    label  canary=header",
    ];
    assert_eq!(shown(line), expected);
}

#[test]
fn a_trap_is_shown_by_the_authors_own_frames_and_else_by_all() {
    let failed = |detail: &str| {
        let mut lines = shown(json!({ "failure": "policy_trap", "detail": detail }));
        lines.remove(0);
        lines
    };
    let own = "trapped: unreachable; at core::panic (/rustc/a/panic.rs:1) < pick (/home/me/canary/src/lib.rs:45) < \
               call (/home/me/canary/.cardea/guest-sdk/rust/src/export.rs:3)";
    let expected = [
        "    FAILED policy_trap: trapped: unreachable",
        "           at pick (src/lib.rs:45)",
        "           and 2 of libraries",
    ];
    assert_eq!(failed(own), expected);
    let foreign = ["    FAILED policy_trap: trapped: unreachable", "           at a", "           at function 7"];
    assert_eq!(failed("trapped: unreachable; at a < function 7"), foreign);
    assert_eq!(failed("trapped: \u{1b}[31m"), ["    FAILED policy_trap: trapped: \\u{1b}[31m"]);
}

#[test]
fn an_interpreters_frames_are_not_told_and_long_traces_are_cut() {
    let detail = "trapped: unreachable; at a < b < c < d < e < f < g < h < i < j";
    let failed = |traps| shown_of(json!({ "failure": "policy_trap", "detail": detail }), traps).split_off(1);
    let log = "           what it threw, and where, is in its log, if it imports `log`";
    assert_eq!(failed(Traps::Interpreted), ["    FAILED policy_trap: trapped: unreachable", log]);
    let logged = failed(Traps::Logged);
    assert_eq!((logged[1].as_str(), logged[2].as_str()), (log, "           at a"));
    assert_eq!((logged.len(), logged[10].as_str()), (11, "           and 2 more"));
    assert_eq!(failed(Traps::Framed)[1], "           at a");
}

#[test]
fn the_site_serves_the_authors_policy_and_every_backend_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("policy.yaml");
    let text = "apiVersion: cardea.dev/v1alpha1\nkind: Policy\nmetadata: { name: mine }\n\
                spec: { module: { file: elsewhere.wasm }, config: { a: 1 }, isolation: request }\n";
    std::fs::write(&manifest, text).unwrap();
    let backends =
        [("app", 7001), ("canary", 7002)].map(|(name, port)| (name.to_owned(), ([127, 0, 0, 1], port).into()));
    let site = Site::make(&backends, Some(manifest.clone())).unwrap();
    let built = Built { name: "other".into(), bytes: b"code".to_vec(), took: std::time::Duration::ZERO };
    site.put(&built).unwrap();
    let read = |name: &str| std::fs::read_to_string(site.manifests().join(name)).unwrap();
    let policy = crate::author::engine::declared(&site.manifests().join("policy.yaml")).unwrap();
    assert_eq!(&*policy.origin.name, "mine");
    assert!(read("policy.yaml").contains("\"config\":{\"a\":1}"), "{}", read("policy.yaml"));
    assert!(read("policy.yaml").contains("\"module.wasm\""), "not the author's own");
    assert_eq!(read("module.wasm"), "code");
    assert!(read("route.yaml").contains("\"cardea.dev/backends\":\"canary=canary:80\""), "{}", read("route.yaml"));
    assert!(read("backends.yaml").contains("7002"));

    std::fs::write(&manifest, text.replace("isolation", "isolaton")).unwrap();
    let mistake = site.put(&built).unwrap_err();
    assert!(mistake.what.contains("isolaton"), "{mistake}");
    assert!(!read("policy.yaml").contains("isolaton"), "the last good one stays");
}
