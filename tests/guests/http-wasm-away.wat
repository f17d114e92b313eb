;;! as it is
;; A handler of the http-wasm ABI. By its config: `ask` never comes back from handle_request, `answer` from handle_response;
;; `trap` traps in handle_response; `grow` takes memory until there is no more; anything else lets everything pass.
(module
  (import "http_handler" "get_config" (func $config (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $begins (param $letter i32) (param $second i32) (result i32)
    (i32.store (i32.const 0) (i32.const 0))
    (drop (call $config (i32.const 0) (i32.const 16)))
    (i32.and
      (i32.eq (i32.load8_u (i32.const 0)) (local.get $letter))
      (i32.eq (i32.load8_u (i32.const 1)) (local.get $second))))
  (func (export "handle_request") (result i64)
    (if (call $begins (i32.const 97) (i32.const 115)) (then (loop $ever (br $ever))))
    (if (call $begins (i32.const 103) (i32.const 114))
      (then (loop $more
        (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
        (br $more))))
    (i64.const 1))
  (func (export "handle_response") (param i32 i32)
    (if (call $begins (i32.const 97) (i32.const 110)) (then (loop $ever (br $ever))))
    (if (call $begins (i32.const 116) (i32.const 114)) (then unreachable))))
