//! How what was found is printed: for people, or as one JSON value.

use std::io::{self, Write};

use cardea_model::problem::{Problem, Severity};
use serde_json::{Value, json};

use super::Checked;

pub(super) fn human(checked: &Checked) {
    for problem in &checked.problems {
        let Problem { origin, field, message, remedy, .. } = problem;
        let colon = if field.is_empty() { "" } else { ": " };
        line(&format!("{}: {origin}: {field}{colon}{message}\n  help: {remedy}", word(problem.severity)));
    }
    line(&summary(checked));
}

pub(super) fn summary(checked: &Checked) -> String {
    let count = |number: usize, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
    format!(
        "{}, {}, {}: {}, {}",
        count(checked.ingresses, "Ingress", "Ingresses"),
        count(checked.services, "Service", "Services"),
        count(checked.policies, "Policy", "Policies"),
        count(checked.count(Severity::Error), "error", "errors"),
        count(checked.count(Severity::Warning), "warning", "warnings"),
    )
}

pub(super) fn json(checked: &Checked) {
    line(&format!("{:#}", value(checked)));
}

pub(super) fn value(checked: &Checked) -> Value {
    let problem = |problem: &Problem| {
        let origin = &problem.origin;
        json!({
            "severity": word(problem.severity), "source": &*origin.source, "document": origin.document,
            "kind": origin.kind, "namespace": &*origin.namespace, "name": &*origin.name,
            "field": problem.field, "message": problem.message, "remedy": problem.remedy,
        })
    };
    json!({
        "errors": checked.count(Severity::Error),
        "warnings": checked.count(Severity::Warning),
        "problems": checked.problems.iter().map(problem).collect::<Vec<_>>(),
    })
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// A reader that went away (`| head`) is no reason to stop.
fn line(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}
