//! What is told of objects that are wrong, and of what may not be read.

use std::sync::Arc;

use cardea_model::problem::{Origin, Problem, Severity};

use super::{Stores, name_of};
use crate::cluster::fault::missing_rule;
use crate::cluster::kind::Kind;
use crate::kube::{Place, problem};
use crate::report::ObjectName;

impl Stores {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let classes = self.classes.problems().filter(|problem| !self.is_of_foreign_class(problem));
        let mut all: Vec<Problem> = classes.cloned().collect();
        all.extend(self.ingresses.problems().cloned());
        all.extend(self.services.problems().cloned());
        all.extend(self.slices.problems().cloned());
        all.extend(self.policies.problems().cloned());
        all.extend(self.secrets.problems().cloned());
        all.extend(self.config_maps.problems().cloned());
        all.extend(self.module_problems.iter().cloned());
        all.extend(self.externals.problems());
        for ((kind, only), message) in &self.denied {
            self.denial(*kind, only.as_ref(), message, &mut all);
        }
        all
    }

    /// What another controller's class says is for that controller to judge.
    fn is_of_foreign_class(&self, problem: &Problem) -> bool {
        let class = self.classes.get(&name_of(&problem.origin));
        class.is_some_and(|class| class.controller != self.terms.compile.controller)
    }

    /// One problem for a kind; for an object, one on each object that names it.
    fn denial(&self, kind: Kind, only: Option<&ObjectName>, message: &str, all: &mut Vec<Problem>) {
        let remedy = missing_rule(kind, only, self.terms.namespace.as_deref());
        let Some(only) = only else {
            let remedy = match (kind, &self.terms.class) {
                (Kind::IngressClass, None) => format!("{remedy}; or name the class that is ours with --ingress-class"),
                // Nothing is missing: an install for one namespace may do without.
                (Kind::IngressClass, Some(_)) => return,
                _ => remedy,
            };
            let severity = if kind == Kind::IngressClass { Severity::Warning } else { Severity::Error };
            let message = format!("may not be read: {message}");
            return all.push(Problem { severity, ..problem(&origin(kind, None), "", message, remedy) });
        };
        for (referrer, name) in self.names.referrers(&(kind, only.clone())) {
            let message = format!("{} {only} may not be read: {message}", kind.name());
            let field = if *referrer == Kind::Ingress { "spec.tls" } else { "spec.module" };
            all.push(problem(&origin(*referrer, Some(name)), field, message, remedy.clone()));
        }
    }
}

pub(super) fn origin(kind: Kind, name: Option<&ObjectName>) -> Origin {
    let unidentified = Place::cluster().unidentified();
    match name {
        None => Origin { kind: kind.name(), ..unidentified },
        Some(ObjectName { namespace, name }) => {
            Origin { kind: kind.name(), namespace: Arc::clone(namespace), name: Arc::clone(name), ..unidentified }
        }
    }
}
