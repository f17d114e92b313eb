//! The conformance policy: what each path does is said in ../README.md.

const std = @import("std");
const cardea = @import("cardea");
const ask = @import("ask.zig");
const decide = @import("decide.zig");
const later = @import("later.zig");
const services = @import("services.zig");

pub const Policy = struct {
    config: Config,

    pub const Config = struct { backend: []const u8, limit: u32 = 3, mark: []const u8 = "cardea" };

    pub fn init(config: Config) cardea.Refused!Policy {
        if (config.backend.len == 0) return cardea.refuse("config.backend: name a backend of the route", .{});
        if (config.limit < 1 or config.limit > 1000) return cardea.refuse("config.limit: 1 to 1000, not {d}", .{config.limit});
        return .{ .config = config };
    }

    pub fn onRequest(self: *Policy, outcome: *cardea.Outcome) void {
        const path = cardea.request.path();
        const is_known = ask.answer(path, outcome, self.config) or decide.decide(path, outcome, self.config) or
            services.answer(path, outcome, self.config);
        if (!is_known) self.otherwise(outcome);
    }

    pub fn onRequestBody(_: *Policy, outcome: *cardea.Outcome, body: cardea.Body) void {
        later.body(outcome, body);
    }

    pub fn onResponse(_: *Policy, response: *cardea.Response, carry: []const u8) void {
        later.response(response, carry);
    }

    pub fn onComplete(_: *Policy, summary: cardea.Summary, carry: []const u8) void {
        later.complete(summary, carry);
    }

    fn otherwise(self: *Policy, outcome: *cardea.Outcome) void {
        if (std.mem.eql(u8, cardea.request.header("x-canary") orelse "", "1")) {
            outcome.route(self.config.backend);
        } else {
            outcome.setHeader("x-policy", self.config.mark);
        }
    }
};
