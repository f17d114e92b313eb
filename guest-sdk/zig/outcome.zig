//! What phases decide, put together in memory that is there from the beginning.
//!
//! Texts are views: they must live until the call is over. Literals, `cardea.print` and the config do; an array on the stack of
//! a phase does not. Each list has the bound of the interface; what goes over it fails the call as `policy_outcome_too_large`,
//! which is why there is room for one item more.

const abi = @import("abi.zig");

const Bytes = abi.Bytes;

fn Items(comptime T: type, comptime max: usize) type {
    return struct {
        items: [max + 1]T = undefined,
        len: usize = 0,

        fn add(self: *@This(), item: T) void {
            self.items[@min(self.len, max)] = item;
            self.len = @min(self.len + 1, max + 1);
        }

        fn list(self: *@This()) abi.List(T) {
            return .{ .ptr = &self.items, .len = self.len };
        }
    };
}

const Edits = Items(abi.Edit, 64);
const Headers = Items(abi.Field, 64);

fn set(edits: *Edits, name: []const u8, value: []const u8) void {
    edits.add(.{ .tag = .set, .of = .{ .field = .{ .name = .of(name), .value = .of(value) } } });
}

fn append(edits: *Edits, name: []const u8, value: []const u8) void {
    edits.add(.{ .tag = .append, .of = .{ .field = .{ .name = .of(name), .value = .of(value) } } });
}

fn remove(edits: *Edits, name: []const u8) void {
    edits.add(.{ .tag = .remove, .of = .{ .text = .of(name) } });
}

/// What a request phase decides: `next`, unless another decision is made; the last one counts.
pub const Outcome = struct {
    decision: abi.Decision = .{ .tag = .next, .of = .{ .next = 0 } },
    edits: Edits = .{},
    response_edits: Edits = .{},
    headers: Headers = .{},
    weighted: Items(abi.Weighted, 16) = .{},
    subset: Items(abi.Pair, 16) = .{},
    labels: Items(abi.Pair, 16) = .{},
    follow: u8 = 0,
    carried: []const u8 = "",

    // ---- decisions

    /// No opinion: the next policy, then the route's own backend.
    pub fn next(self: *Outcome) void {
        self.decision = .{ .tag = .next, .of = .{ .next = 0 } };
    }

    /// To a backend that the route declares.
    pub fn route(self: *Outcome, backend: []const u8) void {
        self.to(.{ .tag = .backend, .of = .{ .backend = .of(backend) } });
    }

    /// One more of the backends that the host draws from, by weight.
    pub fn routeWeighted(self: *Outcome, backend: []const u8, weight: u32) void {
        self.weighted.add(.{ .backend = .of(backend), .weight = weight });
        self.to(.{ .tag = .weighted, .of = .{ .weighted = self.weighted.list() } });
    }

    /// One more label that endpoints of the route's own backend must have.
    pub fn routeSubset(self: *Outcome, key: []const u8, value: []const u8) void {
        self.subset.add(.{ .key = .of(key), .value = .of(value) });
        self.to(.{ .tag = .subset, .of = .{ .subset = self.subset.list() } });
    }

    fn to(self: *Outcome, target: abi.Target) void {
        self.decision = .{ .tag = .route, .of = .{ .route = target } };
    }

    /// `status` is 301, 302, 303, 307 or 308.
    pub fn redirect(self: *Outcome, status: u16, location: []const u8) void {
        self.decision = .{ .tag = .redirect, .of = .{ .redirect = .{ .status = status, .location = .of(location) } } };
    }

    /// `status` is 200 to 599; `replyHeader` adds headers.
    pub fn respond(self: *Outcome, status: u16, body: []const u8) void {
        self.headers.len = 0;
        const reply: abi.Reply = .{ .status = status, .headers = self.headers.list(), .body = .of(body) };
        self.decision = .{ .tag = .respond, .of = .{ .respond = reply } };
    }

    /// `status` is 400 to 599, `reason` a token of at most 64 bytes; the host renders the body.
    pub fn deny(self: *Outcome, status: u16, reason: []const u8) void {
        self.headers.len = 0;
        const none: abi.Option(u32) = .{ .is_some = false, .value = 0 };
        const denial: abi.Denial =
            .{ .status = status, .reason = .of(reason), .headers = self.headers.list(), .retry_after_ms = none };
        self.decision = .{ .tag = .deny, .of = .{ .deny = denial } };
    }

    /// A header of the answer of `respond` or `deny`; nothing otherwise.
    pub fn replyHeader(self: *Outcome, name: []const u8, value: []const u8) void {
        self.headers.add(.{ .name = .of(name), .value = .of(value) });
        switch (self.decision.tag) {
            .respond => self.decision.of.respond.headers = self.headers.list(),
            .deny => self.decision.of.deny.headers = self.headers.list(),
            else => {},
        }
    }

    /// Retry-After of a denial; nothing otherwise.
    pub fn retryAfterMs(self: *Outcome, ms: u32) void {
        if (self.decision.tag == .deny) self.decision.of.deny.retry_after_ms = .{ .is_some = true, .value = ms };
    }

    /// Buffers at most `max_bytes` of the body for `onRequestBody`. A longer one is cut, or answered 413.
    pub fn wantBody(self: *Outcome, max_bytes: u32, longer: enum { cut, deny }) void {
        const demand: abi.BodyDemand = .{ .max_bytes = max_bytes, .deny_on_overflow = longer == .deny };
        self.decision = .{ .tag = .want_body, .of = .{ .want_body = demand } };
    }

    // ---- edits of the request

    pub fn setHeader(self: *Outcome, name: []const u8, value: []const u8) void {
        set(&self.edits, name, value);
    }

    pub fn appendHeader(self: *Outcome, name: []const u8, value: []const u8) void {
        append(&self.edits, name, value);
    }

    pub fn removeHeader(self: *Outcome, name: []const u8) void {
        remove(&self.edits, name);
    }

    /// Absolute; does not route again.
    pub fn setPath(self: *Outcome, path: []const u8) void {
        self.edits.add(.{ .tag = .set_path, .of = .{ .text = .of(path) } });
    }

    /// `null` takes the query away.
    pub fn setQuery(self: *Outcome, query: ?[]const u8) void {
        const value: abi.OptionBytes = .{ .is_some = query != null, .value = .of(query orelse "") };
        self.edits.add(.{ .tag = .set_query, .of = .{ .query = value } });
    }

    pub fn setAuthority(self: *Outcome, authority: []const u8) void {
        self.edits.add(.{ .tag = .set_authority, .of = .{ .text = .of(authority) } });
    }

    // ---- edits of the response, without a call in its phase

    pub fn setResponseHeader(self: *Outcome, name: []const u8, value: []const u8) void {
        set(&self.response_edits, name, value);
    }

    pub fn appendResponseHeader(self: *Outcome, name: []const u8, value: []const u8) void {
        append(&self.response_edits, name, value);
    }

    pub fn removeResponseHeader(self: *Outcome, name: []const u8) void {
        remove(&self.response_edits, name);
    }

    // ---- what later phases and the access line get

    pub fn followResponse(self: *Outcome) void {
        self.follow |= abi.follow_response;
    }

    pub fn followComplete(self: *Outcome) void {
        self.follow |= abi.follow_complete;
    }

    /// At most 4 KiB for the later phases, which another instance may serve.
    pub fn carry(self: *Outcome, bytes: []const u8) void {
        self.carried = bytes;
    }

    pub fn label(self: *Outcome, key: []const u8, value: []const u8) void {
        self.labels.add(.{ .key = .of(key), .value = .of(value) });
    }

    pub fn lower(self: *Outcome) abi.RequestOutcome {
        return .{
            .decision = self.decision,
            .edits = self.edits.list(),
            .response_edits = self.response_edits.list(),
            .follow = self.follow,
            .carry = .of(self.carried),
            .labels = self.labels.list(),
        };
    }
};

