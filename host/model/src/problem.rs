//! What a user got wrong, as a value: the object, the field, what is the matter, what to do.
//!
//! A problem never carries the content of a Secret.

use std::fmt;
use std::sync::Arc;

/// Where an object was declared, and its identity there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// The file, relative to the manifest directory, or `cluster`.
    pub source: Arc<str>,
    /// Which YAML document of the file, from 1; 0 in a cluster.
    pub document: u32,
    pub kind: &'static str,
    pub namespace: Arc<str>,
    pub name: Arc<str>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&*self.namespace, &*self.name) {
            // A manifest that does not say what it is has only its place.
            ("", "") => f.write_str(self.kind)?,
            ("", name) => write!(f, "{} {name}", self.kind)?,
            (namespace, name) => write!(f, "{} {namespace}/{name}", self.kind)?,
        }
        match self.document {
            0 => Ok(()),
            document => write!(f, " ({}, document {document})", self.source),
        }
    }
}

/// One mistake in one object. Everything else keeps serving.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Problem {
    pub origin: Origin,
    /// The field as a path: `spec.rules[0].http.paths[1].pathType`; empty where the object as a whole is wrong.
    pub field: String,
    /// What is the matter, as a sentence without a full stop.
    pub message: String,
    /// What the author can do about it, as a sentence without a full stop.
    pub remedy: String,
    pub severity: Severity,
}

/// Whether the object is to blame alone. Admission refuses errors and lets warnings pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// As written it can never work, or it would take what another namespace has.
    Error,
    /// It works in part, or will when something else is there: objects of a cluster come in any order.
    Warning,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => write!(f, "{}: {}; {}", self.origin, self.message, self.remedy),
            field => write!(f, "{}: {field}: {}; {}", self.origin, self.message, self.remedy),
        }
    }
}
