;;! world pure
;; Calls itself until the stack is gone.
(module
  ;;! prelude
  (func $deeper (param i64) (result i64)
    (i64.add (call $deeper (i64.add (local.get 0) (i64.const 1))) (i64.const 1)))
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (drop (call $deeper (i64.const 0)))
    (call $outcome))
)
