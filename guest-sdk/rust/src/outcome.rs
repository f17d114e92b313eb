//! What a phase decides: one value, built by chaining, applied by the host all or nothing.

use crate::exchange::{Header, Value};

/// What a request phase decides. Begin with [`next`](Outcome::next), [`to`](Outcome::to), [`deny`](Outcome::deny),
/// [`redirect`](Outcome::redirect), [`respond`](Outcome::respond) or [`want_body`](Outcome::want_body), then chain.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Outcome {
    pub decision: Decision,
    /// Of the request.
    pub edits: Vec<Edit>,
    /// Of the response, applied without another call: `Set`, `Append` and `Remove` only.
    pub response_edits: Vec<Edit>,
    pub follow_response: bool,
    pub follow_complete: bool,
    /// At most 4 KiB, for the later phases.
    pub carry: Vec<u8>,
    /// At most 16, for the access line.
    pub labels: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// No opinion.
    Next,
    /// Choose a backend; later policies may choose again.
    Route(Target),
    Redirect {
        status: u16,
        location: String,
    },
    Respond(Reply),
    Deny(Denial),
    WantBody {
        bytes_max: u32,
        deny_on_overflow: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A backend that the route declares, by name.
    Backend(String),
    /// One of these, drawn by weight; at most 16.
    Weighted(Vec<(String, u32)>),
    /// Endpoints of the route's own backend that carry all of these labels.
    Subset(Vec<(String, String)>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Replaces all values of the name.
    Set(Header),
    Append(Header),
    Remove(String),
    /// Absolute; normalised again by the host; does not route again.
    SetPath(String),
    SetQuery(Option<String>),
    SetAuthority(String),
}

/// An answer made by the policy: status 200 to 599, at most 1 MiB of body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<Header>,
    pub body: Vec<u8>,
}

/// A refusal whose body the host renders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// 400 to 599.
    pub status: u16,
    /// A token of at most 64 bytes, counted by the host.
    pub reason: String,
    pub headers: Vec<Header>,
    pub retry_after_ms: Option<u32>,
}

fn header(name: impl Into<String>, value: impl Into<Vec<u8>>) -> Header {
    Header { name: name.into(), value: Value(value.into()) }
}

impl Outcome {
    fn of(decision: Decision) -> Outcome {
        Outcome {
            decision,
            edits: Vec::new(),
            response_edits: Vec::new(),
            follow_response: false,
            follow_complete: false,
            carry: Vec::new(),
            labels: Vec::new(),
        }
    }

    /// No opinion: the next policy, then the route's own backend.
    pub fn next() -> Outcome {
        Outcome::of(Decision::Next)
    }

    /// To a backend that the route declares.
    pub fn to(backend: impl Into<String>) -> Outcome {
        Outcome::next().route(backend)
    }

    /// Refuses. `status` is 400 to 599, `reason` a token of at most 64 bytes; the host renders the body.
    pub fn deny(status: u16, reason: impl Into<String>) -> Outcome {
        Outcome::of(Decision::Deny(Denial { status, reason: reason.into(), headers: Vec::new(), retry_after_ms: None }))
    }

    /// `status` is 301, 302, 303, 307 or 308.
    pub fn redirect(status: u16, location: impl Into<String>) -> Outcome {
        Outcome::of(Decision::Redirect { status, location: location.into() })
    }

    pub fn respond(reply: Reply) -> Outcome {
        Outcome::of(Decision::Respond(reply))
    }

    /// Asks for the body: at most `bytes_max` of it, within the policy's `limits.body`. A longer body is cut, or with
    /// `deny_on_overflow` answered 413.
    pub fn want_body(bytes_max: u32, deny_on_overflow: bool) -> Outcome {
        Outcome::of(Decision::WantBody { bytes_max, deny_on_overflow })
    }

    /// Chooses a backend that the route declares, in place of the decision so far.
    pub fn route(self, backend: impl Into<String>) -> Outcome {
        self.decide(Decision::Route(Target::Backend(backend.into())))
    }

    /// Lets the host draw a backend by weight, of the sum.
    pub fn route_weighted<B: Into<String>>(self, backends: impl IntoIterator<Item = (B, u32)>) -> Outcome {
        let backends = backends.into_iter().map(|(backend, weight)| (backend.into(), weight)).collect();
        self.decide(Decision::Route(Target::Weighted(backends)))
    }

    /// Keeps the route's own backend, but only its endpoints that carry all of these labels.
    pub fn route_subset<K: Into<String>, V: Into<String>>(self, labels: impl IntoIterator<Item = (K, V)>) -> Outcome {
        let labels = labels.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        self.decide(Decision::Route(Target::Subset(labels)))
    }

