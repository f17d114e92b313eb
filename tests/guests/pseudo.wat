;;! world pure
;; Sets a pseudo-field.
(module
  ;;! prelude
  (data (i32.const 2048) ":path/admin")
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (call $with_set (i32.const 2048) (i32.const 5) (i32.const 2053) (i32.const 6)))
)
