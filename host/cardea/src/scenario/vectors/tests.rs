#![allow(clippy::unwrap_used, reason = "a test")]

use super::{EXCHANGES_MAX, embed, section, without};

const CASES: &str = "cases: [{ promise: p, send: {}, expect: { decision: next } }]";

fn modules() -> [Vec<u8>; 2] {
    let component =
        "(component (core module (func) (@custom \"cardea:scenarios\" \"inner\")) (@custom \"other\" \"x\"))";
    let module = "(module (memory 1) (func (export \"f\") nop) (@custom \"other\" \"x\"))";
    [component, module].map(|text| wat::parse_str(text).unwrap())
}

#[test]
fn scenarios_travel_in_the_outermost_module_and_come_out_again() {
    for module in modules() {
        assert_eq!(section(&module), None, "of a nested module it says nothing");
        let packed = embed(&module, CASES).unwrap();
        assert_eq!(section(&packed), Some(CASES.as_bytes()));
        assert_eq!(without(&packed), module);
        let again = embed(&packed, &format!("{CASES} ")).unwrap();
        assert_eq!(again.len(), packed.len() + 1, "in place of the old ones");
        assert_eq!(without(&module), module);
        let appended = [packed, wat::parse_str("(module (@custom \"last\" \"y\"))").unwrap().split_off(8)].concat();
        assert_eq!(section(&appended), Some(CASES.as_bytes()));
        let last = [module, wat::parse_str("(module (@custom \"last\" \"y\"))").unwrap().split_off(8)].concat();
        assert_eq!(without(&appended), last, "what follows stays");
    }
    assert_eq!((section(b"no wasm"), without(b"no wasm").as_slice()), (None, b"no wasm".as_slice()));
}

#[test]
fn what_no_ingress_would_play_is_not_packed() {
    let [module, _] = modules();
    let step = "{ send: {}, expect: {} }";
    let many = vec![step; EXCHANGES_MAX + 1].join(", ");
    for (text, part) in [
        ("cases: []", "is empty"),
        (&format!("cases: [{{ promise: p, requests: [{many}] }}]"), "1001 exchanges"),
        (&format!("{CASES}\n# {}", "x".repeat(300_000)), "may have 262144"),
    ] {
        let error = embed(&module, text).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}
