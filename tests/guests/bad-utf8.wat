;;! world pure
;; Sets a header whose name is not UTF-8.
(module
  ;;! prelude
  (data (i32.const 2048) "x-\ff\fe")
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (call $with_set (i32.const 2048) (i32.const 4) (i32.const 2048) (i32.const 1)))
)
