use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::json::{Json, parse};
use super::read;

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Rule {
    weight: u8,
}

#[derive(Debug, Deserialize, PartialEq, Default)]
#[serde(default)]
struct Everything {
    yes: bool,
    small: i8,
    large: u64,
    share: f64,
    whole_share: f32,
    text: String,
    letter: char,
    pair: (u8, String),
    map: BTreeMap<String, i32>,
    option: Option<u16>,
    absent: Option<u16>,
    wrapped: Wrapped,
    choices: Vec<Choice>,
    free: Option<Untagged>,
}

#[derive(Debug, Deserialize, PartialEq, Default)]
struct Wrapped(u32);

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Choice {
    Plain,
    One(u8),
    Two(u8, u8),
    Named { a: u8 },
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
enum Untagged {
    Number(f64),
    Texts(Vec<String>),
}

#[test]
fn an_absent_config_is_the_unit_or_the_defaults() {
    assert_eq!(read::<()>("null"), Ok(()));
    assert_eq!(read::<()>(r#"{"a": 1}"#), Err("config: this policy takes none".to_string()));
    assert_eq!(read::<Config>("null"), Ok(Config { rules: Vec::new() }));
    assert_eq!(read::<Option<Config>>("null"), Ok(None));
}

#[test]
fn an_error_names_the_field() {
    for (text, error) in [
        (
            r#"{"rules": [{"weight": 1}, {"weight": "much"}]}"#,
            "config.rules[1].weight: invalid type: string \"much\", expected u8",
        ),
        (r#"{"rules": [{"weight": 256}]}"#, "config.rules[0].weight: invalid value: integer `256`, expected u8"),
        (
            r#"{"rules": [{"weight": 1.5}]}"#,
            "config.rules[0].weight: invalid type: a number with a fraction, expected u8",
        ),
        (r#"{"rules": [{"weight": -1}]}"#, "config.rules[0].weight: invalid value: integer `-1`, expected u8"),
        (r#"{"rules": [{}]}"#, "config.rules[0]: missing field `weight`"),
        (r#"{"rules": {"a": 1}}"#, "config.rules: invalid type: a map, expected a sequence"),
        ("[[]]", "config: invalid type: a list, expected struct Config"),
        (r#"{"rulez": []}"#, "config.rulez: unknown field `rulez`, expected `rules`"),
        (r#"{"rules": []"#, "config: this is not JSON"),
    ] {
        assert_eq!(read::<Config>(text), Err(error.to_string()), "{text}");
    }
}

#[test]
fn every_kind_of_field_is_read_as_serde_json_reads_it() {
    let value = json!({
        "yes": true, "small": -7, "large": u64::MAX, "share": 0.25, "whole_share": 3, "text": "a\u{1f600}\"\n", "letter": "x",
        "pair": [1, "b"], "map": { "a": 1, "b": -2 }, "option": 5, "absent": null, "wrapped": 9, "ignored": [{ "deep": [1.5] }],
        "choices": ["plain", { "one": 1 }, { "two": [1, 2] }, { "named": { "a": 3 } }], "free": ["a", "b"],
    });
    let expected: Everything = serde_json::from_value(value.clone()).unwrap_or_default();
    assert_eq!(expected.choices.len(), 4, "the expectation itself was read");
    assert_eq!(read::<Everything>(&value.to_string()), Ok(expected));
    assert_eq!(read::<Untagged>("1.5e3"), Ok(Untagged::Number(1500.0)));
    assert!(read::<Everything>(r#"{"choices": ["plainer"]}"#).is_err_and(|error| error.contains("config.choices[0]")));
}

#[test]
fn json_is_what_rfc_8259_says() {
    let number = |text: &str| Some(Json::Number(text.to_string()));
    assert_eq!(parse(" [ ] "), Some(Json::List(Vec::new())));
    assert_eq!(parse(r#""\u00e9\ud83d\ude00\/\\""#), Some(Json::Text("\u{e9}\u{1f600}/\\".to_string())));
    for good in ["0", "-0", "10", "1.50", "1e5", "-1.5E+10"] {
        assert_eq!(parse(good), number(good), "{good}");
    }
    let deep = "[".repeat(100) + &"]".repeat(100);
    for bad in [
        "",
        " ",
        "nul",
        "01",
        "1.",
        ".5",
        "+1",
        "-",
        "1e",
        "--1",
        "[1,]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":1,}",
        "{a:1}",
        "\"",
        "\"\n\"",
        "\"\\x\"",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\u12\"",
        "1 1",
        "[",
        "{",
        "\u{e9}",
        &deep,
    ] {
        assert_eq!(parse(bad), None, "{bad}");
    }
}
