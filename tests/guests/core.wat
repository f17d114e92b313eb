;;! as it is
;; A core module that follows no convention of ours or of other proxies.
(module (memory (export "memory") 1) (func (export "main")))
