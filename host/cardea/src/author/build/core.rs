//! Changes to a core module that its toolchain cannot make: names of exports, and the function that gives the host memory.

use wasm_encoder::{BlockType, Encode, ExportKind, ExportSection, Function, MemArg, Module, RawSection, ValType};
use wasmparser::{BinaryReader, BinaryReaderError, ExternalKind, Parser, Payload, TypeRef};

const TYPE: u8 = 1;
const FUNCTION: u8 = 3;
const GLOBAL: u8 = 6;
const EXPORT: u8 = 7;
const CODE: u8 = 10;
const REALLOC: &str = "cabi_realloc";

/// The module, its exports called otherwise where there is another name.
pub fn renamed(bytes: &[u8], name: impl Fn(&str) -> Option<&'static str>) -> Result<Vec<u8>, BinaryReaderError> {
    rewritten(bytes, |id, data| match id {
        EXPORT => exports(data, |found, kind, index, section| {
            section.export(name(found).unwrap_or(found), kind, index);
        }),
        _ => Ok(data.to_vec()),
    })
}

/// The module with a `cabi_realloc` that takes from a buffer, and calls the module's own only when there is no room. `room`
/// is an export that tells where the bounds of the room are: the address of two numbers, the next free byte and the end. A
/// module without it is left as it is.
///
/// Why: each entry into Go starts a goroutine, and the host asks for memory several times a call.
pub fn with_room(bytes: &[u8], room: &str) -> Result<Vec<u8>, BinaryReaderError> {
    let counts = Counts::read(bytes, room)?;
    let (Some(slow), Some(room)) = (counts.realloc, counts.room) else { return Ok(bytes.to_vec()) };
    rewritten(bytes, |id, data| match id {
        // (func (param i32 i32 i32 i32) (result i32))
        TYPE => longer(data, &[0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7f]),
        FUNCTION => longer(data, &encoded(&counts.types)),
        // (global (mut i32) (i32.const 0))
        GLOBAL => longer(data, &[0x7f, 1, 0x41, 0, 0x0b]),
        CODE => longer(data, &encoded(&realloc(counts.globals, room, slow))),
        EXPORT => exports(data, |found, kind, index, section| {
            section.export(found, kind, if found == REALLOC { counts.functions } else { index });
        }),
        _ => Ok(data.to_vec()),
    })
}

/// The module without what debuggers read (DWARF, in custom sections); names of functions stay, for backtraces.
pub fn without_debug(bytes: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        let is_debug = matches!(&payload, Payload::CustomSection(section) if section.name().starts_with(".debug_"));
        if let Some((id, range)) = payload.as_section().filter(|_| !is_debug) {
            module.section(&RawSection { id, data: bytes.get(range).unwrap_or_default() });
        }
    }
    Ok(module.finish())
}

/// Every section, as `change` makes it of its number and content.
fn rewritten(
    bytes: &[u8],
    change: impl Fn(u8, &[u8]) -> Result<Vec<u8>, BinaryReaderError>,
) -> Result<Vec<u8>, BinaryReaderError> {
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(bytes) {
        if let Some((id, range)) = payload?.as_section() {
            let data = change(id, bytes.get(range).unwrap_or_default())?;
            module.section(&RawSection { id, data: &data });
        }
    }
    Ok(module.finish())
}

/// An export section, each export as `keep` writes it.
fn exports(
    data: &[u8],
    keep: impl Fn(&str, ExportKind, u32, &mut ExportSection),
) -> Result<Vec<u8>, BinaryReaderError> {
    let mut section = ExportSection::new();
    for export in wasmparser::ExportSectionReader::new(BinaryReader::new(data, 0))? {
        let export = export?;
        let kind = match export.kind {
            ExternalKind::Func | ExternalKind::FuncExact => ExportKind::Func,
            ExternalKind::Table => ExportKind::Table,
            ExternalKind::Memory => ExportKind::Memory,
            ExternalKind::Global => ExportKind::Global,
            ExternalKind::Tag => ExportKind::Tag,
        };
        keep(export.name, kind, export.index, &mut section);
    }
    // Without the length that it puts in front.
    let whole = encoded(&section);
    let mut reader = BinaryReader::new(&whole, 0);
    reader.read_var_u32()?;
    Ok(whole.get(reader.current_position()..).unwrap_or_default().to_vec())
}

/// A section's content with one more item.
fn longer(data: &[u8], item: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    let mut reader = BinaryReader::new(data, 0);
    let count = reader.read_var_u32()?;
    let items = data.get(reader.current_position()..).unwrap_or_default();
    Ok([&encoded(&(count + 1)), items, item].concat())
}

fn encoded(value: &impl Encode) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes);
    bytes
}

/// How many there are of each, which are the numbers of those that are added; and the functions that are called.
#[derive(Debug, Default)]
struct Counts {
    types: u32,
    functions: u32,
    globals: u32,
    realloc: Option<u32>,
    room: Option<u32>,
}

impl Counts {
    fn read(bytes: &[u8], room: &str) -> Result<Self, BinaryReaderError> {
        let mut counts = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::TypeSection(section) => {
                    for group in section {
                        counts.types += group?.types().len() as u32;
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let kind = import?.ty;
                        counts.functions += u32::from(matches!(kind, TypeRef::Func(_) | TypeRef::FuncExact(_)));
                        counts.globals += u32::from(matches!(kind, TypeRef::Global(_)));
                    }
                }
                Payload::FunctionSection(section) => counts.functions += section.count(),
                Payload::GlobalSection(section) => counts.globals += section.count(),
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        counts.realloc = counts.realloc.or((export.name == REALLOC).then_some(export.index));
                        counts.room = counts.room.or((export.name == room).then_some(export.index));
                    }
                }
                _ => {}
            }
        }
        Ok(counts)
    }
}

/// `cabi_realloc(old, old_size, align, size)`: the room is asked for once, and its address kept in a global.
fn realloc(address: u32, room: u32, slow: u32) -> Function {
    let at = |offset: u64| MemArg { offset, align: 2, memory_index: 0 };
    let (start, next) = (4, 5);
    let mut function = Function::new([(2, ValType::I32)]);
    let mut code = function.instructions();
    code.global_get(address).i32_eqz().if_(BlockType::Empty).call(room).global_set(address).end();
    // start = (room.next + align - 1) & -align; next = start + size
    code.global_get(address).i32_load(at(0)).local_get(2).i32_add().i32_const(1).i32_sub();
    code.i32_const(0).local_get(2).i32_sub().i32_and().local_tee(start).local_get(3).i32_add().local_set(next);
    // What grows, what does not fit, and what wraps around is for the module's own.
    code.local_get(0).local_get(next).global_get(address).i32_load(at(4)).i32_gt_u().i32_or();
    code.local_get(next).local_get(start).i32_lt_u().i32_or();
    code.if_(BlockType::Empty).local_get(0).local_get(1).local_get(2).local_get(3).call(slow).return_().end();
    code.global_get(address).local_get(next).i32_store(at(0)).local_get(start).end();
    function
}

#[cfg(test)]
mod tests;
