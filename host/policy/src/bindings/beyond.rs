//! What the values of the interface's types have beyond their fixed part.

use wasmtime::StoreContext;

use super::{
    BodyDemand, Bucket, Decision, Denial, Edit, Field, KvError, Level, Phases, Redirect, RequestOutcome, Response,
    ResponseOutcome, Summary, Target, Weighted,
};
use crate::copied::{Beyond, fixed, parts};
use crate::host::Host;

fixed!(BodyDemand, Bucket, KvError, Level, Phases);

parts! {
    Field { name, value }
    Weighted { backend }
    Redirect { location }
    Response { headers, body }
    Denial { reason, headers }
    RequestOutcome { decision, edits, response_edits, carry, labels }
    ResponseOutcome { replace, edits, carry }
    Summary { backend, error }
}

impl Beyond for Target {
    fn beyond(&self, cx: &StoreContext<'_, Host>) -> usize {
        match self {
            Self::Backend(name) => name.beyond(cx),
            Self::Weighted(backends) => backends.beyond(cx),
            Self::Subset(labels) => labels.beyond(cx),
        }
    }
}

impl Beyond for Decision {
    fn beyond(&self, cx: &StoreContext<'_, Host>) -> usize {
        match self {
            Self::Next | Self::WantBody(_) => 0,
            Self::Route(target) => target.beyond(cx),
            Self::Redirect(redirect) => redirect.beyond(cx),
            Self::Respond(response) => response.beyond(cx),
            Self::Deny(denial) => denial.beyond(cx),
        }
    }
}

impl Beyond for Edit {
    fn beyond(&self, cx: &StoreContext<'_, Host>) -> usize {
        match self {
            Self::Set(field) | Self::Append(field) => field.beyond(cx),
            Self::Remove(text) | Self::SetPath(text) | Self::SetAuthority(text) => text.beyond(cx),
            Self::SetQuery(query) => query.beyond(cx),
        }
    }
}