/// What the response phase decides: the backend's answer as it is, but for edits or a replacement.
pub const Response = struct {
    replaced: abi.Option(abi.Reply) = .{ .is_some = false, .value = undefined },
    headers: Headers = .{},
    edits: Edits = .{},
    carried: []const u8 = "",

    /// An answer in place of the backend's; `replyHeader` adds headers.
    pub fn replace(self: *Response, status: u16, body: []const u8) void {
        self.headers.len = 0;
        const reply: abi.Reply = .{ .status = status, .headers = self.headers.list(), .body = .of(body) };
        self.replaced = .{ .is_some = true, .value = reply };
    }

    pub fn replyHeader(self: *Response, name: []const u8, value: []const u8) void {
        self.headers.add(.{ .name = .of(name), .value = .of(value) });
        self.replaced.value.headers = self.headers.list();
    }

    pub fn setHeader(self: *Response, name: []const u8, value: []const u8) void {
        set(&self.edits, name, value);
    }

    pub fn appendHeader(self: *Response, name: []const u8, value: []const u8) void {
        append(&self.edits, name, value);
    }

    pub fn removeHeader(self: *Response, name: []const u8) void {
        remove(&self.edits, name);
    }

    /// At most 4 KiB for `onComplete`.
    pub fn carry(self: *Response, bytes: []const u8) void {
        self.carried = bytes;
    }

    pub fn lower(self: *Response) abi.ResponseOutcome {
        return .{ .replace = self.replaced, .edits = self.edits.list(), .carry = .of(self.carried) };
    }
};
