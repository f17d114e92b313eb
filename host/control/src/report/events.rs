//! Which problems are told as Events, and how each reads.
//!
//! A problem is one Event, by object, field and message: its name follows from them, so that another leader, or this one
//! after a restart, does not tell it twice while the API server keeps the first. It is told again after some hours, as a
//! further occurrence of the same series.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use cardea_model::problem::{Problem, Severity};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{Known, KnownObject, ObjectName};

/// A problem that stands is not told again before this.
const AGAIN_AFTER: Duration = Duration::from_secs(3 * 3600);
/// A problem that went away is kept for so long, since it may come back.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(2 * 3 * 3600);
/// Most problems of one object that are told; the debug view has all.
const EVENTS_OF_OBJECT_MAX: usize = 10;
/// Bounds of events.k8s.io/v1, in bytes.
const NOTE_MAX: usize = 1024;
const NAME_MAX: usize = 253;

/// When each problem was told last, and how often in all.
#[derive(Debug, Default)]
pub struct Told {
    at: HashMap<Problem, (Instant, u32)>,
}

/// An Event that is due.
#[derive(Debug, Clone, PartialEq)]
pub struct Due<'a> {
    pub problem: &'a Problem,
    pub regarding: KnownObject,
}

impl Told {
    /// The problems to tell now, of objects that are in the cluster.
    pub fn due<'a>(&self, problems: &'a [Problem], known: &dyn Known, now: Instant) -> Vec<Due<'a>> {
        let mut of_object: HashMap<_, usize> = HashMap::new();
        let mut seen = HashSet::new();
        let mut due = Vec::new();
        for problem in problems {
            let count = of_object.entry(&problem.origin).or_default();
            *count += 1;
            if *count > EVENTS_OF_OBJECT_MAX || !seen.insert(problem) || !self.is_due(problem, now) {
                continue;
            }
            due.extend(regarding(problem, known).map(|regarding| Due { problem, regarding }));
        }
        due
    }

    fn is_due(&self, problem: &Problem, now: Instant) -> bool {
        self.at.get(problem).is_none_or(|(told, _)| now >= *told + AGAIN_AFTER)
    }

    /// Also where telling failed for good.
    pub fn tell(&mut self, problem: Problem, now: Instant) {
        let times = self.times(&problem).saturating_add(1);
        self.at.insert(problem, (now, times));
        if self.at.len().is_power_of_two() {
            self.at.retain(|_, (told, _)| now < *told + FORGOTTEN_AFTER);
        }
    }

    pub fn times(&self, problem: &Problem) -> u32 {
        self.at.get(problem).map_or(0, |(_, times)| *times)
    }

    /// When the next of these is due, if none is now.
    pub fn next(&self, problems: &[Problem]) -> Option<Instant> {
        problems.iter().filter_map(|problem| self.at.get(problem)).min().map(|(told, _)| *told + AGAIN_AFTER)
    }
}

fn regarding(problem: &Problem, known: &dyn Known) -> Option<KnownObject> {
    let origin = &problem.origin;
    known.object(origin.kind, &ObjectName::new(origin.namespace.clone(), origin.name.clone()))
}

/// Who tells.
#[derive(Debug, Clone)]
pub struct Reporter {
    /// A qualified name, such as `cardea.dev/ingress`.
    pub controller: String,
    pub instance: String,
}

impl Due<'_> {
    /// Where the Event goes: Events about objects of the whole cluster are kept in `default`.
    pub fn namespace(&self) -> &str {
        match &*self.problem.origin.namespace {
            "" => "default",
            namespace => namespace,
        }
    }

    pub fn event(&self, reporter: &Reporter, now: Timestamp) -> Event {
        let Problem { origin, field, message, remedy, .. } = self.problem;
        let note = match field.as_str() {
            "" => format!("{message}; {remedy}"),
            field => format!("{field}: {message}; {remedy}"),
        };
        Event {
            metadata: ObjectMeta {
                name: Some(self.name()),
                namespace: Some(self.namespace().to_owned()),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(now)),
            type_: Some("Warning".into()),
            reason: Some(reason(self.problem)),
            action: Some(action(origin.kind).into()),
            note: Some(cut(&note, NOTE_MAX).to_owned()),
            regarding: Some(ObjectReference {
                api_version: Some(self.regarding.api_version.to_string()),
                kind: Some(origin.kind.to_owned()),
                namespace: Some(origin.namespace.to_string()).filter(|namespace| !namespace.is_empty()),
                name: Some(origin.name.to_string()),
                uid: Some(self.regarding.uid.to_string()),
                resource_version: Some(self.regarding.resource_version.to_string()),
                field_path: None,
            }),
            reporting_controller: Some(reporter.controller.clone()),
            reporting_instance: Some(cut(&reporter.instance, 128).to_owned()),
            ..Event::default()
        }
    }

    /// The object's name, and what is the matter as 64 bits.
    fn name(&self) -> String {
        let mut hash = Sha256::new();
        for part in [&*self.regarding.uid, &self.problem.field, &self.problem.message] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let hash: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let name = cut(&self.problem.origin.name, NAME_MAX - 1 - hash.len());
        format!("{}.{hash}", name.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()))
    }
}

/// `InvalidBackend`, `PathNotReady`: one word for programs. An error is the object's own; a warning may pass by itself.
fn reason(problem: &Problem) -> String {
    let part = part(&problem.field);
    match problem.severity {
        Severity::Error => format!("Invalid{part}"),
        Severity::Warning => format!("{part}NotReady"),
    }
}

/// The first that the field contains.
const PARTS: [(&str, &str); 14] = [
    ("ingress.class", "Class"),
    ("ingressclass", "Class"),
    ("ingressClassName", "Class"),
    ("cardea.dev/policies", "Policies"),
    ("annotations", "Annotation"),
    ("ackend", "Backend"),
    (".path", "Path"),
    (".host", "Host"),
    ("tls", "Certificate"),
    ("spec.module", "Module"),
    ("spec.grants", "Grants"),
    ("spec.limits", "Limits"),
    ("spec.config", "Config"),
    ("spec.parameters", "Parameters"),
];

fn part(field: &str) -> &'static str {
    PARTS.iter().find(|(pattern, _)| field.contains(pattern)).map_or("Object", |(_, part)| part)
}

/// What was attempted when the problem showed.
fn action(kind: &str) -> &'static str {
    if kind == "Policy" { "Load" } else { "Route" }
}

/// At most `bytes_max`, at a character's end.
fn cut(text: &str, bytes_max: usize) -> &str {
    let end = (0..=bytes_max.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests;
