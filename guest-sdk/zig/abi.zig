//! The policy interface as the canonical ABI lays it out: what is imported, and the types that cross.
//!
//! An `extern struct` has the layout that the component model gives to a record, and a tag before an `extern union` that of a
//! variant, so nothing is converted. `cardea policy build` checks every function's type against the interface.

pub const Bytes = extern struct {
    ptr: [*]const u8,
    len: usize,

    pub fn of(bytes: []const u8) Bytes {
        return .{ .ptr = start(bytes), .len = bytes.len };
    }

    pub fn slice(self: Bytes) []const u8 {
        return if (self.len == 0) "" else self.ptr[0..self.len];
    }
};

/// Where the bytes are. Zig gives nothing an address of its own, outside of memory, which the host would refuse.
pub fn start(bytes: []const u8) [*]const u8 {
    return if (bytes.len == 0) "" else bytes.ptr;
}

pub fn List(comptime T: type) type {
    return extern struct {
        ptr: [*]T,
        len: usize,

        pub fn slice(self: @This()) []T {
            return if (self.len == 0) &.{} else self.ptr[0..self.len];
        }
    };
}

pub fn Option(comptime T: type) type {
    return extern struct { is_some: bool, value: T };
}

pub const OptionBytes = Option(Bytes);

pub const Field = extern struct { name: Bytes, value: Bytes };
pub const Pair = extern struct { key: Bytes, value: Bytes };
pub const Weighted = extern struct { backend: Bytes, weight: u32 };

pub const Target = extern struct {
    tag: enum(u8) { backend, weighted, subset },
    of: extern union { backend: Bytes, weighted: List(Weighted), subset: List(Pair) },
};

pub const Redirect = extern struct { status: u16, location: Bytes };
pub const Reply = extern struct { status: u16, headers: List(Field), body: Bytes };
pub const Denial = extern struct { status: u16, reason: Bytes, headers: List(Field), retry_after_ms: Option(u32) };
pub const BodyDemand = extern struct { max_bytes: u32, deny_on_overflow: bool };

pub const Decision = extern struct {
    tag: enum(u8) { next, route, redirect, respond, deny, want_body },
    of: extern union { next: u8, route: Target, redirect: Redirect, respond: Reply, deny: Denial, want_body: BodyDemand },
};

pub const Edit = extern struct {
    tag: enum(u8) { set, append, remove, set_path, set_query, set_authority },
    of: extern union { field: Field, text: Bytes, query: OptionBytes },
};

pub const follow_response: u8 = 1;
pub const follow_complete: u8 = 2;

pub const RequestOutcome = extern struct {
    decision: Decision,
    edits: List(Edit),
    response_edits: List(Edit),
    follow: u8,
    carry: Bytes,
    labels: List(Pair),
};

pub const ResponseOutcome = extern struct { replace: Option(Reply), edits: List(Edit), carry: Bytes };

/// `result<_, string>`
pub const Started = extern struct { is_error: bool, message: Bytes };

/// `option<tuple<list<u8>, u64>>`
pub const Entry = Option(extern struct { value: Bytes, version: u64 });

/// `result<u64, error>`
pub const Written = extern struct {
    is_error: bool,
    of: extern union { version: u64, failure: enum(u8) { denied, quota, too_large, invalid, conflict } },
};

pub const Bucket = extern struct { allowed: bool, remaining: u32, retry_after_ms: u32 };

pub const exchange = struct {
    pub extern "cardea:policy/exchange@0.1.0" fn method(*Bytes) void;
    pub extern "cardea:policy/exchange@0.1.0" fn scheme(*Bytes) void;
    pub extern "cardea:policy/exchange@0.1.0" fn authority(*Bytes) void;
    pub extern "cardea:policy/exchange@0.1.0" fn path(*Bytes) void;
    pub extern "cardea:policy/exchange@0.1.0" fn query(*OptionBytes) void;
    pub extern "cardea:policy/exchange@0.1.0" fn @"query-param"([*]const u8, usize, *OptionBytes) void;
    pub extern "cardea:policy/exchange@0.1.0" fn @"raw-path"(*Bytes) void;
    pub extern "cardea:policy/exchange@0.1.0" fn client(*Bytes) void;
    pub extern "cardea:policy/exchange@0.1.0" fn header([*]const u8, usize, *OptionBytes) void;
    pub extern "cardea:policy/exchange@0.1.0" fn @"header-values"([*]const u8, usize, *List(Bytes)) void;
    pub extern "cardea:policy/exchange@0.1.0" fn @"header-names"(*List(Bytes)) void;
    pub extern "cardea:policy/exchange@0.1.0" fn headers(*List(Field)) void;
    pub extern "cardea:policy/exchange@0.1.0" fn cookie([*]const u8, usize, *OptionBytes) void;
    pub extern "cardea:policy/exchange@0.1.0" fn @"response-status"() u32;
    pub extern "cardea:policy/exchange@0.1.0" fn @"response-header"([*]const u8, usize, *OptionBytes) void;
    pub extern "cardea:policy/exchange@0.1.0" fn @"response-headers"(*List(Field)) void;
    pub extern "cardea:policy/exchange@0.1.0" fn attribute([*]const u8, usize, *OptionBytes) void;
    pub extern "cardea:policy/exchange@0.1.0" fn @"set-note"([*]const u8, usize, [*]const u8, usize) void;
    pub extern "cardea:policy/exchange@0.1.0" fn note([*]const u8, usize, *OptionBytes) void;
};

pub const log = struct {
    pub extern "cardea:policy/log@0.1.0" fn enabled(u32) u32;
    pub extern "cardea:policy/log@0.1.0" fn log(u32, [*]const u8, usize) void;
};

pub const metrics = struct {
    pub extern "cardea:policy/metrics@0.1.0" fn counter([*]const u8, usize) u32;
    pub extern "cardea:policy/metrics@0.1.0" fn gauge([*]const u8, usize) u32;
    pub extern "cardea:policy/metrics@0.1.0" fn histogram([*]const u8, usize) u32;
    pub extern "cardea:policy/metrics@0.1.0" fn add(u32, i64) void;
    pub extern "cardea:policy/metrics@0.1.0" fn set(u32, i64) void;
    pub extern "cardea:policy/metrics@0.1.0" fn observe(u32, u64) void;
};

pub const clock = struct {
    pub extern "cardea:policy/clock@0.1.0" fn @"now-ms"() u64;
    pub extern "cardea:policy/clock@0.1.0" fn @"monotonic-us"() u64;
};

pub const random = struct {
    pub extern "cardea:policy/random@0.1.0" fn @"next-u64"() u64;
    pub extern "cardea:policy/random@0.1.0" fn bytes(u32, *Bytes) void;
};

pub const kv_local = struct {
    pub extern "cardea:policy/kv-local@0.1.0" fn get([*]const u8, usize, *Entry) void;
    pub extern "cardea:policy/kv-local@0.1.0" fn set([*]const u8, usize, [*]const u8, usize, u32, *Written) void;
    pub extern "cardea:policy/kv-local@0.1.0" fn @"compare-and-set"([*]const u8, usize, u64, [*]const u8, usize, u32, *Written) void;
    pub extern "cardea:policy/kv-local@0.1.0" fn delete([*]const u8, usize) void;
};

pub const counters = struct {
    pub extern "cardea:policy/counters@0.1.0" fn add([*]const u8, usize, i64, u32) i64;
    pub extern "cardea:policy/counters@0.1.0" fn get([*]const u8, usize) i64;
    pub extern "cardea:policy/counters@0.1.0" fn take([*]const u8, usize, u32, u32, u32, *Bucket) void;
};
