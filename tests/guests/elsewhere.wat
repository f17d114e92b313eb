;;! world pure
;; Routes to the backend `secret`.
(module
  ;;! prelude
  (data (i32.const 2048) "secret")
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (drop (call $outcome))
    (i32.store8 (i32.const 1024) (i32.const 1))
    (i32.store8 (i32.const 1028) (i32.const 0))
    (i32.store (i32.const 1032) (i32.const 2048))
    (i32.store (i32.const 1036) (i32.const 6))
    (i32.const 1024))
)
