;;! as it is
;; A plugin of a version of proxy-wasm that nobody has published.
(module
  (memory (export "memory") 1)
  (func (export "proxy_abi_version_0_9_0"))
  (func (export "proxy_on_context_create") (param i32 i32)))
