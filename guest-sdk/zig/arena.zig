//! One arena for everything that a call allocates: a pointer that moves up, and back when the call is over.

const std = @import("std");

const page = 65536;

/// The first byte behind stack and globals: the linker says where.
extern var __heap_base: u8;

/// Where the memory of calls begins: behind what `init` allocated.
var kept: usize = 0;
/// The next free byte.
var next: usize = 0;

pub const allocator: std.mem.Allocator = .{
    .ptr = undefined,
    .vtable = &.{ .alloc = alloc, .resize = resize, .remap = remap, .free = free },
};

/// The call is over.
pub fn reset() void {
    next = kept;
}

/// What was allocated so far stays.
pub fn keep() void {
    if (next == 0) next = @intFromPtr(&__heap_base);
    kept = next;
}

/// Where the policy's memory ends the call fails.
fn take(len: usize, alignment: usize) [*]u8 {
    if (next == 0) keep();
    const start = (next + alignment - 1) & ~(alignment - 1);
    const room = @wasmMemorySize(0) * page;
    const end = std.math.add(usize, start, len) catch @trap();
    if (end > room and @wasmMemoryGrow(0, (end - room + page - 1) / page) < 0) @trap();
    next = end;
    return @ptrFromInt(start);
}

fn alloc(_: *anyopaque, len: usize, alignment: std.mem.Alignment, _: usize) ?[*]u8 {
    return take(len, alignment.toByteUnits());
}

/// The newest allocation grows in place, and all of them shrink.
fn resize(_: *anyopaque, memory: []u8, _: std.mem.Alignment, len: usize, _: usize) bool {
    if (len <= memory.len) return true;
    const start = @intFromPtr(memory.ptr);
    if (start + memory.len != next) return false;
    next = start;
    _ = take(len, 1);
    return true;
}

fn remap(context: *anyopaque, memory: []u8, alignment: std.mem.Alignment, len: usize, at: usize) ?[*]u8 {
    return if (resize(context, memory, alignment, len, at)) memory.ptr else null;
}

fn free(_: *anyopaque, _: []u8, _: std.mem.Alignment, _: usize) void {}

/// Where the host puts what it answers.
pub fn realloc(old: ?[*]u8, old_len: usize, alignment: usize, len: usize) callconv(.c) [*]u8 {
    const memory = take(len, alignment);
    if (old) |from| @memcpy(memory[0..@min(old_len, len)], from[0..@min(old_len, len)]);
    return memory;
}
