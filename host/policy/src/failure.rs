//! Every way in which a policy can fail a request. Closed: each has its own label and its own counter.

use crate::backtrace::BACKTRACE;

/// Answered 503 (or skipped, by the policy's failure mode), and never costs more than its own request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("ran past its deadline")]
    Deadline,
    #[error("trapped: {0}")]
    Trap(String),
    #[error("asked for more memory or table space than its limit")]
    Memory,
    #[error("made too many or too large host calls")]
    HostCalls,
    #[error("returned an outcome that is too large: {0}")]
    OutcomeTooLarge(&'static str),
    #[error("returned an invalid outcome: {0}")]
    OutcomeInvalid(String),
    #[error("chose the backend {0:?}, which its route does not declare")]
    UnknownBackend(String),
    #[error("asked for a body that it cannot have: {0}")]
    BodyDemand(&'static str),
    /// A module of another ABI holds more of a body than `limits.body`.
    #[error("holds a body that is longer than its limit")]
    BodyOverflow,
    #[error("no instance could be made: {0}")]
    Instantiate(String),
    #[error("too many instances at once")]
    Overloaded,
    /// Of a policy that must answer, and did not.
    #[error("{0}")]
    NoAnswer(String),
    /// No version of the policy ever loaded; its routes answer by failure mode.
    #[error("is not loaded")]
    NotLoaded,
}

impl Failure {
    /// The label of metrics and access lines.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Deadline => "policy_deadline",
            Self::Trap(_) => "policy_trap",
            Self::Memory => "policy_memory",
            Self::HostCalls => "policy_host_calls",
            Self::OutcomeTooLarge(_) => "policy_outcome_too_large",
            Self::OutcomeInvalid(_) => "policy_outcome_invalid",
            Self::UnknownBackend(_) => "policy_unknown_backend",
            Self::BodyDemand(_) => "policy_body_demand",
            Self::BodyOverflow => "policy_body_overflow",
            Self::Instantiate(_) => "policy_instantiate",
            Self::Overloaded => "policy_overloaded",
            Self::NoAnswer(_) => "policy_no_answer",
            Self::NotLoaded => "policy_not_loaded",
        }
    }

    /// A trap with what the guest said before it, if it said something.
    pub(crate) fn saying(self, words: Option<String>) -> Self {
        match (self, words) {
            (Self::Trap(text), Some(words)) => Self::Trap(match text.split_once(BACKTRACE) {
                Some((what, frames)) => format!("{what}, after writing: {words}{BACKTRACE}{frames}"),
                None => format!("{text}, after writing: {words}"),
            }),
            (other, _) => other,
        }
    }

    /// Every label, for metrics that exist from the start.
    pub const LABELS: [&'static str; 13] = [
        "policy_deadline",
        "policy_trap",
        "policy_memory",
        "policy_host_calls",
        "policy_outcome_too_large",
        "policy_outcome_invalid",
        "policy_unknown_backend",
        "policy_body_demand",
        "policy_body_overflow",
        "policy_instantiate",
        "policy_overloaded",
        "policy_no_answer",
        "policy_not_loaded",
    ];
}
