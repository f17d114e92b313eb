//! What one `spec.rules[].http.paths[]` matches.

use super::Fault;
use crate::config::IngressPath;
use crate::path::{PathError, normalize_declared};
use crate::snapshot::PathKind;

/// A path as read. A place with a fault that closes answers 503, so that no broader rule gets its requests; without a
/// place there is nothing that requests could match.
#[derive(Debug)]
pub struct Reading {
    /// Normalised, as requests are.
    pub place: Option<(String, PathKind)>,
    pub fault: Option<PathFault>,
}

#[derive(Debug)]
pub struct PathFault {
    /// `path` or `pathType`.
    pub field: &'static str,
    pub fault: Fault,
    pub closes: bool,
}

pub fn read(declared: &IngressPath) -> Reading {
    let path = declared.path.as_deref().unwrap_or_default();
    let kind = kind(declared.path_type.as_deref());
    let key = if path.is_empty() { Ok("/".to_owned()) } else { normalize_declared(path) };
    let key = match key {
        Ok(key) => key,
        Err(error) => return Reading { place: None, fault: Some(unusable(error)) },
    };
    let (kind, fault) = match kind {
        Err(fault) => (PathKind::Prefix, Some(PathFault { field: "pathType", fault, closes: true })),
        Ok(Kind::ImplementationSpecific) => (PathKind::Prefix, looks_like_a_pattern(path)),
        Ok(Kind::Exact) => (PathKind::Exact, misspelt(path)),
        Ok(Kind::Prefix) => (PathKind::Prefix, misspelt(path)),
    };
    Reading { place: Some((key, kind)), fault }
}

/// A path that was read well, normalised; it may be [`read`]'s `/` for none.
pub fn normal(path: &str) -> String {
    normalize_declared(path).unwrap_or_else(|_| path.to_owned())
}

enum Kind {
    Exact,
    Prefix,
    ImplementationSpecific,
}

fn kind(path_type: Option<&str>) -> Result<Kind, Fault> {
    match path_type {
        Some("Exact") => Ok(Kind::Exact),
        Some("Prefix") => Ok(Kind::Prefix),
        Some("ImplementationSpecific") => Ok(Kind::ImplementationSpecific),
        Some(other) => Err(Fault::new(format!("{other:?} is no path type"), KIND_REMEDY)),
        None => Err(Fault::new("the path type is missing", KIND_REMEDY)),
    }
}

const KIND_REMEDY: &str = "Write Exact, Prefix or ImplementationSpecific";

/// What the API server refuses in Exact and Prefix (validation.go: invalidPathSequences, invalidPathSuffixes).
fn misspelt(path: &str) -> Option<PathFault> {
    let close = |message: String, remedy: &str| {
        Some(PathFault { field: "path", fault: Fault::new(message, remedy), closes: true })
    };
    if !path.starts_with('/') {
        return close("the path is empty".to_owned(), "Write / for every path");
    }
    if let Some(sequence) = ["//", "/./", "/../"].iter().find(|sequence| path.contains(**sequence)) {
        return close(
            format!("the path contains {sequence}"),
            "Write the path as requests have it after normalisation",
        );
    }
    if let Some(suffix) = ["/..", "/."].iter().find(|suffix| path.ends_with(**suffix)) {
        return close(format!("the path ends in {suffix}"), "Write the path as requests have it after normalisation");
    }
    None
}

/// Other controllers read patterns here; we read a prefix, and say so.
fn looks_like_a_pattern(path: &str) -> Option<PathFault> {
    let sign = path.chars().find(|&character| "*()[]^$|".contains(character))?;
    let message = format!("{sign} is an ordinary character here, since ImplementationSpecific means Prefix");
    let fault = Fault::warning(message, "Write a plain prefix, and leave patterns to a policy");
    Some(PathFault { field: "path", fault, closes: false })
}

fn unusable(error: PathError) -> PathFault {
    let remedy = match error {
        PathError::NotAbsolute => "Begin the path with /",
        PathError::BadEscape => "Write %25 for a percent sign",
        _ => "Remove it; a request with such a path is answered 400 in any case",
    };
    PathFault { field: "path", fault: Fault::new(error.to_string(), remedy), closes: true }
}
