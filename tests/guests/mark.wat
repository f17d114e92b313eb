;;! world pure
;; Sets x-policy, as anybody may.
(module
  ;;! prelude
  (data (i32.const 2048) "x-policymark")
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (call $with_set (i32.const 2048) (i32.const 8) (i32.const 2056) (i32.const 4)))
)
