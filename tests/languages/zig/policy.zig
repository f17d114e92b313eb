//! What the conformance policy leaves out of the Zig SDK: every kind of config, memory, and bounds of outcomes.

const std = @import("std");
const cardea = @import("cardea");

pub const Policy = struct {
    config: Config,

    pub const Config = struct {
        on: bool = false,
        share: f64 = 0.5,
        least: i64 = 0,
        mode: enum { fast, safe } = .fast,
        name: ?[]const u8 = null,
        names: []const []const u8 = &.{},
        inner: ?struct { name: []const u8 } = null,
        rules: []const struct { weight: u8 } = &.{},
    };

    pub fn init(config: Config) cardea.Refused!Policy {
        return .{ .config = config };
    }

    pub fn onRequest(self: *Policy, outcome: *cardea.Outcome) void {
        const path = cardea.request.path();
        if (std.mem.eql(u8, path, "/told")) outcome.respond(200, self.told());
        if (std.mem.eql(u8, path, "/allocate")) outcome.respond(200, allocate());
        if (std.mem.eql(u8, path, "/edits")) for (0..1000) |_| outcome.setHeader("x-many", "1");
        if (std.mem.eql(u8, path, "/labels")) for (0..1000) |i| outcome.label(cardea.print("l{d}", .{i}), "1");
        if (std.mem.eql(u8, path, "/bound")) outcome.respond(200, path[path.len + 1 ..]);
    }

    fn told(self: *const Policy) []const u8 {
        const c = self.config;
        var text = cardea.print("{} {d} {d} {t} {s}", .{ c.on, c.share, c.least, c.mode, c.name orelse "none" });
        for (c.names) |name| text = cardea.print("{s} name={s}", .{ text, name });
        if (c.inner) |inner| text = cardea.print("{s} inner={s}", .{ text, inner.name });
        for (c.rules) |rule| text = cardea.print("{s} rule={d}", .{ text, rule.weight });
        return text;
    }
};

/// More in one call than the instance has at its start, freed when it is over.
fn allocate() []const u8 {
    var list: std.ArrayList(u32) = .empty;
    for (0..1 << 19) |i| list.append(cardea.allocator, @intCast(i)) catch @panic("no memory");
    var sum: u64 = 0;
    for (list.items) |item| sum += item;
    return cardea.print("{d}", .{sum});
}
