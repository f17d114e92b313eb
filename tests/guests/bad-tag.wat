;;! world pure
;; Returns a decision that does not exist.
(module
  ;;! prelude
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (drop (call $outcome))
    (i32.store8 (i32.const 1024) (i32.const 77))
    (i32.const 1024))
)
