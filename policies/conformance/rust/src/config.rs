//! The config, and what is refused.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    pub backend: String,
    #[serde(default = "default_limit")]
    pub limit: i64,
    #[serde(default = "default_mark")]
    pub mark: String,
}

fn default_limit() -> i64 {
    3
}

fn default_mark() -> String {
    "cardea".to_string()
}

impl Config {
    pub fn check(&self) -> Result<(), String> {
        if self.backend.is_empty() {
            return Err("config.backend: name a backend of the route".to_string());
        }
        if !(1..=1000).contains(&self.limit) {
            return Err("config.limit: give a whole number from 1 to 1000".to_string());
        }
        Ok(())
    }
}
