//! Which Ingresses are ours.
//!
//! The annotation `kubernetes.io/ingress.class` wins over `spec.ingressClassName`; the class that is named must exist
//! and name our controller. An Ingress that names none is ours if the default class is, or if we are told so.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::{Fault, Options, Problems};
use crate::config::{Ingress, IngressClass};
use crate::problem::Problem;

const ANNOTATION: &str = "kubernetes.io/ingress.class";

/// The classes that exist, and what follows for an Ingress that names none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Classes {
    /// Every class by name; whether it is ours.
    by_name: HashMap<Arc<str>, bool>,
    /// Whether an Ingress without class is ours.
    serves_nameless: bool,
}

impl Classes {
    pub fn new(classes: &[Arc<IngressClass>], options: &Options) -> (Self, Vec<Problem>) {
        let mut problems = Problems::default();
        let ours = |class: &IngressClass| class.controller == options.controller;
        let mut defaults: Vec<&IngressClass> =
            classes.iter().map(|class| &**class).filter(|class| class.is_default).collect();
        // As the API server's admission does: the newest, then by name.
        defaults.sort_by_key(|class| (Reverse(class.created), &class.origin.name));
        if let Some((first, rest)) = defaults.split_first() {
            for class in rest.iter().filter(|class| ours(class)) {
                let message = format!("several classes are the default; {} is taken", first.origin.name);
                problems.add(
                    &class.origin,
                    DEFAULT_FIELD,
                    Fault::warning(message, "Leave the annotation on one class"),
                );
            }
        }
        let classes = Self {
            by_name: classes.iter().map(|class| (class.origin.name.clone(), ours(class))).collect(),
            serves_nameless: options.watch_ingress_without_class || defaults.first().is_some_and(|class| ours(class)),
        };
        (classes, problems.list)
    }

    /// Whether an Ingress is ours, without a word about its mistakes.
    pub fn accept(&self, ingress: &Ingress) -> bool {
        name_of(ingress).map_or(self.serves_nameless, |name| self.is_ours(name))
    }

    /// Whether the Ingress would be read in another way under these classes than under `other`.
    pub(super) fn differ_for(&self, ingress: &Ingress, other: &Self) -> bool {
        match named(ingress) {
            (None, None) => self.serves_nameless != other.serves_nameless,
            (annotation, field) => {
                let differs = |name: &str| self.by_name.get(name) != other.by_name.get(name);
                annotation.is_some_and(differs) || field.is_some_and(differs)
            }
        }
    }

    pub(super) fn serve(&self, ingress: &Ingress, problems: &mut Problems) -> bool {
        let (annotation, field) = named(ingress);
        let Some(name) = annotation.or(field) else {
            return self.serves_nameless;
        };
        if let (Some(annotation), Some(field)) = (annotation, field)
            && annotation != field
            && (self.is_ours(annotation) || self.is_ours(field))
        {
            let message = format!("the annotation {ANNOTATION} says {annotation}, and wins");
            problems.add(
                &ingress.origin,
                CLASS_FIELD,
                Fault::warning(message, "Remove the annotation, or make both equal"),
            );
        }
        // In a cluster, the annotation often names a class of another controller that has no IngressClass object.
        let may_be_foreign = annotation.is_some() && ingress.origin.document == 0;
        if !self.by_name.contains_key(name) && !may_be_foreign {
            let at = if annotation.is_some() { ANNOTATION_FIELD } else { CLASS_FIELD };
            let remedy = format!("Declare an IngressClass {name}, or name one that exists");
            problems.add(&ingress.origin, at, Fault::warning(format!("no IngressClass is named {name}"), remedy));
        }
        self.is_ours(name)
    }

    fn is_ours(&self, name: &str) -> bool {
        self.by_name.get(name).copied().unwrap_or(false)
    }
}

/// The class that an Ingress names.
pub fn name_of(ingress: &Ingress) -> Option<&str> {
    let (annotation, field) = named(ingress);
    annotation.or(field)
}

/// By annotation, and by field.
fn named(ingress: &Ingress) -> (Option<&str>, Option<&str>) {
    let annotation = ingress.annotations.get(ANNOTATION).map(String::as_str).filter(|name| !name.is_empty());
    let field = ingress.class_name.as_deref().filter(|name| !name.is_empty());
    (annotation, field)
}

const CLASS_FIELD: &str = "spec.ingressClassName";
const ANNOTATION_FIELD: &str = "metadata.annotations[kubernetes.io/ingress.class]";
const DEFAULT_FIELD: &str = "metadata.annotations[ingressclass.kubernetes.io/is-default-class]";
