//! What an IngressClass says: who serves it, and whether it is the default.

use cardea_model::config;
use cardea_model::problem::Problem;
use k8s_openapi::api::networking::v1::IngressClass;

use super::{Place, created, problem};

const DEFAULT: &str = "ingressclass.kubernetes.io/is-default-class";

/// # Errors
/// A name or `spec.controller` is missing.
pub fn read(place: &Place, class: IngressClass) -> Result<config::IngressClass, Vec<Problem>> {
    let origin = place.cluster_wide("IngressClass", &class.metadata)?;
    let controller = class.spec.and_then(|spec| spec.controller).filter(|controller| !controller.is_empty());
    let Some(controller) = controller else {
        let remedy = "name the controller that serves the class, such as cardea.dev/ingress";
        return Err(vec![problem(&origin, "spec.controller", "is missing", remedy)]);
    };
    let default = class.metadata.annotations.as_ref().and_then(|annotations| annotations.get(DEFAULT));
    Ok(config::IngressClass {
        controller: controller.into(),
        is_default: default.is_some_and(|value| value == "true"),
        created: created(&class.metadata),
        origin,
    })
}

/// What is wrong with a class of ours that can be served nevertheless.
pub fn remarks(place: &Place, class: &IngressClass) -> Vec<Problem> {
    let spec = class.spec.as_ref();
    let Some(parameters) = spec.and_then(|spec| spec.parameters.as_ref()) else { return Vec::new() };
    let Ok(origin) = place.cluster_wide("IngressClass", &class.metadata) else { return Vec::new() };
    let message = format!("{} {} is no kind of parameters that Cardea knows", parameters.kind, parameters.name);
    vec![problem(&origin, "spec.parameters", message, "remove it; settings are annotations, Policies and flags")]
}
