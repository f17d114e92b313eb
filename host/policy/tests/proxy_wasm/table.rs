//! The table of host calls in docs/abi/proxy-wasm.md names each function that is linked, and no other.

use std::collections::BTreeSet;

use cardea_policy::proxy_wasm_host_calls;

use crate::Bench;
use crate::guest::Guest;

const PAGE: &str = include_str!("../../../../docs/abi/proxy-wasm.md");

/// Names in backticks of the first column.
fn documented() -> BTreeSet<String> {
    let section = PAGE.split("## Host calls").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix('|')?.split('|').next());
    rows.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

#[test]
fn the_page_names_each_host_call_and_no_other() {
    let bench = Bench::new(&Guest::default());
    let calls = proxy_wasm_host_calls(&bench.policy).unwrap();
    let linked: BTreeSet<String> =
        calls.iter().filter(|call| call.name.starts_with("proxy_")).map(|call| call.name.clone()).collect();
    assert!(linked.len() > 40, "{linked:?}");
    let documented = documented();
    let missing: Vec<_> = linked.difference(&documented).collect();
    let invented: Vec<_> = documented.difference(&linked).collect();
    assert!(missing.is_empty() && invented.is_empty(), "not on the page: {missing:?}; not there: {invented:?}");
}

#[test]
fn everything_else_that_is_linked_is_named_by_its_module() {
    let bench = Bench::new(&Guest::default());
    let others = proxy_wasm_host_calls(&bench.policy).unwrap();
    for call in others.iter().filter(|call| !call.name.starts_with("proxy_")) {
        let named = if call.module == "env" { format!("`env.{}`", call.name) } else { String::from("WASI preview 1") };
        assert!(PAGE.contains(&named), "{call:?}");
    }
}
