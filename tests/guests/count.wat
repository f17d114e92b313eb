;;! world router
;; Counts its calls in the counter `calls`, and sets x-count to the last digit.
(module
  (import "cardea:policy/counters@0.1.0" "add" (func $add (param i32 i32 i64 i32) (result i64)))
  ;;! prelude
  (data (i32.const 2048) "callsx-count0")
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (local $count i64)
    (local.set $count (call $add (i32.const 2048) (i32.const 5) (i64.const 1) (i32.const 0)))
    (i32.store8 (i32.const 2060) (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $count) (i64.const 10)))))
    (call $with_set (i32.const 2053) (i32.const 7) (i32.const 2060) (i32.const 1)))
)
