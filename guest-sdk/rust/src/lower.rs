//! From the SDK's types to the generated ones, in a component only. Moves; copies nothing.

use crate::bindings::base::cardea::policy::types;
use crate::exchange::Header;
use crate::outcome::{Decision, Denial, Edit, Outcome, Reply, ResponseOutcome, Summary, Target};

impl From<Header> for types::Field {
    fn from(header: Header) -> Self {
        Self { name: header.name, value: header.value.0 }
    }
}

fn fields(headers: Vec<Header>) -> Vec<types::Field> {
    headers.into_iter().map(types::Field::from).collect()
}

fn edits(edits: Vec<Edit>) -> Vec<types::Edit> {
    edits.into_iter().map(types::Edit::from).collect()
}

impl From<Edit> for types::Edit {
    fn from(edit: Edit) -> Self {
        match edit {
            Edit::Set(header) => Self::Set(header.into()),
            Edit::Append(header) => Self::Append(header.into()),
            Edit::Remove(name) => Self::Remove(name),
            Edit::SetPath(path) => Self::SetPath(path),
            Edit::SetQuery(query) => Self::SetQuery(query),
            Edit::SetAuthority(authority) => Self::SetAuthority(authority),
        }
    }
}

impl From<Reply> for types::Response {
    fn from(reply: Reply) -> Self {
        Self { status: reply.status, headers: fields(reply.headers), body: reply.body }
    }
}

impl From<Denial> for types::Denial {
    fn from(denial: Denial) -> Self {
        Self {
            status: denial.status,
            reason: denial.reason,
            headers: fields(denial.headers),
            retry_after_ms: denial.retry_after_ms,
        }
    }
}

impl From<Target> for types::Target {
    fn from(target: Target) -> Self {
        match target {
            Target::Backend(name) => Self::Backend(name),
            Target::Weighted(backends) => Self::Weighted(
                backends.into_iter().map(|(backend, weight)| types::Weighted { backend, weight }).collect(),
            ),
            Target::Subset(labels) => Self::Subset(labels),
        }
    }
}

impl From<Decision> for types::Decision {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Next => Self::Next,
            Decision::Route(target) => Self::Route(target.into()),
            Decision::Redirect { status, location } => Self::Redirect(types::Redirect { status, location }),
            Decision::Respond(reply) => Self::Respond(reply.into()),
            Decision::Deny(denial) => Self::Deny(denial.into()),
            Decision::WantBody { bytes_max, deny_on_overflow } => {
                Self::WantBody(types::BodyDemand { max_bytes: bytes_max, deny_on_overflow })
            }
        }
    }
}

impl From<Outcome> for types::RequestOutcome {
    fn from(outcome: Outcome) -> Self {
        let mut follow = types::Phases::empty();
        if outcome.follow_response {
            follow = follow | types::Phases::RESPONSE;
        }
        if outcome.follow_complete {
            follow = follow | types::Phases::COMPLETE;
        }
        Self {
            decision: outcome.decision.into(),
            edits: edits(outcome.edits),
            response_edits: edits(outcome.response_edits),
            follow,
            carry: outcome.carry,
            labels: outcome.labels,
        }
    }
}

impl From<ResponseOutcome> for types::ResponseOutcome {
    fn from(outcome: ResponseOutcome) -> Self {
        Self { replace: outcome.replace.map(types::Response::from), edits: edits(outcome.edits), carry: outcome.carry }
    }
}

impl From<types::Summary> for Summary {
    fn from(summary: types::Summary) -> Self {
        Self {
            status: summary.status,
            duration_us: summary.duration_us,
            upstream_us: summary.upstream_us,
            bytes_in: summary.bytes_in,
            bytes_out: summary.bytes_out,
            backend: summary.backend,
            retries: summary.retries,
            error: summary.error,
        }
    }
}
