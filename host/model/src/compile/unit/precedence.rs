//! Which of several Ingresses has what they all declare: by creation, those without a date last; then by namespace and name.

use std::sync::Arc;

use crate::config::Ingress;

/// The least is the oldest, and has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Precedence {
    is_undated: bool,
    created: Option<i64>,
    pub namespace: Arc<str>,
    pub name: Arc<str>,
}

impl Precedence {
    pub fn of(ingress: &Ingress) -> Self {
        Self {
            is_undated: ingress.created.is_none(),
            created: ingress.created,
            namespace: Arc::clone(&ingress.origin.namespace),
            name: Arc::clone(&ingress.origin.name),
        }
    }
}
