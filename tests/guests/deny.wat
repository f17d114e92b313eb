;;! world pure
;; Denies with 403 and a reason.
(module
  ;;! prelude
  (data (i32.const 2048) "not-today")
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (drop (call $outcome))
    (i32.store8 (i32.const 1024) (i32.const 4))
    (i32.store16 (i32.const 1028) (i32.const 403))
    (i32.store (i32.const 1032) (i32.const 2048))
    (i32.store (i32.const 1036) (i32.const 9))
    (i32.const 1024))
)
