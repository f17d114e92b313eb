;;! world pure
;; Asks for 4 GiB of body.
(module
  ;;! prelude
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (drop (call $outcome))
    (i32.store8 (i32.const 1024) (i32.const 5))
    (i32.store (i32.const 1028) (i32.const 0xffffffff))
    (i32.const 1024))
)
