;;! as it is
;; Of the http-wasm ABI, but without handle_response.
(module
  (import "http_handler" "log_enabled" (func (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "handle_request") (result i64) (i64.const 1)))
