;;! world pure
;; Returns an outcome whose edits are said to be a hundred million.
(module
  ;;! prelude
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (drop (call $outcome))
    (i32.store (i32.const 1056) (i32.const 65536))
    (i32.store (i32.const 1060) (i32.const 100000000))
    (i32.const 1024))
)
