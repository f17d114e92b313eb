//! `spec.config` read into the policy's own type: structs, optionals, slices, texts, whole numbers, floats, booleans and enums.
//!
//! What is missing, of another kind, or no field of the struct refuses the config with the field's name.

const std = @import("std");
const arena = @import("arena.zig");

const Scanner = std.json.Scanner;
const Token = std.json.Token;

/// Why the config is refused: "config.header: required, and absent".
pub var message: []const u8 = "";

pub const Refused = error{Refused};

/// Refuses the config for a reason of the policy's own: `return cardea.refuse("config.limit: {d} is too much", .{limit});`
pub fn refuse(comptime format: []const u8, values: anytype) Refused {
    message = std.fmt.allocPrint(arena.allocator, format, values) catch @trap();
    return error.Refused;
}

pub fn read(comptime T: type, text: []const u8) Refused!T {
    var scanner = Scanner.initCompleteInput(arena.allocator, text);
    const first = try peek(&scanner);
    // A struct whose fields all have defaults may be absent.
    if (first == .null) return object(T, &scanner, "config", .absent);
    return value(T, &scanner, "config");
}

fn peek(scanner: *Scanner) Refused!std.json.TokenType {
    return scanner.peekNextTokenType() catch refuse("config: not JSON", .{});
}

/// The next token; texts and numbers whole.
fn next(scanner: *Scanner) Refused!Token {
    return scanner.nextAlloc(arena.allocator, .alloc_always) catch refuse("config: not JSON", .{});
}

fn value(comptime T: type, scanner: *Scanner, path: []const u8) Refused!T {
    if (T == []const u8) return switch (try peek(scanner)) {
        .string => (try next(scanner)).allocated_string,
        else => refuse("{s}: expected a text", .{path}),
    };
    return switch (@typeInfo(T)) {
        .optional => |optional| {
            if (try peek(scanner) != .null) return try value(optional.child, scanner, path);
            _ = try next(scanner);
            return null;
        },
        .bool => switch (try next(scanner)) {
            .true => true,
            .false => false,
            else => refuse("{s}: expected true or false", .{path}),
        },
        .int => whole(T, scanner, path),
        .float => switch (try peek(scanner)) {
            .number => std.fmt.parseFloat(T, (try next(scanner)).allocated_number) catch refuse("{s}: no number", .{path}),
            else => refuse("{s}: expected a number", .{path}),
        },
        .@"enum" => std.meta.stringToEnum(T, try value([]const u8, scanner, path)) orelse
            refuse("{s}: expected one of {s}", .{ path, comptime names(T) }),
        .pointer => |pointer| list(pointer.child, scanner, path),
        .@"struct" => object(T, scanner, path, .present),
        else => @compileError("a config has no " ++ @typeName(T)),
    };
}

fn whole(comptime T: type, scanner: *Scanner, path: []const u8) Refused!T {
    if (try peek(scanner) == .number) {
        if (std.fmt.parseInt(T, (try next(scanner)).allocated_number, 10)) |number| return number else |_| {}
    }
    return refuse("{s}: expected a whole number from {d} to {d}", .{ path, std.math.minInt(T), std.math.maxInt(T) });
}

fn names(comptime T: type) []const u8 {
    var all: []const u8 = "";
    for (std.meta.fieldNames(T), 0..) |name, index| all = all ++ (if (index > 0) ", " else "") ++ name;
    return all;
}

fn list(comptime T: type, scanner: *Scanner, path: []const u8) Refused![]const T {
    if (try peek(scanner) != .array_begin) return refuse("{s}: expected a list", .{path});
    _ = try next(scanner);
    var items: std.ArrayList(T) = .empty;
    while (try peek(scanner) != .array_end) {
        const at = std.fmt.allocPrint(arena.allocator, "{s}[{d}]", .{ path, items.items.len }) catch @trap();
        items.append(arena.allocator, try value(T, scanner, at)) catch @trap();
    }
    _ = try next(scanner);
    return items.items;
}

fn object(comptime T: type, scanner: *Scanner, path: []const u8, comptime there: enum { present, absent }) Refused!T {
    const info = @typeInfo(T).@"struct";
    var result: T = undefined;
    var given: [info.field_names.len]bool = @splat(false);
    if (there == .present) {
        if (try peek(scanner) != .object_begin) return refuse("{s}: expected an object", .{path});
        _ = try next(scanner);
        while (try peek(scanner) != .object_end) {
            const key = (try next(scanner)).allocated_string;
            const at = std.fmt.allocPrint(arena.allocator, "{s}.{s}", .{ path, key }) catch @trap();
            inline for (info.field_names, info.field_types, 0..) |name, Field, index| {
                if (std.mem.eql(u8, name, key)) {
                    @field(result, name) = try value(Field, scanner, at);
                    given[index] = true;
                    break;
                }
            } else return refuse("{s}: unknown field", .{at});
        }
        _ = try next(scanner);
    }
    inline for (info.field_names, info.field_types, info.field_attrs, 0..) |name, Field, attributes, index| {
        if (!given[index]) @field(result, name) = attributes.defaultValue(Field) orelse
            return refuse("{s}.{s}: required, and absent", .{ path, name });
    }
    return result;
}
