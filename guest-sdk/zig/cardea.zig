//! Write a Cardea routing policy in Zig.
//!
//! A policy is the public struct `Policy` of policy.zig:
//!
//! - `pub const Config`: what `spec.config` of the Policy object is read into; without it, there is none.
//! - `pub fn init(config: Config) cardea.Refused!Policy`: once for an instance, before any phase.
//! - `pub fn onRequest(self: *Policy, outcome: *cardea.Outcome) void`: the head of a request is here.
//! - and where it wants later phases: `onRequestBody(self, outcome, body: cardea.Body)`,
//!   `onResponse(self, response: *cardea.Response, carry: []const u8)`,
//!   `onComplete(self, summary: cardea.Summary, carry: []const u8)`.
//!
//! What it calls is what it imports, and so what must be granted. Every answer of the host, and what `allocator` and `print`
//! give, lies in one arena that is emptied when the call is over; what `init` allocates stays. Nothing needs to be freed.

const std = @import("std");
const abi = @import("abi.zig");
const arena = @import("arena.zig");
const reader = @import("config.zig");

pub const Outcome = @import("outcome.zig").Outcome;
pub const Response = @import("outcome.zig").Response;
pub const Refused = reader.Refused;
pub const refuse = reader.refuse;
pub const allocator = arena.allocator;

/// Formats into the arena.
pub fn print(comptime format: []const u8, values: anytype) []const u8 {
    return std.fmt.allocPrint(allocator, format, values) catch @trap();
}

pub const Header = struct { name: []const u8, value: []const u8 };

/// What was buffered after `wantBody`.
pub const Body = struct { bytes: []const u8, complete: bool, carry: []const u8 };

/// What became of an exchange.
pub const Summary = struct {
    status: u16,
    duration_us: u64,
    upstream_us: u64,
    bytes_in: u64,
    bytes_out: u64,
    backend: ?[]const u8,
    retries: u8,
    /// The label of the failure that answered.
    failure: ?[]const u8,
};

fn told(comptime ask: anytype) []const u8 {
    var answer: abi.Bytes = undefined;
    ask(&answer);
    return answer.slice();
}

fn toldOf(comptime ask: anytype, name: []const u8) ?[]const u8 {
    var answer: abi.OptionBytes = undefined;
    ask(abi.start(name), name.len, &answer);
    return if (answer.is_some) answer.value.slice() else null;
}

fn slices(list: abi.List(abi.Bytes)) []const []const u8 {
    const all = allocator.alloc([]const u8, list.len) catch @trap();
    for (all, list.slice()) |*to, from| to.* = from.slice();
    return all;
}

fn fields(comptime ask: anytype) []const Header {
    var list: abi.List(abi.Field) = undefined;
    ask(&list);
    const all = allocator.alloc(Header, list.len) catch @trap();
    for (all, list.slice()) |*to, from| to.* = .{ .name = from.name.slice(), .value = from.value.slice() };
    return all;
}

/// The exchange in hand. `null` is absent, which is not empty.
pub const request = struct {
    pub fn method() []const u8 {
        return told(abi.exchange.method);
    }
    pub fn scheme() []const u8 {
        return told(abi.exchange.scheme);
    }
    /// Host, and port if given; lower case.
    pub fn authority() []const u8 {
        return told(abi.exchange.authority);
    }
    /// Normalised, without query: what the router matched and the backend will get.
    pub fn path() []const u8 {
        return told(abi.exchange.path);
    }
    pub fn rawPath() []const u8 {
        return told(abi.exchange.@"raw-path");
    }
    pub fn client() []const u8 {
        return told(abi.exchange.client);
    }
    pub fn query() ?[]const u8 {
        var answer: abi.OptionBytes = undefined;
        abi.exchange.query(&answer);
        return if (answer.is_some) answer.value.slice() else null;
    }
    /// Decoded; the first of its name.
    pub fn queryParam(name: []const u8) ?[]const u8 {
        return toldOf(abi.exchange.@"query-param", name);
    }
    /// The first value of the name, in any case.
    pub fn header(name: []const u8) ?[]const u8 {
        return toldOf(abi.exchange.header, name);
    }
    pub fn headerValues(name: []const u8) []const []const u8 {
        var list: abi.List(abi.Bytes) = undefined;
        abi.exchange.@"header-values"(abi.start(name), name.len, &list);
        return slices(list);
    }
    pub fn headerNames() []const []const u8 {
        var list: abi.List(abi.Bytes) = undefined;
        abi.exchange.@"header-names"(&list);
        return slices(list);
    }
    pub fn headers() []const Header {
        return fields(abi.exchange.headers);
    }
    pub fn cookie(name: []const u8) ?[]const u8 {
        return toldOf(abi.exchange.cookie, name);
    }
    /// route.name, route.namespace, tls.sni, tls.version, http.version, source.address, source.port, request.id, backend.name.
    pub fn attribute(name: []const u8) ?[]const u8 {
        return toldOf(abi.exchange.attribute, name);
    }
    /// Later policies and phases of the exchange see it.
    pub fn setNote(key: []const u8, value: []const u8) void {
        abi.exchange.@"set-note"(abi.start(key), key.len, abi.start(value), value.len);
    }
    pub fn note(key: []const u8) ?[]const u8 {
        return toldOf(abi.exchange.note, key);
    }
};

