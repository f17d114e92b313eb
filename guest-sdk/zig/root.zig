//! The root of a policy's module: exports its phases, those that it has.

const std = @import("std");
const cardea = @import("cardea");
const source = @import("policy");
const Policy = if (@hasDecl(source, "Policy")) source.Policy else @compileError("policy.zig has no `pub const Policy = struct`");

const abi = cardea.inner.abi;
const arena = cardea.inner.arena;
const config = cardea.inner.config;

/// A panic is a trap, which the host tells with the names of the functions: there is nowhere to print to.
pub const panic = std.debug.no_panic;

var policy: Policy = undefined;
// One of each is enough: an instance answers one call at a time.
var outcome: cardea.Outcome = undefined;
var response: cardea.Response = undefined;
var lowered_outcome: abi.RequestOutcome = undefined;
var lowered_response: abi.ResponseOutcome = undefined;
var started: abi.Started = undefined;

comptime {
    for (.{ "init", "onRequest" }) |name| {
        if (!@hasDecl(Policy, name)) @compileError("Policy of policy.zig has no `pub fn " ++ name ++ "`");
    }
    @export(&arena.realloc, .{ .name = "cabi_realloc" });
    phase("lifecycle", "init", init, afterInit);
    phase("on-request", "handle", onRequest, after);
    if (@hasDecl(Policy, "onRequestBody")) phase("on-request-body", "handle", onRequestBody, after);
    if (@hasDecl(Policy, "onResponse")) phase("on-response", "handle", onResponse, after);
    if (@hasDecl(Policy, "onComplete")) phase("on-complete", "handle", onComplete, null);
}

/// Exports a phase, and what is called when the host has read its answer.
fn phase(comptime interface: []const u8, comptime function: []const u8, comptime call: anytype, comptime then: anytype) void {
    const name = "cardea:policy/" ++ interface ++ "@0.1.0#" ++ function;
    @export(&call, .{ .name = name });
    if (@TypeOf(then) != @TypeOf(null)) @export(&then, .{ .name = "cabi_post_" ++ name });
}

fn after(_: *anyopaque) callconv(.c) void {
    arena.reset();
}

fn afterInit(_: *anyopaque) callconv(.c) void {
    arena.keep();
}

fn start(text: []const u8) cardea.Refused!void {
    const Config = if (@hasDecl(Policy, "Config")) Policy.Config else struct {};
    policy = try Policy.init(try config.read(Config, text));
}

fn init(text: [*]const u8, len: usize) callconv(.c) *abi.Started {
    const refused = if (start(text[0..len])) false else |_| true;
    started = .{ .is_error = refused, .message = .of(config.message) };
    return &started;
}

fn answer() *abi.RequestOutcome {
    lowered_outcome = outcome.lower();
    return &lowered_outcome;
}

fn onRequest() callconv(.c) *abi.RequestOutcome {
    outcome = .{};
    policy.onRequest(&outcome);
    return answer();
}

fn onRequestBody(body: [*]const u8, len: usize, complete: u32, carry: [*]const u8, carry_len: usize) callconv(.c) *abi.RequestOutcome {
    outcome = .{};
    policy.onRequestBody(&outcome, .{ .bytes = body[0..len], .complete = complete != 0, .carry = carry[0..carry_len] });
    return answer();
}

fn onResponse(carry: [*]const u8, len: usize) callconv(.c) *abi.ResponseOutcome {
    response = .{};
    policy.onResponse(&response, carry[0..len]);
    lowered_response = response.lower();
    return &lowered_response;
}

/// It answers nothing, so there is no reading of an answer to wait for.
fn onComplete(
    status: u32,
    duration_us: u64,
    upstream_us: u64,
    bytes_in: u64,
    bytes_out: u64,
    has_backend: u32,
    backend: [*]const u8,
    backend_len: usize,
    retries: u32,
    has_failure: u32,
    failure: [*]const u8,
    failure_len: usize,
    carry: [*]const u8,
    carry_len: usize,
) callconv(.c) void {
    const summary: cardea.Summary = .{
        .status = @truncate(status),
        .duration_us = duration_us,
        .upstream_us = upstream_us,
        .bytes_in = bytes_in,
        .bytes_out = bytes_out,
        .backend = if (has_backend != 0) backend[0..backend_len] else null,
        .retries = @truncate(retries),
        .failure = if (has_failure != 0) failure[0..failure_len] else null,
    };
    policy.onComplete(summary, carry[0..carry_len]);
    arena.reset();
}
