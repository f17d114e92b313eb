//! How far an exchange has come in its session: what the guest may see and change now, and what it has left so far.

use http::{HeaderMap, HeaderName, StatusCode};

use super::body::Body;
use super::undo::Undo;
use crate::abi::Side;
use crate::exchange::Exchange;

/// Flags of `enable_features`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Features(u32);

impl Features {
    pub const BUFFER_REQUEST: Self = Self(1);
    pub const BUFFER_RESPONSE: Self = Self(2);
    pub const TRAILERS: Self = Self(4);
    const SUPPORTED: u32 = 7;

    /// Enables those of `flags` that exist.
    pub fn enable(&mut self, flags: u32) {
        self.0 |= flags & Self::SUPPORTED;
    }

    pub const fn flags(self) -> u32 {
        self.0
    }

    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// Before any exchange: instantiation and start.
    #[default]
    Start,
    /// In `handle_request`.
    Request,
    /// In `handle_response`.
    Response,
}

/// Swapped into the store for the length of a call, beside the exchange.
#[derive(Debug, Default)]
pub(super) struct Stage {
    pub phase: Phase,
    pub features: Features,
    pub request: Body,
    pub response: Body,
    pub draft: Draft,
    /// Of the side in hand, where its body was collected and came with a section of them, or the guest added one.
    pub trailers: Option<HeaderMap>,
    /// The body in hand was collected to its end: a section of trailers may follow it.
    pub is_whole: bool,
    pub undo: Undo,
    /// Names and values that the call in hand has written.
    pub edit_bytes: usize,
}

/// A response in the making: a reply in place of the backend's answer, or fields to be added to that.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// 200 unless set.
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Names that stand in place of the backend's, not beside them.
    set: Vec<HeaderName>,
}

impl Stage {
    pub fn new(features: Features) -> Self {
        Self { features, ..Self::default() }
    }

    /// For a call of this phase.
    pub fn begin(&mut self, phase: Phase) {
        self.phase = phase;
        self.undo.clear();
        self.edit_bytes = 0;
    }

    pub fn body(&mut self, side: Side) -> &mut Body {
        match side {
            Side::Request => &mut self.request,
            Side::Response => &mut self.response,
        }
    }

    /// For an exchange that has no response: what the guest may still ask about it.
    pub fn set_error(&mut self, status: u16) {
        self.draft = Draft::default();
        self.draft.status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        self.response = Body::default();
    }

    /// Puts what `handle_request` left for the response into its head.
    pub fn add_draft(&mut self, exchange: &mut Exchange) {
        let Some(head) = exchange.response.as_mut() else { return };
        let draft = std::mem::take(&mut self.draft);
        for name in draft.headers.keys() {
            self.undo.field(Side::Response, &head.headers, name);
            if draft.set.contains(name) {
                head.headers.remove(name);
            }
            for value in draft.headers.get_all(name) {
                // Both maps are far from their own bound.
                let _ = head.headers.try_append(name.clone(), value.clone());
            }
        }
    }
}

impl Draft {
    /// Marks a field whose values are not to stand beside the backend's.
    pub fn mark_set(&mut self, name: &HeaderName) {
        if !self.set.contains(name) {
            self.set.push(name.clone());
        }
    }
}
