#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::matches;

fn check(pattern: Value, actual: Value, holds: bool) {
    assert_eq!(matches(&pattern, Some(&actual)).is_ok(), holds, "{pattern} against {actual}");
}

#[test]
fn a_map_asks_for_its_own_keys_only() {
    check(json!({"a": 1}), json!({"a": 1, "b": 2}), true);
    check(json!({"a": 1}), json!({"a": 2}), false);
    check(json!({"a": {"b": "x"}}), json!({"a": {"b": "y"}}), false);
    check(json!({"a": 1}), json!({}), false);
}

#[test]
fn null_means_nothing_there() {
    check(json!({"a": null}), json!({}), true);
    check(json!({"a": null}), json!({"a": ""}), false);
}

#[test]
fn a_list_has_the_same_length() {
    check(json!([1, 2]), json!([1, 2]), true);
    check(json!([1]), json!([1, 2]), false);
    check(json!([]), json!([1]), false);
}

#[test]
fn operators_say_no_as_well_as_yes() {
    check(json!({"contains": "ell"}), json!("hello"), true);
    check(json!({"contains": "elk"}), json!("hello"), false);
    check(json!({"contains": "1"}), json!(1), false);
    check(json!({"starts_with": "he"}), json!("hello"), true);
    check(json!({"starts_with": "lo"}), json!("hello"), false);
    check(json!({"any_of": [400, 431]}), json!(431), true);
    check(json!({"any_of": [400, 431]}), json!(200), false);
    check(json!({"not": "x"}), json!("y"), true);
    check(json!({"not": "x"}), json!("x"), false);
    check(json!({"present": true}), json!("x"), true);
    check(json!({"present": true}), Value::Null, false);
    check(json!({"has": [{"a": 1}]}), json!([{"a": 2}, {"a": 1, "b": 3}]), true);
    check(json!({"has": [{"a": 1}, {"a": 9}]}), json!([{"a": 1}]), false);
    check(json!({"length": 2}), json!([1, 2]), true);
    check(json!({"length": 2}), json!("abc"), false);
}

#[test]
fn a_refusal_names_the_place() {
    let refusal = matches(&json!({"a": [{"b": 1}]}), Some(&json!({"a": [{"b": 2}]}))).unwrap_err();
    assert_eq!(refusal, "a[0].b: expected 1, found 2");
}
