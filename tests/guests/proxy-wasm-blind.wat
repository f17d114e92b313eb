;;! as it is
;; A proxy-wasm plugin that imports a host call that only one fork has.
(module
  (import "env" "proxy_redis_init" (func (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 1024)))
