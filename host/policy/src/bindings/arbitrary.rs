//! Outcomes decoded from bytes, for fuzzing: every byte string is some outcome, and short ones are small.

use crate::bindings::{
    BodyDemand, Decision, Denial, Edit, Field, Phases, Redirect, RequestOutcome, Response, Target, Weighted,
};

type Bytes<'a> = &'a mut dyn Iterator<Item = u8>;

pub(crate) fn request_outcome(bytes: Bytes<'_>) -> RequestOutcome {
    RequestOutcome {
        decision: decision(bytes),
        edits: list(bytes, edit),
        response_edits: list(bytes, edit),
        follow: if byte(bytes) & 1 == 1 { Phases::RESPONSE } else { Phases::COMPLETE },
        carry: blob(bytes),
        labels: list(bytes, pair),
    }
}

fn decision(bytes: Bytes<'_>) -> Decision {
    match byte(bytes) % 6 {
        0 => Decision::Next,
        1 => Decision::Route(target(bytes)),
        2 => Decision::Redirect(Redirect { status: number(bytes) % 1000, location: text(bytes) }),
        3 => {
            Decision::Respond(Response { status: number(bytes) % 1000, headers: list(bytes, field), body: blob(bytes) })
        }
        4 => Decision::Deny(Denial {
            status: number(bytes) % 1000,
            reason: text(bytes),
            headers: list(bytes, field),
            retry_after_ms: (byte(bytes) & 1 == 1).then(|| number(bytes).into()),
        }),
        _ => Decision::WantBody(BodyDemand { max_bytes: number(bytes).into(), deny_on_overflow: byte(bytes) & 1 == 1 }),
    }
}

fn target(bytes: Bytes<'_>) -> Target {
    match byte(bytes) % 4 {
        0 => Target::Backend(text(bytes)),
        1 => Target::Backend(String::from("canary")),
        2 => Target::Weighted(list(bytes, |bytes| Weighted { backend: text(bytes), weight: number(bytes).into() })),
        _ => Target::Subset(list(bytes, pair)),
    }
}

fn edit(bytes: Bytes<'_>) -> Edit {
    match byte(bytes) % 6 {
        0 => Edit::Set(field(bytes)),
        1 => Edit::Append(field(bytes)),
        2 => Edit::Remove(text(bytes)),
        3 => Edit::SetPath(text(bytes)),
        4 => Edit::SetQuery((byte(bytes) & 1 == 1).then(|| text(bytes))),
        _ => Edit::SetAuthority(text(bytes)),
    }
}

fn field(bytes: Bytes<'_>) -> Field {
    Field { name: text(bytes), value: blob(bytes) }
}

fn pair(bytes: Bytes<'_>) -> (String, String) {
    (text(bytes), text(bytes))
}

fn list<T>(bytes: Bytes<'_>, item: impl Fn(Bytes<'_>) -> T) -> Vec<T> {
    let len = byte(bytes) % 80;
    (0..len).map(|_| item(bytes)).collect()
}

fn blob(bytes: Bytes<'_>) -> Vec<u8> {
    let len = usize::from(byte(bytes));
    bytes.take(len).collect()
}

fn text(bytes: Bytes<'_>) -> String {
    String::from_utf8_lossy(&blob(bytes)).into_owned()
}

fn number(bytes: Bytes<'_>) -> u16 {
    u16::from_le_bytes([byte(bytes), byte(bytes)])
}

fn byte(bytes: Bytes<'_>) -> u8 {
    bytes.next().unwrap_or(0)
}
