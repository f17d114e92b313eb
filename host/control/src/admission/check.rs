//! What is wrong with one object, against the index.
//!
//! An object that is changed is not refused for what was wrong with it before: it may have been stored while nobody
//! looked, and has to be repaired, labelled and deleted step by step.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use cardea_model::compile;
use cardea_model::compile::class::Classes;
use cardea_model::compile::unit::{self, Place, Precedence};
use cardea_model::config::{Config, Ingress, IngressClass, ModuleSource};
use cardea_model::problem::{Origin, Problem, Severity};

use super::index::Index;
use crate::file::Object;
use crate::kube::policy::Declared;
use crate::kube::problem;

/// Every mistake of `object`, as it would be in place of `old`. Kinds that are not ours have none.
pub fn check(index: &Index, object: &Object, old: Option<&Object>) -> Vec<Problem> {
    let mut problems = problems(index, object, old);
    if let Some(old) = old {
        excuse(&mut problems, &self::problems(index, old, Some(old)));
    }
    problems
}

fn problems(index: &Index, object: &Object, old: Option<&Object>) -> Vec<Problem> {
    match object {
        Object::Ingress(object) => {
            let before = old.and_then(|old| if let Object::Ingress(old) = old { Some(&**old) } else { None });
            ingress(index, object, before)
        }
        Object::Policy(object) => policy(index, object),
        Object::Class(object) => class(index, object),
        Object::Service(_) | Object::Slice(_) | Object::Secret(_) | Object::PullSecret(_) | Object::ConfigMap(_) => {
            Vec::new()
        }
    }
}

fn ingress(index: &Index, ingress: &Ingress, before: Option<&Ingress>) -> Vec<Problem> {
    let origin = &ingress.origin;
    let mut unit = unit::read(ingress, index);
    let mut problems = std::mem::take(&mut unit.problems);
    let own = Precedence::of(ingress);
    let mut younger = Vec::new();
    for rule in &unit.rules {
        match index.owner(&rule.place, origin) {
            Some((rank, owner)) if *rank < own => problems.push(unit::taken(rule, origin, owner)),
            Some((_, owner)) => younger.push((rule, owner)),
            None => {}
        }
    }
    problems.extend(usurped(index, ingress, before, &younger));
    if unit.is_without_rules
        && unit.default.is_some()
        && let Some((_, owner)) = index.default_owner(origin).filter(|(rank, _)| **rank < own)
    {
        problems.push(unit::default_taken(origin, owner));
    }
    problems
}

/// Places that it would take from younger Ingresses, unless it has them already. Its own routes would be fine, so the
/// compiler tells the younger ones; here is the last moment to ask the one who causes it.
fn usurped(
    index: &Index,
    ingress: &Ingress,
    before: Option<&Ingress>,
    younger: &[(&unit::Rule, &Origin)],
) -> Vec<Problem> {
    if younger.is_empty() {
        return Vec::new();
    }
    let had: HashSet<Place> = before
        .map(|before| unit::read(before, index).rules)
        .unwrap_or_default()
        .into_iter()
        .map(|rule| rule.place)
        .collect();
    let taken = |(rule, owner): &(&unit::Rule, &Origin)| {
        let message = format!(
            "Ingress {}/{} has host {} and path {} with the same path type, and would lose them to this one, which is older",
            owner.namespace, owner.name, rule.place.host, rule.text
        );
        let severity = unit::severity_against(&ingress.origin, owner);
        Problem { severity, ..problem(&ingress.origin, rule.field.to_string(), message, "Remove one of the two") }
    };
    younger.iter().filter(|(rule, _)| !had.contains(&rule.place)).map(taken).collect()
}

fn class(index: &Index, class: &Arc<IngressClass>) -> Vec<Problem> {
    let others = index.class_list.iter().filter(|other| other.origin.name != class.origin.name);
    let classes: Vec<_> = others.cloned().chain([Arc::clone(class)]).collect();
    let (_, problems) = Classes::new(&classes, index.options());
    problems.into_iter().filter(|problem| problem.origin.name == class.origin.name).collect()
}

/// The policy by itself: its bounds, and whether its module can be had at all.
fn policy(index: &Index, declared: &Declared) -> Vec<Problem> {
    let none = ModuleSource::Missing { path: "".into(), message: String::new() };
    let config = Config { policies: vec![Arc::new(declared.with(none))], ..Config::default() };
    let (_, mut problems) = compile::compile(&config, index.options());
    problems.extend(declared.file_in_cluster());
    problems
}

/// Makes warnings of the errors that were there before, wherever in the object they are now.
fn excuse(problems: &mut [Problem], before: &[Problem]) {
    let mut excuses: HashMap<&str, usize> = HashMap::new();
    for problem in before {
        *excuses.entry(&problem.message).or_default() += 1;
    }
    for problem in problems.iter_mut().filter(|problem| problem.severity == Severity::Error) {
        if let Some(left) = excuses.get_mut(problem.message.as_str()).filter(|left| **left > 0) {
            *left -= 1;
            problem.severity = Severity::Warning;
        }
    }
}
