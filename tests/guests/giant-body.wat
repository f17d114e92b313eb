;;! world pure
;; Answers with a body of 8 MiB, which it has the memory for.
(module
  ;;! prelude
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (drop (memory.grow (i32.const 140)))
    (drop (call $outcome))
    (i32.store8 (i32.const 1024) (i32.const 3))
    (i32.store16 (i32.const 1028) (i32.const 200))
    (i32.store (i32.const 1040) (i32.const 65536))
    (i32.store (i32.const 1044) (i32.const 8388608))
    (i32.const 1024))
)
