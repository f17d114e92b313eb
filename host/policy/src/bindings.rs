//! The types of `cardea:policy/types@0.1.0` as they are lifted out of a guest: unvalidated, and used nowhere else.
//!
//! Written by hand and not by `bindgen!`, so that imports take borrowed strings; wasmtime checks each type against the
//! component's own when a policy loads, so a difference from `wit/` cannot go unseen.

pub(crate) mod arbitrary;
mod beyond;

use wasmtime::component::{ComponentType, Lift, Lower, flags};

#[derive(Debug, Clone, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Field {
    pub name: String,
    pub value: Vec<u8>,
}

flags! {
    Phases {
        #[component(name = "response")]
        const RESPONSE;
        #[component(name = "complete")]
        const COMPLETE;
    }
}

#[derive(Debug, Clone, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Weighted {
    pub backend: String,
    pub weight: u32,
}

#[derive(Debug, Clone, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum Target {
    #[component(name = "backend")]
    Backend(String),
    #[component(name = "weighted")]
    Weighted(Vec<Weighted>),
    #[component(name = "subset")]
    Subset(Vec<(String, String)>),
}

#[derive(Debug, Clone, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Redirect {
    pub status: u16,
    pub location: String,
}

#[derive(Debug, Clone, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<Field>,
    pub body: Vec<u8>,
}

#[derive(Debug, Clone, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Denial {
    pub status: u16,
    pub reason: String,
    pub headers: Vec<Field>,
    #[component(name = "retry-after-ms")]
    pub retry_after_ms: Option<u32>,
}

#[derive(Debug, Clone, ComponentType, Lift, Lower)]
#[component(record)]
pub struct BodyDemand {
    #[component(name = "max-bytes")]
    pub max_bytes: u32,
    #[component(name = "deny-on-overflow")]
    pub deny_on_overflow: bool,
}

#[derive(Debug, Clone, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum Decision {
    #[component(name = "next")]
    Next,
    #[component(name = "route")]
    Route(Target),
    #[component(name = "redirect")]
    Redirect(Redirect),
    #[component(name = "respond")]
    Respond(Response),
    #[component(name = "deny")]
    Deny(Denial),
    #[component(name = "want-body")]
    WantBody(BodyDemand),
}

#[derive(Debug, Clone, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum Edit {
    #[component(name = "set")]
    Set(Field),
    #[component(name = "append")]
    Append(Field),
    #[component(name = "remove")]
    Remove(String),
    #[component(name = "set-path")]
    SetPath(String),
    #[component(name = "set-query")]
    SetQuery(Option<String>),
    #[component(name = "set-authority")]
    SetAuthority(String),
}

#[derive(Debug, Clone, ComponentType, Lift, Lower)]
#[component(record)]
pub struct RequestOutcome {
    pub decision: Decision,
    pub edits: Vec<Edit>,
    #[component(name = "response-edits")]
    pub response_edits: Vec<Edit>,
    pub follow: Phases,
    pub carry: Vec<u8>,
    pub labels: Vec<(String, String)>,
}

#[derive(Debug, Clone, ComponentType, Lift, Lower)]
#[component(record)]
pub struct ResponseOutcome {
    pub replace: Option<Response>,
    pub edits: Vec<Edit>,
    pub carry: Vec<u8>,
}

#[derive(Debug, Clone, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Summary {
    pub status: u16,
    #[component(name = "duration-us")]
    pub duration_us: u64,
    #[component(name = "upstream-us")]
    pub upstream_us: u64,
    #[component(name = "bytes-in")]
    pub bytes_in: u64,
    #[component(name = "bytes-out")]
    pub bytes_out: u64,
    pub backend: Option<String>,
    pub retries: u8,
    pub error: Option<String>,
}

/// `error` of kv-local.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum KvError {
    #[component(name = "denied")]
    Denied,
    #[component(name = "quota")]
    Quota,
    #[component(name = "too-large")]
    TooLarge,
    #[component(name = "invalid")]
    Invalid,
    #[component(name = "conflict")]
    Conflict,
}

#[derive(Debug, Clone, Copy, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Bucket {
    pub allowed: bool,
    pub remaining: u32,
    #[component(name = "retry-after-ms")]
    pub retry_after_ms: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub enum Level {
    #[component(name = "trace")]
    Trace,
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}
