//! Paths that tell what the exchange answers.

const std = @import("std");
const cardea = @import("cardea");
const words = @import("words.zig");
const Config = @import("policy.zig").Policy.Config;

const is = words.is;
const request = cardea.request;

pub fn answer(path: []const u8, outcome: *cardea.Outcome, config: Config) bool {
    if (is(path, "/config")) {
        words.text(outcome, cardea.print("{s}\n{d}\n{s}", .{ config.backend, config.limit, config.mark }));
    } else if (is(path, "/note")) {
        note(outcome);
    } else if (std.mem.startsWith(u8, path, "/ask/")) {
        return tell(path["/ask/".len..], outcome);
    } else return false;
    return true;
}

const Question = enum { method, scheme, authority, path, @"raw-path", client, query, @"query-param", header, @"header-values", @"header-names", headers, cookie, attribute, response };

fn tell(what: []const u8, outcome: *cardea.Outcome) bool {
    const question = std.meta.stringToEnum(Question, what) orelse return false;
    words.maybe(outcome, switch (question) {
        .method => request.method(),
        .scheme => request.scheme(),
        .authority => request.authority(),
        .path => request.path(),
        .@"raw-path" => request.rawPath(),
        .client => request.client(),
        .query => request.query(),
        .@"query-param" => request.queryParam(words.param("name")),
        .header => request.header(words.param("name")),
        .@"header-values" => values(words.param("name")),
        .@"header-names" => std.mem.join(cardea.allocator, ",", request.headerNames()) catch @panic("no memory"),
        .headers => fields(),
        .cookie => request.cookie(words.param("name")),
        .attribute => request.attribute(words.param("name")),
        .response => words.seen(),
    });
    return true;
}

fn values(name: []const u8) []const u8 {
    var all: []const u8 = "";
    for (request.headerValues(name)) |value| all = cardea.print("{s}[{s}]", .{ all, value });
    return all;
}

fn fields() []const u8 {
    var all: []const u8 = "";
    for (request.headers()) |header| all = cardea.print("{s}{s}={s}\n", .{ all, header.name, header.value });
    return all;
}

fn note(outcome: *cardea.Outcome) void {
    outcome.label("before", request.note("seen") orelse "absent");
    request.setNote("seen", words.param("value"));
    outcome.label("after", request.note("seen") orelse "absent");
    outcome.followResponse();
    outcome.carry("n");
}
