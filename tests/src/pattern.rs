//! What a scenario expects, as a pattern over JSON: one small language for replies, calls, records and problems.
//!
//! A map matches when each of its keys does, `null` when there is nothing, a list element by element, a scalar by
//! equality. A map with one of these keys alone is an operator: `contains` (text), `starts_with` (text), `any_of`
//! (patterns), `not` (a pattern), `present` (true), `has` (patterns that each match some element), `length` (a number).

use serde_json::{Map, Value};

/// Compares; the error names the place.
///
/// # Errors
/// Where and how `actual` differs from `pattern`.
pub fn matches(pattern: &Value, actual: Option<&Value>) -> Result<(), String> {
    at("", pattern, actual)
}

fn at(path: &str, pattern: &Value, actual: Option<&Value>) -> Result<(), String> {
    let actual = actual.unwrap_or(&Value::Null);
    match (pattern, actual) {
        (Value::Object(map), _) if operator(map).is_some() => {
            let Some((name, argument)) = operator(map) else { return Ok(()) };
            operate(path, name, argument, actual)
        }
        (Value::Object(map), Value::Object(found)) => {
            map.iter().try_for_each(|(key, pattern)| at(&format!("{path}.{key}"), pattern, found.get(key)))
        }
        (Value::Array(patterns), Value::Array(found)) if patterns.len() == found.len() => patterns
            .iter()
            .zip(found)
            .enumerate()
            .try_for_each(|(index, (pattern, found))| at(&format!("{path}[{index}]"), pattern, Some(found))),
        _ if pattern == actual => Ok(()),
        _ => Err(format!("{}: expected {pattern}, found {actual}", place(path))),
    }
}

const OPERATORS: [&str; 7] = ["contains", "starts_with", "any_of", "not", "present", "has", "length"];

fn operator(map: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = map.iter().next()?;
    (map.len() == 1 && OPERATORS.contains(&name.as_str())).then_some((name, argument))
}

fn operate(path: &str, name: &str, argument: &Value, actual: &Value) -> Result<(), String> {
    let text = || actual.as_str().unwrap_or_default();
    let argument_text = || argument.as_str().unwrap_or_default();
    let holds = match name {
        "contains" => actual.is_string() && text().contains(argument_text()),
        "starts_with" => actual.is_string() && text().starts_with(argument_text()),
        "any_of" => list(argument).iter().any(|pattern| at(path, pattern, Some(actual)).is_ok()),
        "not" => at(path, argument, Some(actual)).is_err(),
        "present" => argument.as_bool() == Some(!actual.is_null()),
        "has" => list(argument).iter().all(|one| list(actual).iter().any(|found| at(path, one, Some(found)).is_ok())),
        "length" => argument.as_u64() == Some(length(actual) as u64),
        _ => false,
    };
    if holds { Ok(()) } else { Err(format!("{}: expected {name} {argument}, found {actual}", place(path))) }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn length(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.len(),
        Value::Object(items) => items.len(),
        Value::String(text) => text.chars().count(),
        _ => 0,
    }
}

fn place(path: &str) -> &str {
    if path.is_empty() { "it" } else { path.trim_start_matches('.') }
}

#[cfg(test)]
mod tests;
