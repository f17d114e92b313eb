//! Paths that use the interfaces which have to be granted.

const std = @import("std");
const cardea = @import("cardea");
const words = @import("words.zig");
const Config = @import("policy.zig").Policy.Config;

const is = words.is;
const param = words.param;
const number = words.number;

pub fn answer(path: []const u8, outcome: *cardea.Outcome, config: Config) bool {
    if (is(path, "/fail")) @panic("as asked");
    if (is(path, "/kv/get")) {
        const entry = cardea.kv.get(param("key"));
        words.maybe(outcome, if (entry) |found| cardea.print("{d} {s}", .{ found.version, found.value }) else null);
        return true;
    }
    words.text(outcome, told(path) orelse stored(path) orelse counted(path, config) orelse return false);
    return true;
}

fn told(path: []const u8) ?[]const u8 {
    if (is(path, "/log")) return logAll();
    if (is(path, "/metrics")) return measure();
    if (is(path, "/clock")) return now();
    if (is(path, "/clock/since")) return since();
    if (is(path, "/random/u64")) return cardea.print("{d}", .{cardea.random.nextU64()});
    if (is(path, "/random/bytes")) return words.hex(cardea.random.bytes(number(u32, "len", 0)));
    return null;
}

fn logAll() []const u8 {
    var asked: []const u8 = "";
    for (std.enums.values(cardea.log.Level)) |level| {
        const enabled = cardea.log.enabled(level);
        if (enabled) cardea.log.write(level, param("text"));
        asked = cardea.print("{s}{d}", .{ asked, @intFromBool(enabled) });
    }
    return asked;
}

fn measure() []const u8 {
    const metrics = cardea.metrics;
    metrics.add(metrics.counter("conformance_calls"), 1);
    const level = metrics.gauge("conformance_level");
    metrics.set(level, -5);
    metrics.add(level, 3);
    metrics.observe(metrics.histogram("conformance_size"), 42);
    metrics.add(metrics.counter("conformance_calls"), 1);
    return "measured";
}

fn now() []const u8 {
    const clock = cardea.clock;
    const first = clock.nowMs();
    const start = clock.monotonicUs();
    const frozen = clock.nowMs() == first and clock.monotonicUs() == start;
    return cardea.print("{d} {s}", .{ first, if (frozen) "frozen" else "moved" });
}

fn since() []const u8 {
    const time = cardea.clock.monotonicUs();
    const kept = cardea.kv.get("since");
    _ = cardea.kv.set("since", cardea.print("{d}", .{time}), 0) catch {};
    const before = std.fmt.parseInt(u64, (kept orelse return "first").value, 10) catch 0;
    return cardea.print("{d}", .{time - before});
}

fn stored(path: []const u8) ?[]const u8 {
    if (is(path, "/kv/set")) return written(cardea.kv.set(param("key"), value(), number(u32, "ttl", 0)));
    if (is(path, "/kv/cas")) {
        const version = number(u64, "version", 0);
        return written(cardea.kv.compareAndSet(param("key"), version, param("value"), number(u32, "ttl", 0)));
    }
    if (is(path, "/kv/delete")) {
        cardea.kv.delete(param("key"));
        return "deleted";
    }
    return null;
}

fn value() []const u8 {
    if (cardea.request.queryParam("size") == null) return param("value");
    const bytes = cardea.allocator.alloc(u8, number(usize, "size", 0)) catch @panic("no memory");
    @memset(bytes, 'x');
    return bytes;
}

fn written(result: cardea.kv.Failure!u64) []const u8 {
    const version = result catch |failure| return switch (failure) {
        error.Denied => "error denied",
        error.Quota => "error quota",
        error.TooLarge => "error too-large",
        error.Invalid => "error invalid",
        error.Conflict => "error conflict",
    };
    return cardea.print("version {d}", .{version});
}

fn counted(path: []const u8, config: Config) ?[]const u8 {
    const counters = cardea.counters;
    if (is(path, "/counters/add")) {
        return cardea.print("{d}", .{counters.add(param("key"), number(i64, "delta", 0), number(u32, "ttl", 0))});
    }
    if (is(path, "/counters/get")) return cardea.print("{d}", .{counters.get(param("key"))});
    if (!is(path, "/counters/take")) return null;
    const bucket = counters.take(param("key"), number(u32, "cost", 1), config.limit, number(u32, "window", 0));
    const word = if (bucket.allowed) "allowed" else "refused";
    return cardea.print("{s} {d} {d}", .{ word, bucket.remaining, bucket.retry_after_ms });
}
