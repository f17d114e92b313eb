//! The flags about where modules come from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cardea_control::fetch::{Network, Options, SignaturePolicy};
use cardea_model::units;
use clap::Args;

use crate::scenario::vectors::ModuleTests;

#[derive(Debug, Args)]
#[group(skip)]
#[command(next_help_heading = "Modules")]
pub struct Flags {
    /// Registries to ask before another, in order; a mirror may be given several times for one host.
    #[arg(long, env = "CARDEA_REGISTRY_MIRRORS", value_name = "HOST=MIRROR,..", value_delimiter = ',', value_parser = mirror)]
    registry_mirrors: Vec<(String, String)>,
    /// PEM file of certificate authorities to trust for registries and URLs, beside those of the machine.
    #[arg(long, env = "CARDEA_REGISTRY_CA", value_name = "FILE")]
    registry_ca: Option<PathBuf>,
    /// Registries that are spoken to without TLS.
    #[arg(long, env = "CARDEA_REGISTRY_INSECURE", value_name = "HOST,..", value_delimiter = ',')]
    registry_insecure: Vec<String>,
    /// Which images must be signed, and with which keys; without it none.
    #[arg(long, env = "CARDEA_SIGNATURE_POLICY", value_name = "FILE")]
    signature_policy: Option<PathBuf>,
    /// Most bytes of one fetched module, packed or not.
    #[arg(long, env = "CARDEA_MODULE_BYTES_MAX", value_name = "SIZE", default_value = "64Mi", value_parser = units::bytes)]
    module_bytes_max: u64,
    /// The scenarios that travel in a module: played before a version goes live, where it brings some; required, so that a module without
    /// them is refused; or left alone.
    #[arg(long = "module-tests", env = "CARDEA_MODULE_TESTS", value_name = "FORM", default_value = "run")]
    pub tests: ModuleTests,
    /// Most bytes of fetched modules that --module-cache keeps.
    #[arg(long, env = "CARDEA_MODULE_CACHE_BYTES_MAX", value_name = "SIZE", default_value = "1Gi", value_parser = units::bytes)]
    module_cache_bytes_max: u64,
}

impl Flags {
    /// The error names the flag and what is wrong with it.
    pub fn options(&self, module_cache: Option<&Path>) -> Result<Options, String> {
        let mut mirrors: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (host, mirror) in &self.registry_mirrors {
            mirrors.entry(host.clone()).or_default().push(mirror.clone());
        }
        Ok(Options {
            // Beside the compiled ones, which are not to be taken for modules.
            cache: module_cache.map(|directory| directory.join("fetched")),
            cache_bytes_max: self.module_cache_bytes_max,
            module_bytes_max: self.module_bytes_max,
            network: Network {
                insecure: self.registry_insecure.clone(),
                mirrors,
                authorities_pem: authorities(self.registry_ca.as_deref())?,
            },
            signatures: match &self.signature_policy {
                None => None,
                Some(path) => {
                    Some(SignaturePolicy::read(path).map_err(|error| format!("--signature-policy: {error}"))?)
                }
            },
        })
    }
}

/// The content of a file of `--registry-ca`.
fn authorities(path: Option<&Path>) -> Result<Option<Vec<u8>>, String> {
    let read = |path: &Path| std::fs::read(path).map_err(|error| format!("--registry-ca {}: {error}", path.display()));
    path.map(read).transpose()
}

fn mirror(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(host, mirror)| !host.is_empty() && !mirror.is_empty());
    pair.map(|(host, mirror)| (host.to_owned(), mirror.to_owned()))
        .ok_or_else(|| format!("{text:?} is not HOST=MIRROR"))
}
