//! Paths that make each kind of decision, edit, and follow later phases.

const cardea = @import("cardea");
const words = @import("words.zig");
const Config = @import("policy.zig").Policy.Config;

const is = words.is;

pub fn decide(path: []const u8, outcome: *cardea.Outcome, config: Config) bool {
    if (is(path, "/decide/next")) {
        outcome.next();
    } else if (is(path, "/decide/backend")) {
        outcome.route(words.param("to"));
    } else if (is(path, "/decide/weighted")) {
        outcome.routeWeighted(config.backend, 1);
        outcome.routeWeighted("other", 3);
    } else if (is(path, "/decide/subset")) {
        outcome.routeSubset("zone", "eu-1");
        outcome.routeSubset("node", "n1");
    } else if (is(path, "/decide/redirect")) {
        outcome.redirect(words.number(u16, "status", 302), words.param("location"));
    } else if (is(path, "/decide/respond")) {
        respond(outcome);
    } else if (is(path, "/decide/deny")) {
        deny(outcome);
    } else if (is(path, "/body")) {
        outcome.wantBody(words.number(u32, "max", 1024), if (is(words.param("deny"), "1")) .deny else .cut);
        outcome.carry("b\x00\xff");
    } else if (is(path, "/body/forward")) {
        outcome.wantBody(1024, .cut);
        outcome.setHeader("x-before", "body");
        outcome.carry("f");
    } else return edit(path, outcome) or follow(path, outcome);
    return true;
}

fn respond(outcome: *cardea.Outcome) void {
    outcome.respond(words.number(u16, "status", 200), words.param("body"));
    outcome.replyHeader("x-one", "1");
    outcome.replyHeader("x-two", "2");
    outcome.replyHeader("x-one", "3");
}

fn deny(outcome: *cardea.Outcome) void {
    outcome.deny(words.number(u16, "status", 403), words.param("reason"));
    outcome.replyHeader("x-denied", "yes");
    if (cardea.request.queryParam("retry") != null) outcome.retryAfterMs(words.number(u32, "retry", 0));
}

fn edit(path: []const u8, outcome: *cardea.Outcome) bool {
    if (is(path, "/edit/all")) {
        outcome.setHeader("x-set", "one");
        outcome.appendHeader("x-append", "a");
        outcome.appendHeader("x-append", "b");
        outcome.removeHeader("x-remove");
        outcome.setHeader("x-empty", "");
        outcome.setPath("/edited/path");
        outcome.setQuery("a=1&b=2");
        outcome.setAuthority("edited.test:8080");
    } else if (is(path, "/edit/no-query")) {
        outcome.setQuery(null);
    } else if (is(path, "/edit/response")) {
        outcome.setResponseHeader("x-set", "one");
        outcome.appendResponseHeader("x-append", "b");
        outcome.removeResponseHeader("x-remove");
    } else if (is(path, "/edit/bytes")) {
        const bytes = words.unhex(words.param("hex"));
        outcome.wantBody(16, .cut);
        outcome.setHeader("x-bytes", bytes);
        outcome.setResponseHeader("x-bytes", bytes);
        outcome.carry("h");
    } else if (is(path, "/label")) {
        outcome.label("group", "testers");
        outcome.label("who", words.param("who"));
    } else return false;
    return true;
}

fn follow(path: []const u8, outcome: *cardea.Outcome) bool {
    if (is(path, "/follow/response")) {
        outcome.followResponse();
        outcome.carry("k\x00\x80\xff");
    } else if (is(path, "/follow/replace")) {
        outcome.followResponse();
        outcome.carry("r");
    } else if (is(path, "/follow/ask")) {
        outcome.followResponse();
        outcome.carry("q");
    } else if (is(path, "/follow/complete")) {
        outcome.followComplete();
        outcome.carry(cardea.print("c{s}", .{words.param("key")}));
    } else if (is(path, "/follow/both")) {
        outcome.followResponse();
        outcome.followComplete();
        outcome.carry(cardea.print("c{s}", .{words.param("key")}));
    } else return false;
    return true;
}
