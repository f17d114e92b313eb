//! The last good state on disk: what serves after a start while the API server does not answer.
//!
//! One file of JSON lines: a header with the version of the format, then one Kubernetes object a line, with no more of
//! it than routing needs, so that the reads of [`crate::kube`] read it back. Modules out of ConfigMaps lie beside it by
//! digest; those from registries are the module cache's. The directory is ours alone, since it holds certificate keys.

mod disk;
mod saver;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cardea_model::config::{EndpointSlice, Ingress, IngressClass, Policy, Service};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::kind::Kind;
use super::object::Raw;
use super::watched::{Change, Delta, SecretContent, Watched, item};
use super::zone::Hinted;
use crate::kube::config_map::Binary;
use crate::kube::policy::{Declared, ModuleRef};

pub(super) use disk::Disk;
pub(super) use saver::Saver;

const FORMAT: &str = "cardea-snapshot/v1";

/// Everything that is declared at one moment. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub classes: Vec<Arc<IngressClass>>,
    pub ingresses: Vec<Arc<Ingress>>,
    pub services: Vec<Arc<Service>>,
    pub slices: Vec<Arc<EndpointSlice>>,
    /// Each with where its module comes from.
    pub policies: Vec<(Arc<Policy>, ModuleRef)>,
    pub secrets: Vec<Arc<SecretContent>>,
    pub config_maps: Vec<Arc<Binary>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    format: String,
    /// Seconds since 1970.
    saved: u64,
    objects: usize,
}

/// What a file said.
#[derive(Debug)]
pub(super) struct Restored {
    pub saved: SystemTime,
    pub objects: usize,
    /// One for each kind, of all its objects.
    pub changes: Vec<Change>,
}

/// Why a state cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum SnapshotError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("is not of the format {FORMAT}")]
    Format,
    #[error("line {line} cannot be read")]
    Line { line: usize },
    #[error("ends after {found} of {expected} objects")]
    Short { found: usize, expected: usize },
    #[error("{0}")]
    Directory(String),
}

/// The text of a state; modules are told apart, by digest.
fn write(state: &State, saved: SystemTime, modules: &mut BTreeMap<String, Arc<[u8]>>) -> Vec<u8> {
    let mut lines: Vec<(Kind, Value)> = Vec::new();
    lines.extend(state.classes.iter().map(|class| (Kind::IngressClass, wire::class(class))));
    lines.extend(state.ingresses.iter().map(|ingress| (Kind::Ingress, wire::ingress(ingress))));
    lines.extend(state.services.iter().map(|service| (Kind::Service, wire::service(service))));
    lines.extend(state.slices.iter().map(|slice| (Kind::EndpointSlice, wire::slice(slice))));
    lines.extend(state.policies.iter().map(|(policy, module)| (Kind::Policy, wire::policy(policy, module))));
    lines.extend(state.secrets.iter().map(|secret| (Kind::Secret, wire::secret(secret))));
    lines.extend(state.config_maps.iter().map(|map| (Kind::ConfigMap, wire::config_map(map, modules))));
    let saved = saved.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let header = Header { format: FORMAT.to_owned(), saved, objects: lines.len() };
    let mut text = serde_json::to_vec(&header).unwrap_or_default();
    text.push(b'\n');
    for (kind, mut object) in lines {
        wire::put(&mut object, "apiVersion", kind.api_version().into());
        wire::put(&mut object, "kind", kind.name().into());
        // Values have no way to fail.
        text.extend(serde_json::to_vec(&object).unwrap_or_default());
        text.push(b'\n');
    }
    text
}

/// Reads a state back. All or nothing: half a state could lack the rule that protects a path.
fn read(text: &[u8], module: impl Fn(&str) -> Option<Arc<[u8]>>) -> Result<Restored, SnapshotError> {
    let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let header: Header =
        lines.next().and_then(|line| serde_json::from_slice(line).ok()).ok_or(SnapshotError::Format)?;
    if header.format != FORMAT {
        return Err(SnapshotError::Format);
    }
    let mut of_kind: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let mut found = 0;
    for line in lines {
        found += 1;
        let unreadable = || SnapshotError::Line { line: found + 1 };
        let mut object: Value = serde_json::from_slice(line).map_err(|_| unreadable())?;
        let name = object.get("kind").and_then(Value::as_str).ok_or_else(unreadable)?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(unreadable)?;
        if kind == Kind::ConfigMap {
            wire::with_modules(&mut object, &module);
        }
        of_kind.entry(kind.name()).or_default().push(object);
    }
    if found != header.objects {
        return Err(SnapshotError::Short { found, expected: header.objects });
    }
    let mut of = |kind: Kind| of_kind.remove(kind.name()).unwrap_or_default();
    let changes = vec![
        whole::<IngressClass>(of(Kind::IngressClass))?,
        whole::<Declared>(of(Kind::Policy))?,
        whole::<Ingress>(of(Kind::Ingress))?,
        whole::<Service>(of(Kind::Service))?,
        whole::<Hinted>(of(Kind::EndpointSlice))?,
        whole::<SecretContent>(of(Kind::Secret))?,
        whole::<Binary>(of(Kind::ConfigMap))?,
    ];
    Ok(Restored { saved: UNIX_EPOCH + Duration::from_secs(header.saved), objects: found, changes })
}

fn whole<T: Watched>(objects: Vec<Value>) -> Result<Change, SnapshotError> {
    let mut items = Vec::with_capacity(objects.len());
    for object in &objects {
        let raw = Raw::<T::Wire>::deserialize(object).map_err(|_| SnapshotError::Format)?;
        items.push(item::<T>(raw).0);
    }
    Ok(T::change(Delta::Whole(items)))
}
