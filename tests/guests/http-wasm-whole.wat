;;! as it is
;; A handler of the http-wasm ABI with every feature from its start, as the public kit's guest is: bodies of both sides are collected
;; before it is called. By the first letter of its config: `add` puts a trailer after both bodies; `fill` writes a request's body;
;; `boom` traps in handle_response; `read` reads all of the answer's body and puts its length modulo 10 into `x-last-digit`;
;; `mark` sets a field of the answer in handle_request; anything else lets everything pass.
(module
  (import "http_handler" "get_config" (func $config (param i32 i32) (result i32)))
  (import "http_handler" "enable_features" (func $enable (param i32) (result i32)))
  (import "http_handler" "set_header_value" (func $set (param i32 i32 i32 i32 i32)))
  (import "http_handler" "read_body" (func $read (param i32 i32 i32) (result i64)))
  (import "http_handler" "write_body" (func $write (param i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 100) "x-sum7x-last-digitfilled")
  (func (export "_initialize")
    (if (i32.ne (call $enable (i32.const 7)) (i32.const 7)) (then unreachable)))
  (func $is (param $letter i32) (result i32)
    (i32.store (i32.const 0) (i32.const 0))
    (drop (call $config (i32.const 0) (i32.const 16)))
    (i32.eq (i32.load8_u (i32.const 0)) (local.get $letter)))
  (func $add (param $kind i32)
    (call $set (local.get $kind) (i32.const 100) (i32.const 5) (i32.const 105) (i32.const 1)))
  (func $count
    (local $length i32) (local $read i64)
    (loop $more
      (local.set $read (call $read (i32.const 1) (i32.const 1024) (i32.const 4096)))
      (local.set $length (i32.add (local.get $length) (i32.wrap_i64 (local.get $read))))
      (br_if $more (i64.eqz (i64.shr_u (local.get $read) (i64.const 32)))))
    (i32.store8 (i32.const 200) (i32.add (i32.const 48) (i32.rem_u (local.get $length) (i32.const 10))))
    (call $set (i32.const 1) (i32.const 106) (i32.const 12) (i32.const 200) (i32.const 1)))
  (func (export "handle_request") (result i64)
    (if (call $is (i32.const 97)) (then (call $add (i32.const 2))))
    (if (call $is (i32.const 102)) (then (call $write (i32.const 0) (i32.const 118) (i32.const 6))))
    (if (call $is (i32.const 109)) (then (call $add (i32.const 1))))
    (i64.const 1))
  (func (export "handle_response") (param i32 i32)
    (if (call $is (i32.const 97)) (then (call $add (i32.const 3))))
    (if (call $is (i32.const 98)) (then unreachable))
    (if (call $is (i32.const 114)) (then (call $count)))))
