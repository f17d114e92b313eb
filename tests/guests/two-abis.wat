;;! as it is
;; A handler of http-wasm that is marked as a plugin of proxy-wasm too.
(module
  (import "http_handler" "get_method" (func (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "handle_request") (result i64) i64.const 1)
  (func (export "handle_response") (param i32 i32))
  (func (export "proxy_abi_version_0_2_1")))