    fn decide(self, decision: Decision) -> Outcome {
        Outcome { decision, ..self }
    }

    /// Sets a request header, in place of all its values.
    pub fn set_header(self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Outcome {
        self.edit(Edit::Set(header(name, value)))
    }

    pub fn append_header(self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Outcome {
        self.edit(Edit::Append(header(name, value)))
    }

    pub fn remove_header(self, name: impl Into<String>) -> Outcome {
        self.edit(Edit::Remove(name.into()))
    }

    /// Absolute. Does not route again.
    pub fn set_path(self, path: impl Into<String>) -> Outcome {
        self.edit(Edit::SetPath(path.into()))
    }

    pub fn set_query(self, query: Option<String>) -> Outcome {
        self.edit(Edit::SetQuery(query))
    }

    pub fn set_authority(self, authority: impl Into<String>) -> Outcome {
        self.edit(Edit::SetAuthority(authority.into()))
    }

    pub fn edit(mut self, edit: Edit) -> Outcome {
        self.edits.push(edit);
        self
    }

    /// Sets a header of the response, without a call in the response phase.
    pub fn set_response_header(self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Outcome {
        self.response_edit(Edit::Set(header(name, value)))
    }

    pub fn append_response_header(self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Outcome {
        self.response_edit(Edit::Append(header(name, value)))
    }

    pub fn remove_response_header(self, name: impl Into<String>) -> Outcome {
        self.response_edit(Edit::Remove(name.into()))
    }

    pub fn response_edit(mut self, edit: Edit) -> Outcome {
        self.response_edits.push(edit);
        self
    }

    /// Adds a header to the answer of a `deny` or `respond`; nothing otherwise.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Outcome {
        match &mut self.decision {
            Decision::Deny(denial) => denial.headers.push(header(name, value)),
            Decision::Respond(reply) => reply.headers.push(header(name, value)),
            _ => {}
        }
        self
    }

    /// Adds Retry-After to the answer of a `deny`; nothing otherwise.
    pub fn retry_after_ms(mut self, retry_after_ms: u32) -> Outcome {
        if let Decision::Deny(denial) = &mut self.decision {
            denial.retry_after_ms = Some(retry_after_ms);
        }
        self
    }

    /// Asks for `on_response` in this exchange.
    pub fn follow_response(self) -> Outcome {
        Outcome { follow_response: true, ..self }
    }

    /// Asks for `on_complete` in this exchange.
    pub fn follow_complete(self) -> Outcome {
        Outcome { follow_complete: true, ..self }
    }

    /// Hands at most 4 KiB to the later phases, which another instance may serve.
    pub fn carry(self, carry: impl Into<Vec<u8>>) -> Outcome {
        Outcome { carry: carry.into(), ..self }
    }

    /// A label of the access line.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Outcome {
        self.labels.push((key.into(), value.into()));
        self
    }
}

impl Reply {
    pub fn new(status: u16) -> Reply {
        Reply { status, headers: Vec::new(), body: Vec::new() }
    }

    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Reply {
        self.headers.push(header(name, value));
        self
    }

    pub fn body(self, body: impl Into<Vec<u8>>) -> Reply {
        Reply { body: body.into(), ..self }
    }
}

/// What the response phase decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct ResponseOutcome {
    pub replace: Option<Reply>,
    pub edits: Vec<Edit>,
    pub carry: Vec<u8>,
}

impl ResponseOutcome {
    /// The backend's answer as it is, but for the edits chained on.
    pub fn keep() -> ResponseOutcome {
        ResponseOutcome::default()
    }

    /// This answer in place of the backend's.
    pub fn replace(reply: Reply) -> ResponseOutcome {
        ResponseOutcome { replace: Some(reply), ..ResponseOutcome::default() }
    }

    pub fn set_header(self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> ResponseOutcome {
        self.edit(Edit::Set(header(name, value)))
    }

    pub fn append_header(self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> ResponseOutcome {
        self.edit(Edit::Append(header(name, value)))
    }

    pub fn remove_header(self, name: impl Into<String>) -> ResponseOutcome {
        self.edit(Edit::Remove(name.into()))
    }

    pub fn edit(mut self, edit: Edit) -> ResponseOutcome {
        self.edits.push(edit);
        self
    }

    /// Hands at most 4 KiB to `on_complete`.
    pub fn carry(self, carry: impl Into<Vec<u8>>) -> ResponseOutcome {
        ResponseOutcome { carry: carry.into(), ..self }
    }
}

/// What became of an exchange.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    pub status: u16,
    pub duration_us: u64,
    pub upstream_us: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub backend: Option<String>,
    pub retries: u8,
    /// The label of the failure that answered, if one did.
    pub error: Option<String>,
}
