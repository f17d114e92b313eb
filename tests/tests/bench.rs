//! `cardea policy bench` as a program reads it: what is counted is exact, and nothing that can be measured is left out.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::process::Command;

use cardea_tests::guest;
use cardea_tests::ingress::binary;
use serde_json::{Value, json};

fn bench(bytes: &[u8]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let module = folder.path().join("guest.wasm");
    std::fs::write(&module, bytes).unwrap();
    let cardea = std::path::absolute(binary().unwrap()).unwrap();
    let output = Command::new(cardea).args(["policy", "bench", "--json"]).arg(&module).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_module_is_measured_in_every_way() {
    let found = bench(&guest::component("mark").unwrap());
    assert_eq!((&found["decision"], &found["host_calls"]), (&json!("next"), &json!(0)));
    // An outcome of 68 bytes with one edit of 20, which sets `x-policy` to `mark`; it asks nothing.
    let copied = json!({ "to_guest": 0, "from_guest": 68 + 20 + "x-policymark".len() });
    assert_eq!(found["copied"], json!({ "request": copied, "response": null }));
    for sample in [&found["cold"]["instance"], &found["cold"]["init"], &found["pooled"], &found["isolated"]] {
        let (least, median) = (sample["min_ns"].as_u64().unwrap(), sample["median_ns"].as_u64().unwrap());
        assert!(0 < least && least <= median, "{found}");
    }
    // It writes to one page of its memory at least, and has two of 64 KiB.
    assert!(found["memory"]["private_dirty_bytes"].as_u64().unwrap() >= 4096, "{found}");
    assert_eq!(found["memory"]["linear_bytes"], 2 << 16);
}

#[test]
fn modules_of_other_abis_are_measured_too() {
    for name in ["proxy-wasm/go", "http-wasm/rust"] {
        let found = bench(&guest::built(name).unwrap());
        assert!(
            found["decision"].is_string() && found["cold"]["instance"]["median_ns"].as_u64().unwrap() > 0,
            "{name}: {found}"
        );
    }
}
