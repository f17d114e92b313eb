//! Policies with the bytes of their modules, as far as these are to be had.

use std::sync::Arc;

use cardea_model::config::{ModuleSource, Policy};
use cardea_model::problem::Problem;

use super::{SecretContent, Stores, name_of};
use crate::fetch::{self, Credentials};
use crate::kube::policy::{Declared, ModuleRef};
use crate::kube::problem;
use crate::report::ObjectName;

impl Stores {
    /// Makes every policy anew; one that is what it was stays the same value.
    pub(super) fn make_policies(&mut self) {
        let mut problems = Vec::new();
        let mut made = Vec::with_capacity(self.policies.objects().len());
        let mut before = std::mem::take(&mut self.made).into_iter().peekable();
        for declared in self.policies.objects() {
            let policy = declared.with(self.module(declared, &mut problems));
            let key = |policy: &Policy| (Arc::clone(&policy.origin.namespace), Arc::clone(&policy.origin.name));
            while before.next_if(|old| key(old) < key(&policy)).is_some() {}
            let same = before.next_if(|old| **old == policy);
            made.push(same.unwrap_or_else(|| Arc::new(policy)));
        }
        if let Some(fetcher) = &self.terms.fetcher {
            fetcher.forget_unasked();
        }
        self.made = made;
        self.module_problems = problems;
    }

    fn module(&self, declared: &Declared, problems: &mut Vec<Problem>) -> ModuleSource {
        if !self.names.is_used(&name_of(&declared.origin)) {
            return ModuleSource::Missing {
                path: declared.module.path(),
                message: "no route uses this policy".to_owned(),
            };
        }
        match &declared.module {
            ModuleRef::File(name) => {
                problems.extend(declared.file_in_cluster());
                missing(name.as_str(), "a Policy in a cluster has no file")
            }
            ModuleRef::ConfigMap { name, key } => self.in_config_map(declared, name, key, problems),
            ModuleRef::Remote { remote, pull_secret } => {
                let fetcher = self.terms.fetcher.as_ref();
                let secret = |name: &str| self.credentials(&declared.origin.namespace, name);
                let (module, mistake) = fetch::module(fetcher, declared, remote, pull_secret.as_deref(), secret);
                problems.extend(mistake);
                module
            }
        }
    }

    fn credentials(&self, namespace: &Arc<str>, name: &str) -> Option<Credentials> {
        match &**self.secrets.get(&ObjectName::new(Arc::clone(namespace), name))? {
            SecretContent::Pull(secret) => Some(secret.credentials.clone()),
            SecretContent::Tls(_) => None,
        }
    }

    fn in_config_map(&self, declared: &Declared, name: &str, key: &str, problems: &mut Vec<Problem>) -> ModuleSource {
        let path: Arc<str> = format!("ConfigMap {name}, key {key}").into();
        let map = self.config_maps.get(&ObjectName::new(Arc::clone(&declared.origin.namespace), name));
        let message = match map.map(|map| map.entries.get(key)) {
            Some(Some(bytes)) => return ModuleSource::Bytes { path, bytes: Arc::clone(bytes) },
            Some(None) => "its binaryData has no such key",
            None => "there is no such ConfigMap with binaryData in the namespace",
        };
        let remedy = "declare it, or correct the reference";
        let text = format!("{path} cannot be read: {message}");
        problems.push(problem(&declared.origin, "spec.module.configMap", text, remedy));
        missing(path, message)
    }
}

fn missing(path: impl Into<Arc<str>>, message: &str) -> ModuleSource {
    ModuleSource::Missing { path: path.into(), message: message.to_owned() }
}
