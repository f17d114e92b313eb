;;! world pure
;; Sets x-forwarded-for, which needs a grant.
(module
  ;;! prelude
  (data (i32.const 2048) "x-forwarded-for10.9.8.7")
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (call $with_set (i32.const 2048) (i32.const 15) (i32.const 2063) (i32.const 8)))
)
