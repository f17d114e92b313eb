//! A handler from a few lines of WAT: all functions of the ABI are there by their names, and `{text}` stands for the address
//! and length of a piece of data.

use std::collections::HashMap;
use std::fmt::Write as _;

/// The functions of `http_handler` and their types.
const FUNCTIONS: [(&str, &str); 19] = [
    ("enable_features", "(param i32) (result i32)"),
    ("get_config", "(param i32 i32) (result i32)"),
    ("log", "(param i32 i32 i32)"),
    ("log_enabled", "(param i32) (result i32)"),
    ("get_header_names", "(param i32 i32 i32) (result i64)"),
    ("get_header_values", "(param i32 i32 i32 i32 i32) (result i64)"),
    ("set_header_value", "(param i32 i32 i32 i32 i32)"),
    ("add_header_value", "(param i32 i32 i32 i32 i32)"),
    ("remove_header", "(param i32 i32 i32)"),
    ("read_body", "(param i32 i32 i32) (result i64)"),
    ("write_body", "(param i32 i32 i32)"),
    ("get_method", "(param i32 i32) (result i32)"),
    ("set_method", "(param i32 i32)"),
    ("get_uri", "(param i32 i32) (result i32)"),
    ("set_uri", "(param i32 i32)"),
    ("get_protocol_version", "(param i32 i32) (result i32)"),
    ("get_source_addr", "(param i32 i32) (result i32)"),
    ("get_status_code", "(result i32)"),
    ("set_status_code", "(param i32)"),
];

/// `$same` traps unless two numbers are the same; `$text` traps unless `length` bytes at 1024 are the text; `$show` puts
/// that many bytes from 1024 into the request's header `x-shown`.
const HELPERS: &str = r#"
  (func $same (param i64 i64) (if (i64.ne (local.get 0) (local.get 1)) (then unreachable)))
  (func $same32 (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
  (func $text (param $length i32) (param $at i32) (param $wanted i32)
    (call $same32 (local.get $length) (local.get $wanted))
    (loop $next
      (if (i32.eqz (local.get $wanted)) (then return))
      (local.set $wanted (i32.sub (local.get $wanted) (i32.const 1)))
      (call $same32
        (i32.load8_u (i32.add (i32.const 1024) (local.get $wanted)))
        (i32.load8_u (i32.add (local.get $at) (local.get $wanted))))
      (br $next)))
  (func $show (param $length i32)
    (call $set_header_value (i32.const 0) {x-shown} (i32.const 1024) (local.get $length)))
"#;

#[derive(Clone)]
pub struct Handler {
    request: String,
    response: String,
    start: String,
    more: String,
    /// Imports beside those of the ABI.
    imports: String,
    /// Functions that are not imported.
    without: Vec<&'static str>,
}

impl Handler {
    /// `handle_request` runs this, and goes on.
    pub fn request(text: &str) -> Self {
        Self::ending(&format!("{text} (i64.const 1)"))
    }

    /// `handle_request` runs this, which leaves its result.
    pub fn ending(text: &str) -> Self {
        let text = text.to_owned();
        let empty = String::new;
        Self { request: text, response: empty(), start: empty(), more: empty(), imports: empty(), without: Vec::new() }
    }

    /// `handle_response` runs this; `$context` and `$is_error` are its parameters.
    pub fn response(mut self, text: &str) -> Self {
        text.clone_into(&mut self.response);
        self
    }

    /// `_initialize` runs this.
    pub fn start(mut self, text: &str) -> Self {
        text.clone_into(&mut self.start);
        self
    }

    /// More of the module.
    pub fn with(mut self, text: &str) -> Self {
        self.more.push_str(text);
        self
    }

    pub fn import(mut self, text: &str) -> Self {
        self.imports.push_str(text);
        self
    }

    pub fn without(mut self, function: &'static str) -> Self {
        self.without.push(function);
        self
    }

    pub fn build(&self) -> Vec<u8> {
        let (imports, stubs): (Vec<_>, Vec<_>) =
            FUNCTIONS.into_iter().partition(|(name, _)| !self.without.contains(name));
        let imports: String = imports
            .iter()
            .map(|(name, kind)| format!("(import \"http_handler\" \"{name}\" (func ${name} {kind}))\n"))
            .collect();
        let stubs: String = stubs.iter().map(|(name, kind)| format!("(func ${name} {kind} unreachable)\n")).collect();
        let text = format!(
            "(module {own} {imports} (memory (export \"memory\") 2) {stubs} {HELPERS} {more}
               (func (export \"_initialize\") {start})
               (func (export \"handle_request\") (result i64) (local $n i32) (local $w i64) {request})
               (func (export \"handle_response\") (param $context i32) (param $is_error i32) (local $w i64) {response}))",
            own = self.imports,
            more = self.more,
            start = self.start,
            request = self.request,
            response = self.response,
        );
        wat::parse_str(fill(&text)).unwrap()
    }
}

/// Puts every `{text}` into memory from 64 KiB up, and its address and length in its place.
fn fill(text: &str) -> String {
    let (mut filled, mut data, mut end) = (String::new(), String::new(), 65_536);
    let mut known = HashMap::new();
    let mut rest = text;
    while let Some((before, (piece, after))) =
        rest.split_once('{').map(|(before, after)| (before, after.split_once('}').unwrap()))
    {
        filled.push_str(before);
        let at = *known.entry(piece).or_insert_with(|| {
            let escaped: String = piece.bytes().map(|byte| format!("\\{byte:02x}")).collect();
            write!(data, "(data (i32.const {end}) \"{escaped}\")").unwrap();
            end += piece.len();
            end - piece.len()
        });
        write!(filled, "(i32.const {at}) (i32.const {})", piece.len()).unwrap();
        rest = after;
    }
    filled.push_str(rest);
    let end = filled.rfind(')').unwrap();
    filled.insert_str(end, &data);
    filled
}
