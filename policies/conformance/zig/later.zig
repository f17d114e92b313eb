//! The later phases, by the first byte of what was carried.

const cardea = @import("cardea");
const words = @import("words.zig");

fn kind(carry: []const u8) u8 {
    return if (carry.len > 0) carry[0] else 0;
}

pub fn body(outcome: *cardea.Outcome, sent: cardea.Body) void {
    switch (kind(sent.carry)) {
        'b' => {
            const word = if (sent.complete) "complete" else "cut";
            words.text(outcome, cardea.print("{d} {s} {x}\n{s}", .{ sent.bytes.len, word, sent.carry, sent.bytes }));
        },
        'f' => {
            outcome.setHeader("x-length", cardea.print("{d}", .{sent.bytes.len}));
            outcome.label("phase", "body");
            outcome.followResponse();
            outcome.carry("q");
        },
        'h' => words.maybe(outcome, if (cardea.request.header("x-bytes")) |bytes| words.hex(bytes) else null),
        else => {},
    }
}

pub fn response(outcome: *cardea.Response, carry: []const u8) void {
    switch (kind(carry)) {
        'k' => {
            outcome.setHeader("x-carry", words.hex(carry));
            outcome.appendHeader("x-append", "b");
            outcome.removeHeader("x-remove");
        },
        'r' => {
            outcome.replace(203, words.seen());
            outcome.replyHeader("x-replaced", "yes");
            outcome.setHeader("x-edited", "yes");
        },
        'q' => outcome.setHeader("x-seen", words.seen()),
        'n' => outcome.setHeader("x-note", cardea.request.note("seen") orelse "absent"),
        'c' => {
            outcome.setHeader("x-both", "yes");
            outcome.carry(cardea.print("{s}-later", .{carry}));
        },
        else => {},
    }
}

pub fn complete(summary: cardea.Summary, carry: []const u8) void {
    if (kind(carry) != 'c') return;
    const told = cardea.print("{d} {s} {s} {d} {d} {d} {s}", .{
        summary.status,
        summary.backend orelse "none",
        summary.failure orelse "none",
        summary.retries,
        summary.bytes_in,
        summary.bytes_out,
        if (summary.duration_us >= summary.upstream_us) "timed" else "untimed",
    });
    _ = cardea.kv.set(carry[1..], told, 0) catch {};
}
