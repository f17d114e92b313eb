;;! world pure
;; Divides by zero.
(module
  ;;! prelude
  (global $zero (mut i32) (i32.const 0))
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (drop (i32.div_u (i32.const 1) (global.get $zero)))
    (call $outcome))
)
