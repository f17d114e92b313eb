//! The binary data of a ConfigMap: where a Policy may keep its module.

use std::collections::BTreeMap;
use std::sync::Arc;

use cardea_model::problem::{Origin, Problem};
use k8s_openapi::api::core::v1::ConfigMap;

use super::Place;

/// The part of a ConfigMap that a Policy can name; its text is nobody's module.
#[derive(Debug, Clone, PartialEq)]
pub struct Binary {
    pub origin: Origin,
    pub entries: BTreeMap<String, Arc<[u8]>>,
}

/// `None` where there is no binary data.
///
/// # Errors
/// A name is missing.
pub fn read(place: &Place, map: ConfigMap) -> Result<Option<Binary>, Vec<Problem>> {
    let Some(binary) = map.binary_data.filter(|entries| !entries.is_empty()) else {
        return Ok(None);
    };
    let origin = place.namespaced("ConfigMap", &map.metadata)?;
    let entries = binary.into_iter().map(|(key, bytes)| (key, bytes.0.into())).collect();
    Ok(Some(Binary { origin, entries }))
}