/// The backend's answer, in the response phase; 0, `null` and none before.
pub const response = struct {
    pub fn status() u16 {
        return @truncate(abi.exchange.@"response-status"());
    }
    pub fn header(name: []const u8) ?[]const u8 {
        return toldOf(abi.exchange.@"response-header", name);
    }
    pub fn headers() []const Header {
        return fields(abi.exchange.@"response-headers");
    }
};

/// The interface `log`.
pub const log = struct {
    pub const Level = enum(u8) { trace, debug, info, warn, err };

    pub fn enabled(level: Level) bool {
        return abi.log.enabled(@backingInt(level)) != 0;
    }
    pub fn write(level: Level, message: []const u8) void {
        abi.log.log(@backingInt(level), abi.start(message), message.len);
    }
    /// Formats only if the level is on.
    pub fn print(level: Level, comptime format: []const u8, values: anytype) void {
        if (enabled(level)) write(level, std.fmt.allocPrint(allocator, format, values) catch @trap());
    }
};

/// The interface `metrics`: series `cardea_policy_user_<name>`.
pub const metrics = struct {
    pub fn counter(name: []const u8) u32 {
        return abi.metrics.counter(abi.start(name), name.len);
    }
    pub fn gauge(name: []const u8) u32 {
        return abi.metrics.gauge(abi.start(name), name.len);
    }
    pub fn histogram(name: []const u8) u32 {
        return abi.metrics.histogram(abi.start(name), name.len);
    }
    pub fn add(id: u32, delta: i64) void {
        abi.metrics.add(id, delta);
    }
    pub fn set(id: u32, value: i64) void {
        abi.metrics.set(id, value);
    }
    pub fn observe(id: u32, value: u64) void {
        abi.metrics.observe(id, value);
    }
};

/// The interface `clock`: it stands still within a call.
pub const clock = struct {
    pub fn nowMs() u64 {
        return abi.clock.@"now-ms"();
    }
    pub fn monotonicUs() u64 {
        return abi.clock.@"monotonic-us"();
    }
};

/// The interface `random`.
pub const random = struct {
    pub fn nextU64() u64 {
        return abi.random.@"next-u64"();
    }
    /// At most 256.
    pub fn bytes(count: u32) []const u8 {
        var answer: abi.Bytes = undefined;
        abi.random.bytes(count, &answer);
        return answer.slice();
    }
};

/// The interface `kv-local`. A ttl of 0 means until evicted.
pub const kv = struct {
    pub const Entry = struct { value: []const u8, version: u64 };
    pub const Failure = error{ Denied, Quota, TooLarge, Invalid, Conflict };

    pub fn get(key: []const u8) ?Entry {
        var entry: abi.Entry = undefined;
        abi.kv_local.get(abi.start(key), key.len, &entry);
        return if (entry.is_some) .{ .value = entry.value.value.slice(), .version = entry.value.version } else null;
    }
    /// The new version.
    pub fn set(key: []const u8, value: []const u8, ttl_ms: u32) Failure!u64 {
        var result: abi.Written = undefined;
        abi.kv_local.set(abi.start(key), key.len, abi.start(value), value.len, ttl_ms, &result);
        return written(result);
    }
    /// Writes over this version only; 0: only if absent.
    pub fn compareAndSet(key: []const u8, version: u64, value: []const u8, ttl_ms: u32) Failure!u64 {
        var result: abi.Written = undefined;
        abi.kv_local.@"compare-and-set"(abi.start(key), key.len, version, abi.start(value), value.len, ttl_ms, &result);
        return written(result);
    }
    pub fn delete(key: []const u8) void {
        abi.kv_local.delete(abi.start(key), key.len);
    }

    fn written(result: abi.Written) Failure!u64 {
        if (!result.is_error) return result.of.version;
        return switch (result.of.failure) {
            .denied => error.Denied,
            .quota => error.Quota,
            .too_large => error.TooLarge,
            .invalid => error.Invalid,
            .conflict => error.Conflict,
        };
    }
};

/// The interface `counters`.
pub const counters = struct {
    pub const Bucket = struct { allowed: bool, remaining: u32, retry_after_ms: u32 };

    /// The new value.
    pub fn add(key: []const u8, delta: i64, ttl_ms: u32) i64 {
        return abi.counters.add(abi.start(key), key.len, delta, ttl_ms);
    }
    pub fn get(key: []const u8) i64 {
        return abi.counters.get(abi.start(key), key.len);
    }
    /// At most `limit` in each window; takes `cost` of it.
    pub fn take(key: []const u8, cost: u32, limit: u32, window_ms: u32) Bucket {
        var bucket: abi.Bucket = undefined;
        abi.counters.take(abi.start(key), key.len, cost, limit, window_ms, &bucket);
        return .{ .allowed = bucket.allowed, .remaining = bucket.remaining, .retry_after_ms = bucket.retry_after_ms };
    }
};

/// For root.zig, which exports the phases; not for policies.
pub const inner = struct {
    pub const abi = @import("abi.zig");
    pub const arena = @import("arena.zig");
    pub const config = @import("config.zig");
};
