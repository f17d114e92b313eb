//! proxy-wasm guests in WAT: a prelude with the host calls and an allocator, and the callbacks that a test writes.
//!
//! `«text»` stands for the address and the length of a text. `$is` traps unless two statuses are the same, `$same` unless the
//! value that a host call gave, by the places 16 and 20, is a text.

use std::fmt::Write;

const PRELUDE: &str = r#"
(import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
(import "env" "proxy_get_header_map_value" (func $get (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_add_header_map_value" (func $add (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_replace_header_map_value" (func $replace (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_remove_header_map_value" (func $remove (param i32 i32 i32) (result i32)))
(import "env" "proxy_get_header_map_pairs" (func $pairs (param i32 i32 i32) (result i32)))
(import "env" "proxy_set_header_map_pairs" (func $set_pairs (param i32 i32 i32) (result i32)))
(import "env" "proxy_get_buffer_bytes" (func $buffer (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_set_buffer_bytes" (func $set_buffer (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_get_buffer_status" (func $buffer_status (param i32 i32 i32) (result i32)))
(import "env" "proxy_send_local_response" (func $reply (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_continue_stream" (func $continue (param i32) (result i32)))
(import "env" "proxy_close_stream" (func $close (param i32) (result i32)))
(import "env" "proxy_get_property" (func $property (param i32 i32 i32 i32) (result i32)))
(import "env" "proxy_set_property" (func $set_property (param i32 i32 i32 i32) (result i32)))
(import "env" "proxy_http_call" (func $call_out (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_set_tick_period_milliseconds" (func $tick (param i32) (result i32)))
(import "env" "proxy_set_effective_context" (func $effective (param i32) (result i32)))
(import "env" "proxy_get_shared_data" (func $shared (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_set_shared_data" (func $set_shared (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_register_shared_queue" (func $register (param i32 i32 i32) (result i32)))
(import "env" "proxy_enqueue_shared_queue" (func $enqueue (param i32 i32 i32) (result i32)))
(import "env" "proxy_dequeue_shared_queue" (func $dequeue (param i32 i32 i32) (result i32)))
(import "env" "proxy_define_metric" (func $metric (param i32 i32 i32 i32) (result i32)))
(import "env" "proxy_increment_metric" (func $increment (param i32 i64) (result i32)))
(import "env" "proxy_get_metric" (func $get_metric (param i32 i32) (result i32)))
(import "env" "proxy_done" (func $done (result i32)))
(import "env" "proxy_call_foreign_function" (func $foreign (param i32 i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_grpc_call"
  (func $grpc (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_grpc_stream" (func $grpc_stream (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_grpc_send" (func $grpc_send (param i32 i32 i32 i32) (result i32)))
(import "env" "proxy_grpc_cancel" (func $grpc_cancel (param i32) (result i32)))
(import "env" "proxy_get_status" (func $status (param i32 i32 i32) (result i32)))
(import "env" "proxy_get_current_time_nanoseconds" (func $time (param i32) (result i32)))
(memory (export "memory") 4)
(global $heap (mut i32) (i32.const 131072))
(func $is (param $expected i32) (param $found i32)
  (if (i32.ne (local.get $expected) (local.get $found)) (then unreachable)))
(func $same (param $at i32) (param $len i32)
  (local $i i32)
  (call $is (local.get $len) (i32.load (i32.const 20)))
  (block $end (loop $next
    (br_if $end (i32.ge_u (local.get $i) (local.get $len)))
    (call $is (i32.load8_u (i32.add (local.get $at) (local.get $i)))
              (i32.load8_u (i32.add (i32.load (i32.const 16)) (local.get $i))))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br $next))))
"#;

const MALLOC: &str = r#"
(func (export "proxy_on_memory_allocate") (param $n i32) (result i32)
  (global.get $heap)
  (global.set $heap (i32.add (global.get $heap) (local.get $n)))
  (if (i32.gt_u (global.get $heap) (i32.const 262144)) (then (global.set $heap (i32.const 131072)))))
"#;

/// The answer of a call comes to the plugin's context, from where the guest goes on in the name of the first stream.
pub const FIRST: &str =
    "(call $is (i32.const 1) (local.get $context)) (call $is (i32.const 0) (call $effective (i32.const 2)))";

/// Callbacks, by name.
#[derive(Default)]
pub struct Guest {
    functions: String,
    texts: Vec<u8>,
    malloc: Option<String>,
    version: Option<&'static str>,
}

const TEXTS_AT: usize = 1024;

impl Guest {
    /// `signature` without the name: `(param $context i32)`.
    pub fn on(mut self, name: &str, signature: &str, body: &str) -> Self {
        let body = self.place(body);
        writeln!(self.functions, "(func (export \"{name}\") {signature} {body})").unwrap();
        self
    }

    pub fn request_headers(self, body: &str) -> Self {
        self.on(
            "proxy_on_request_headers",
            "(param $context i32) (param $count i32) (param $end i32) (result i32)",
            body,
        )
    }

    pub fn request_body(self, body: &str) -> Self {
        self.on("proxy_on_request_body", "(param $context i32) (param $size i32) (param $end i32) (result i32)", body)
    }

    pub fn response_headers(self, body: &str) -> Self {
        self.on(
            "proxy_on_response_headers",
            "(param $context i32) (param $count i32) (param $end i32) (result i32)",
            body,
        )
    }

    pub fn response_body(self, body: &str) -> Self {
        self.on("proxy_on_response_body", "(param $context i32) (param $size i32) (param $end i32) (result i32)", body)
    }

    /// Once, when the VM starts.
    pub fn start(self, body: &str) -> Self {
        self.on("proxy_on_configure", "(param $context i32) (param $size i32) (result i32)", body)
    }

    /// In the name of the first stream: the plugin's context hears of it.
    pub fn call_response(self, body: &str) -> Self {
        let signature =
            "(param $context i32) (param $token i32) (param $headers i32) (param $size i32) (param $trailers i32)";
        self.on("proxy_on_http_call_response", signature, &format!("{FIRST} {body}"))
    }

    pub fn plain(mut self, code: &str) -> Self {
        let code = self.place(code);
        self.functions.push_str(&code);
        self
    }

    pub fn malloc(mut self, code: &str) -> Self {
        self.malloc = Some(code.to_owned());
        self
    }

    pub fn version(mut self, marker: &'static str) -> Self {
        self.version = Some(marker);
        self
    }

    /// Puts each `«text»` into memory.
    fn place(&mut self, code: &str) -> String {
        let mut out = String::new();
        let mut rest = code;
        while let Some((before, after)) = rest.split_once('«') {
            let (text, after) = after.split_once('»').unwrap();
            let text = text.replace("\\0", "\0");
            write!(out, "{before}(i32.const {}) (i32.const {})", TEXTS_AT + self.texts.len(), text.len()).unwrap();
            self.texts.extend_from_slice(text.as_bytes());
            rest = after;
        }
        out + rest
    }

    pub fn build(&self) -> Vec<u8> {
        let texts: String = self.texts.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let version = self.version.unwrap_or("proxy_abi_version_0_2_1");
        let malloc = self.malloc.as_deref().unwrap_or(MALLOC);
        let text = format!(
            "(module {PRELUDE} {malloc} (func (export \"{version}\")) (data (i32.const {TEXTS_AT}) \"{texts}\") {})",
            self.functions
        );
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }
}

/// The wire form of a map as text for `«»`.
pub fn pairs(pairs: &[(&str, &str)]) -> String {
    let mut out = (pairs.len() as u32).to_le_bytes().to_vec();
    for (name, value) in pairs {
        out.extend_from_slice(&(name.len() as u32).to_le_bytes());
        out.extend_from_slice(&(value.len() as u32).to_le_bytes());
    }
    for (name, value) in pairs {
        out.extend_from_slice(format!("{name}\0{value}\0").as_bytes());
    }
    String::from_utf8(out).unwrap()
}
