//! What a call asked, recorded as it asks: the read set of its decision.
//!
//! Fixed questions are bits. Named ones (a header, a cookie) get a slot of their policy's name table the first time
//! that any instance asks; each instance remembers the slots, with the header name parsed once.

use std::cell::{Cell, RefCell};
use std::sync::{Mutex, PoisonError};

use http::HeaderName;

use crate::exchange::ReadSet;
use crate::fields;

/// The fixed questions, by bit.
pub(crate) mod fixed {
    pub const METHOD: u32 = 0;
    pub const SCHEME: u32 = 1;
    pub const AUTHORITY: u32 = 2;
    pub const PATH: u32 = 3;
    pub const QUERY: u32 = 4;
    pub const RAW_PATH: u32 = 5;
    pub const CLIENT: u32 = 6;
    pub const HEADER_NAMES: u32 = 7;
    pub const HEADERS: u32 = 8;
    pub const RESPONSE_STATUS: u32 = 9;
    pub const RESPONSE_HEADERS: u32 = 10;
    pub const CLOCK: u32 = 11;
    pub const RANDOM: u32 = 12;
    pub const KV: u32 = 13;
    pub const COUNTERS: u32 = 14;
    pub const BODY: u32 = 15;

    pub const NAMES: [&str; 16] = [
        "method",
        "scheme",
        "authority",
        "path",
        "query",
        "raw-path",
        "client",
        "header-names",
        "headers",
        "response-status",
        "response-headers",
        "clock",
        "random",
        "kv-local",
        "counters",
        "body",
    ];
}

/// Slots of a policy's name table: the width of [`ReadSet::named`].
const SLOTS: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Header,
    ResponseHeader,
    Cookie,
    QueryParam,
    Attribute,
    Note,
}

impl Kind {
    const fn label(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::ResponseHeader => "response-header",
            Self::Cookie => "cookie",
            Self::QueryParam => "query-param",
            Self::Attribute => "attribute",
            Self::Note => "note",
        }
    }
}

/// The named questions of a policy, by slot; shared by its instances, and asked for only when one meets a new name.
#[derive(Debug, Default)]
pub(crate) struct NameTable {
    names: Mutex<Vec<Box<str>>>,
}

impl NameTable {
    /// The bit of a name, or `None` when the table is full.
    fn bit(&self, kind: Kind, name: &str) -> Option<u64> {
        let label = format!("{}:{name}", kind.label());
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = match names.iter().position(|known| **known == *label) {
            Some(slot) => slot,
            None if names.len() < SLOTS => {
                names.push(label.into_boxed_str());
                names.len() - 1
            }
            None => return None,
        };
        Some(1 << slot)
    }

    /// The questions of a read set as text: `path`, `header:x-canary`, and `...` where the table was full.
    pub fn describe(&self, reads: &ReadSet) -> Vec<String> {
        let is_fixed = |(bit, _): &(usize, _)| reads.fixed & (1 << bit) != 0;
        let mut out: Vec<String> =
            fixed::NAMES.iter().enumerate().filter(is_fixed).map(|(_, name)| String::from(*name)).collect();
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let is_named = |(slot, _): &(usize, _)| reads.named & (1 << slot) != 0;
        out.extend(names.iter().enumerate().filter(is_named).map(|(_, name)| String::from(&**name)));
        if reads.overflow {
            out.push(String::from("..."));
        }
        out
    }
}

/// A name that this instance asked before.
#[derive(Debug)]
struct Asked {
    kind: Kind,
    text: Box<str>,
    /// Of `Kind::Header` and `Kind::ResponseHeader`.
    header: Option<HeaderName>,
    bit: u64,
}

/// An instance's memory of names, and the read set of its call in hand. Interior, because an import looks at guest
/// memory and at this at once.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    set: Cell<ReadSet>,
    asked: RefCell<Vec<Asked>>,
    /// Where the next name is looked for first: guests mostly ask in the same order each time.
    next: Cell<usize>,
}

impl Reads {
    pub fn begin(&self) {
        self.set.set(ReadSet::default());
        self.next.set(0);
    }

    pub fn set(&self) -> ReadSet {
        self.set.get()
    }

    pub fn mark(&self, question: u32) {
        let mut set = self.set.get();
        set.fixed |= 1 << question;
        self.set.set(set);
    }

    /// Records a named question that is not a header.
    pub fn mark_name(&self, table: &NameTable, kind: Kind, text: &str) {
        self.with(table, kind, text, |_| ());
    }

    /// Records a header question, and calls `answer` with the parsed name; `None` for what is not a header name.
    pub fn with_header<R>(
        &self,
        table: &NameTable,
        kind: Kind,
        text: &str,
        answer: impl FnOnce(&HeaderName) -> Option<R>,
    ) -> Option<R> {
        self.with(table, kind, text, |header| header.and_then(answer))
    }

    fn with<R>(&self, table: &NameTable, kind: Kind, text: &str, answer: impl FnOnce(Option<&HeaderName>) -> R) -> R {
        let found = self.find(kind, text);
        let asked = self.asked.borrow();
        if let Some(known) = found.and_then(|index| asked.get(index)) {
            self.mark_bit(known.bit);
            return answer(known.header.as_ref());
        }
        drop(asked);
        self.learn(table, kind, text, answer)
    }

    fn find(&self, kind: Kind, text: &str) -> Option<usize> {
        let asked = self.asked.borrow();
        let is_it = |known: &Asked| known.kind == kind && *known.text == *text;
        let hint = self.next.get();
        let index = match asked.get(hint) {
            Some(known) if is_it(known) => hint,
            _ => asked.iter().position(is_it)?,
        };
        self.next.set(index + 1);
        Some(index)
    }

    fn learn<R>(&self, table: &NameTable, kind: Kind, text: &str, answer: impl FnOnce(Option<&HeaderName>) -> R) -> R {
        let header = match kind {
            Kind::Header | Kind::ResponseHeader => fields::name(text).ok(),
            _ => None,
        };
        let is_name = header.is_some() || !matches!(kind, Kind::Header | Kind::ResponseHeader);
        let label = header.as_ref().map_or(text, HeaderName::as_str);
        let keep = is_name && text.len() <= fields::NAME_BYTES_MAX;
        match keep.then(|| table.bit(kind, label)).flatten() {
            Some(bit) => {
                self.mark_bit(bit);
                let result = answer(header.as_ref());
                self.remember(Asked { kind, text: text.into(), header, bit });
                result
            }
            None => {
                self.mark_overflow();
                answer(header.as_ref())
            }
        }
    }

    /// Bounded, because spellings of one header name share a slot of the table.
    fn remember(&self, name: Asked) {
        let mut asked = self.asked.borrow_mut();
        if asked.len() < 2 * SLOTS {
            asked.push(name);
        }
    }

    fn mark_bit(&self, bit: u64) {
        let mut set = self.set.get();
        set.named |= bit;
        self.set.set(set);
    }

    fn mark_overflow(&self) {
        let mut set = self.set.get();
        set.overflow = true;
        self.set.set(set);
    }
}

#[cfg(test)]
mod tests;
