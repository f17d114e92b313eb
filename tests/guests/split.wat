;;! world pure
;; Sets a header whose value ends the head and begins another response.
(module
  ;;! prelude
  (data (i32.const 2048) "x-note")
  (data (i32.const 2100) "a\0d\0aset-cookie: owned=1")
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (call $with_set (i32.const 2048) (i32.const 6) (i32.const 2100) (i32.const 24)))
)
