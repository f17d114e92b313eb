//! The words that the conformance page defines.

const std = @import("std");
const cardea = @import("cardea");

/// 200, text/plain.
pub fn text(outcome: *cardea.Outcome, body: []const u8) void {
    outcome.respond(200, body);
    outcome.replyHeader("content-type", "text/plain");
}

/// The same, or 404 where there is none.
pub fn maybe(outcome: *cardea.Outcome, body: ?[]const u8) void {
    if (body) |found| text(outcome, found) else outcome.respond(404, "");
}

/// Status, content type and number of headers of the response.
pub fn seen() []const u8 {
    const kind = cardea.response.header("content-type") orelse "absent";
    return cardea.print("{d} {s} {d}", .{ cardea.response.status(), kind, cardea.response.headers().len });
}

/// The query parameter, empty if it is absent.
pub fn param(name: []const u8) []const u8 {
    return cardea.request.queryParam(name) orelse "";
}

pub fn number(comptime T: type, name: []const u8, absent: T) T {
    return std.fmt.parseInt(T, cardea.request.queryParam(name) orelse return absent, 10) catch absent;
}

pub fn hex(bytes: []const u8) []const u8 {
    return cardea.print("{x}", .{bytes});
}

pub fn unhex(digits: []const u8) []const u8 {
    const bytes = cardea.allocator.alloc(u8, digits.len / 2) catch @panic("no memory");
    return std.fmt.hexToBytes(bytes, digits) catch @panic("not hex");
}

pub fn is(path: []const u8, name: []const u8) bool {
    return std.mem.eql(u8, path, name);
}
