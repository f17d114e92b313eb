;;! world pure
;; Sets a header of 60,000 bytes.
(module
  ;;! prelude
  (data (i32.const 2048) "x-large")
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (memory.fill (i32.const 4096) (i32.const 97) (i32.const 60000))
    (call $with_set (i32.const 2048) (i32.const 7) (i32.const 4096) (i32.const 60000)))
)
