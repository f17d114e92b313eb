//! Where in the guest a trap was, in words: the functions of its frames, from the innermost, bounded and without what a guest
//! could do with a terminal or a log.

use wasmtime::{Error, FrameInfo, WasmBacktrace};

/// Between what happened and where.
pub const BACKTRACE: &str = "; at ";
/// Between a frame and its caller.
pub const CALLED_BY: &str = " < ";
const FUNCTIONS_MAX: usize = 24;
const NAME_BYTES_MAX: usize = 120;

/// Empty where an error has no frames.
pub(crate) fn of(error: &Error) -> String {
    let mut text = String::new();
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return text };
    let mut functions = backtrace.frames().iter().flat_map(functions);
    for function in functions.by_ref().take(FUNCTIONS_MAX) {
        text.push_str(if text.is_empty() { BACKTRACE } else { CALLED_BY });
        text.push_str(&function);
    }
    if functions.next().is_some() {
        text.push_str(CALLED_BY);
        text.push_str("...");
    }
    text
}

/// The function of a frame, after those that were made part of it; with their lines where the module tells and the engine asks.
fn functions(frame: &FrameInfo) -> Vec<String> {
    let symbols = frame.symbols().iter().filter_map(|symbol| {
        let name = name(symbol.name().or(frame.func_name())?);
        Some(match (symbol.file(), symbol.line()) {
            (Some(file), Some(line)) => format!("{name} ({}:{line})", plain(file)),
            _ => name,
        })
    });
    let found: Vec<String> = symbols.collect();
    match (found.is_empty(), frame.func_name()) {
        (false, _) => found,
        (true, Some(text)) => vec![name(text)],
        (true, None) => vec![format!("function {}", frame.func_index())],
    }
}

/// Without the hash, and without what a generic function was made for: that is long, and the line tells it.
fn name(text: &str) -> String {
    let demangled = rustc_demangle::try_demangle(text).map_or_else(|_| text.to_owned(), |name| format!("{name:#}"));
    if demangled.starts_with('<') {
        return plain(&demangled);
    }
    let mut depth = 0_u32;
    let outside = demangled.chars().filter(|character| {
        let was = depth;
        match character {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        was == 0 && *character != '<'
    });
    plain(&outside.collect::<String>())
}

fn plain(text: &str) -> String {
    let short = text.get(..text.floor_char_boundary(NAME_BYTES_MAX)).unwrap_or_default();
    short.chars().map(|character| if character.is_control() { '?' } else { character }).collect()
}
