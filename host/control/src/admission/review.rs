//! From an AdmissionReview to the answer to it (Kubernetes API, admission.k8s.io/v1).
//!
//! What cannot be checked is allowed: a webhook that refuses what it does not understand blocks upgrades. Nothing here
//! has a side effect, so that a dry run is the same as the real thing.

use cardea_model::problem::{Problem, Severity};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::check::check;
use super::index::Index;
use crate::file::{Parsed, parse_value};
use crate::kube::Place;

const API_VERSION: &str = "admission.k8s.io/v1";
/// The API server cuts a warning at 256 characters, and all of them at 4096 (k8s.io/apiserver, warning context).
const WARNING_CHARACTERS_MAX: usize = 250;
const WARNINGS_MAX: usize = 12;
/// Mistakes told in one refusal.
const CAUSES_MAX: usize = 16;

/// Why a body is no AdmissionReview that can be answered.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("the body is not JSON of an AdmissionReview: {0}")]
    Unreadable(String),
    #[error("{0:?} is not read; send AdmissionReview of {API_VERSION}")]
    Version(String),
    #[error("the review has no request with a uid")]
    NoRequest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Allowed,
    Refused,
}

/// The answer, and what is told about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reviewed {
    pub outcome: Outcome,
    pub warnings: usize,
    /// The AdmissionReview to send back.
    pub body: Vec<u8>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Review {
    api_version: String,
    kind: String,
    request: Option<Request>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Request {
    uid: String,
    kind: GroupVersionKind,
    sub_resource: Option<String>,
    name: Option<String>,
    namespace: Option<String>,
    operation: String,
    object: Value,
    old_object: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GroupVersionKind {
    group: String,
    kind: String,
}

/// Answers one review. Takes time in proportion to the object, whatever the index holds.
///
/// # Errors
/// The body is not an AdmissionReview with a request, so that there is nothing to answer.
pub fn review(index: &Index, body: &[u8]) -> Result<Reviewed, Malformed> {
    let review: Review = serde_json::from_slice(body).map_err(|error| Malformed::Unreadable(error.to_string()))?;
    if review.kind != "AdmissionReview" || review.api_version != API_VERSION {
        return Err(Malformed::Version(format!("{} of {}", review.kind, review.api_version)));
    }
    let request = review.request.filter(|request| !request.uid.is_empty()).ok_or(Malformed::NoRequest)?;
    Ok(answer(&request, &mistakes(index, &request)))
}

/// Every mistake that matters now. None where nothing is stored, what is stored is on its way out, or nothing is known
/// yet that it could be held against.
fn mistakes(index: &Index, request: &Request) -> Vec<Problem> {
    let stores = matches!(request.operation.as_str(), "CREATE" | "UPDATE");
    let is_part = request.sub_resource.as_deref().is_some_and(|part| !part.is_empty());
    let goes = request.object.pointer("/metadata/deletionTimestamp").is_some_and(|moment| !moment.is_null());
    if !stores || is_part || goes || !index.is_filled {
        return Vec::new();
    }
    let (new, old) = (read(request, &request.object), read(request, &request.old_object));
    match new.objects.first() {
        Some(object) => check(index, object, old.objects.first()),
        // It could not be read before either, and is no worse now.
        None if !old.problems.is_empty() => as_warnings(new.problems),
        None => new.problems,
    }
}

fn read(request: &Request, object: &Value) -> Parsed {
    if object.is_null() {
        return Parsed::default();
    }
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        // The request knows what an object leaves to the API server.
        let mut default = |field: &str, value: Option<&String>| {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                metadata.entry(field).or_insert_with(|| Value::from(value.as_str()));
            }
        };
        default("namespace", request.namespace.as_ref());
        default("name", request.name.as_ref());
        let generated = metadata.get("generateName").cloned();
        if let Some(generated) = generated {
            metadata.entry("name").or_insert(generated);
        }
    }
    parse_value(&Place::cluster(), &object)
}

fn as_warnings(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.iter_mut().for_each(|problem| problem.severity = Severity::Warning);
    problems
}

fn answer(request: &Request, problems: &[Problem]) -> Reviewed {
    let of = |severity| problems.iter().filter(move |problem| problem.severity == severity);
    let warnings: Vec<String> =
        of(Severity::Warning).take(WARNINGS_MAX).map(|problem| short(&sentence(problem))).collect();
    let errors: Vec<&Problem> = of(Severity::Error).collect();
    let mut response = Map::new();
    response.insert("uid".into(), request.uid.as_str().into());
    response.insert("allowed".into(), errors.is_empty().into());
    if !errors.is_empty() {
        response.insert("status".into(), refusal(request, &errors));
    }
    if !warnings.is_empty() {
        response.insert("warnings".into(), warnings.as_slice().into());
    }
    let review = json!({ "apiVersion": API_VERSION, "kind": "AdmissionReview", "response": response });
    Reviewed {
        outcome: if errors.is_empty() { Outcome::Allowed } else { Outcome::Refused },
        warnings: warnings.len(),
        body: review.to_string().into_bytes(),
    }
}

/// meta/v1 Status, as the API server itself refuses what its own validation finds.
fn refusal(request: &Request, errors: &[&Problem]) -> Value {
    let told = errors.iter().take(CAUSES_MAX);
    let mut message = told.clone().map(|problem| sentence(problem)).collect::<Vec<_>>().join("\n");
    if let Some(more) = errors.len().checked_sub(CAUSES_MAX).filter(|more| *more > 0) {
        message.push_str(&format!("\nand {more} more"));
    }
    let cause = |problem: &&Problem| {
        let message = format!("{}; {}", problem.message, problem.remedy);
        json!({ "reason": "FieldValueInvalid", "field": problem.field, "message": message })
    };
    json!({
        "status": "Failure",
        "code": 422,
        "reason": "Invalid",
        "message": message,
        "details": {
            "name": request.name,
            "group": request.kind.group,
            "kind": request.kind.kind,
            "causes": told.map(cause).collect::<Vec<_>>(),
        },
    })
}

/// The field, what is the matter, what to do.
fn sentence(problem: &Problem) -> String {
    match problem.field.as_str() {
        "" => format!("{}; {}", problem.message, problem.remedy),
        field => format!("{field}: {}; {}", problem.message, problem.remedy),
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(WARNING_CHARACTERS_MAX) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or(text)),
        None => text.to_owned(),
    }
}
