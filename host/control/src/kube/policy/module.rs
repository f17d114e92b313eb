//! Which one place a Policy's module comes from.

use std::sync::Arc;
use std::time::Duration;

use cardea_model::units;

use super::{ConfigMapKey, HttpFile, Mistakes, Module, ModuleRef, OciImage};
use crate::fetch::{Image, Remote, is_url};

const INTERVAL: Duration = Duration::from_secs(300);
const INTERVAL_MIN: Duration = Duration::from_secs(1);

impl Mistakes<'_> {
    pub(super) fn module(&mut self, module: Module) -> Option<ModuleRef> {
        let Module { file, config_map, oci, http, digest } = module;
        let mut named = [
            ("file", file.is_some()),
            ("configMap", config_map.is_some()),
            ("oci", oci.is_some()),
            ("http", http.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, is)| is.then_some(name));
        match (named.next(), named.next()) {
            (Some(_), None) => {}
            (Some(one), Some(other)) => {
                self.add("spec.module", format!("has both {one} and {other}"), "keep one of them");
                return None;
            }
            (None, _) => {
                self.add("spec.module", "has none of file, configMap, oci and http", "give one of them");
                return None;
            }
        }
        file.map(|file| self.file(file))
            .or_else(|| config_map.map(|key| self.config_map(key)))
            .or_else(|| oci.map(|oci| self.oci(oci)))
            .or_else(|| http.map(|http| self.http(http, digest.is_some())))
            .flatten()
    }

    fn file(&mut self, file: String) -> Option<ModuleRef> {
        if file.is_empty() {
            self.add("spec.module.file", "is empty", "name a file, relative to this manifest");
            return None;
        }
        Some(ModuleRef::File(file))
    }

    fn config_map(&mut self, ConfigMapKey { name, key }: ConfigMapKey) -> Option<ModuleRef> {
        if name.is_empty() || key.is_empty() {
            self.add("spec.module.configMap", "lacks a name or key", "give both");
            return None;
        }
        Some(ModuleRef::ConfigMap { name, key })
    }

    fn oci(&mut self, oci: OciImage) -> Option<ModuleRef> {
        let interval = self.interval(oci.interval.as_deref());
        if oci.pull_secret.as_deref() == Some("") {
            self.add("spec.module.oci.pullSecret", "is empty", "name a Secret, or leave the field out");
            return None;
        }
        match Image::parse(&oci.image) {
            Ok(_) => {
                let remote = Remote::Oci { image: Arc::from(oci.image), interval };
                Some(ModuleRef::Remote { remote, pull_secret: oci.pull_secret })
            }
            Err(message) => {
                let remedy = "write it in full: registry.example.com/team/policy:v1, or with @sha256: and the digest";
                self.add("spec.module.oci.image", message, remedy);
                None
            }
        }
    }

    fn interval(&mut self, text: Option<&str>) -> Duration {
        let mistake = match text.map(units::duration) {
            None => return INTERVAL,
            Some(Ok(interval)) if interval >= INTERVAL_MIN => return interval,
            Some(Ok(_)) => "is shorter than 1s".to_owned(),
            Some(Err(message)) => message,
        };
        self.add("spec.module.oci.interval", mistake, "write a whole number and a unit, at least 1s, such as 5m");
        INTERVAL
    }

    fn http(&mut self, http: HttpFile, has_digest: bool) -> Option<ModuleRef> {
        if !has_digest {
            let remedy = "add the sha256 digest of the module, which `cardea policy inspect` prints";
            self.add("spec.module.digest", "is missing, and a module from a URL needs one", remedy);
        }
        if !is_url(&http.url) {
            let message = format!("{:?} is not an http or https URL", http.url);
            self.add("spec.module.http.url", message, "write https://host/path, without user and password");
            return None;
        }
        Some(ModuleRef::Remote { remote: Remote::Http { url: Arc::from(http.url) }, pull_secret: None })
    }
}
