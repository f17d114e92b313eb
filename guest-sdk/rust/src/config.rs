//! Reads `spec.config` into a policy's own type, with errors that name the field.

use std::any::Any;

use serde::de::DeserializeOwned;

/// An absent config (`null`) also fits a struct whose fields all have defaults.
pub(crate) fn read<C: DeserializeOwned + 'static>(text: &str) -> Result<C, String> {
    if let Some(unit) = unit() {
        // Decided when the policy is compiled, so that one without config is spared the JSON reader: 70 KB.
        return if matches!(text, "null" | "{}") {
            Ok(unit)
        } else {
            Err("config: this policy takes none".to_string())
        };
    }
    if text == "null"
        && let Ok(config) = serde_json::from_str(text)
    {
        return Ok(config);
    }
    parse(if text == "null" { "{}" } else { text })
}

/// The config, where its type is `()`.
fn unit<C: 'static>() -> Option<C> {
    let mut unit = Some(());
    (&mut unit as &mut dyn Any).downcast_mut::<Option<C>>().and_then(Option::take)
}

#[cfg(feature = "config-path")]
fn parse<C: DeserializeOwned>(text: &str) -> Result<C, String> {
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(text)).map_err(|error| {
        let (path, cause) = (error.path().to_string(), without_position(&error.inner().to_string()));
        if path == "." { format!("config: {cause}") } else { format!("config.{path}: {cause}") }
    })
}

#[cfg(not(feature = "config-path"))]
fn parse<C: DeserializeOwned>(text: &str) -> Result<C, String> {
    serde_json::from_str(text).map_err(|error| format!("config: {}", without_position(&error.to_string())))
}

/// The text was made from YAML by the host: its line and column mean nothing to the operator.
fn without_position(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_string()
}

#[cfg(test)]
mod tests;
