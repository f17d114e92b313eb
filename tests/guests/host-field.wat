;;! world pure
;; Sets host as if it were any header.
(module
  ;;! prelude
  (data (i32.const 2048) "hostother.test")
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (call $with_set (i32.const 2048) (i32.const 4) (i32.const 2052) (i32.const 10)))
)
