use serde::Deserialize;

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

#[test]
fn an_absent_config_is_the_unit_or_the_defaults() {
    assert_eq!(read::<()>("null"), Ok(()));
    assert_eq!(read::<()>(r#"{"a": 1}"#), Err("config: this policy takes none".to_string()));
    assert_eq!(read::<Config>("null"), Ok(Config { rules: Vec::new() }));
    assert_eq!(read::<Option<Config>>("null"), Ok(None));
}

#[test]
fn an_error_names_the_field_and_not_a_position_in_generated_text() {
    let wrong_type = read::<Config>(r#"{"rules": [{"weight": 1}, {"weight": "much"}]}"#);
    assert_eq!(wrong_type, Err("config.rules[1].weight: invalid type: string \"much\", expected u8".to_string()));
    let missing = read::<Config>(r#"{"rules": [{}]}"#);
    assert_eq!(missing, Err("config.rules[0]: missing field `weight`".to_string()));
    let unknown = read::<Config>(r#"{"rulez": []}"#);
    assert_eq!(unknown, Err("config.rulez: unknown field `rulez`, expected `rules`".to_string()));
}
