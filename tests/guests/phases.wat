;;! world gateway
;; Takes part in every phase: wants at most 16 bytes of body, denies one that begins with `x` with 403, stamps the answer
;; with x-stamped, and counts the end of the exchange in the counter `ends`, which the next request shows as x-ends.
(module
  (import "cardea:policy/counters@0.1.0" "add" (func $add (param i32 i32 i64 i32) (result i64)))
  (import "cardea:policy/counters@0.1.0" "get" (func $get (param i32 i32) (result i64)))
  ;;! prelude
  (data (i32.const 2048) "x-stampedyesendsx-ends0why")
  ;; The edit `set x-ends: <digit>`, asks for both later phases, and wants the body.
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (i32.store8 (i32.const 2070)
      (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (call $get (i32.const 2060) (i32.const 4)) (i64.const 10)))))
    (drop (call $with_set (i32.const 2064) (i32.const 6) (i32.const 2070) (i32.const 1)))
    (i32.store8 (i32.const 1024) (i32.const 5))
    (i32.store (i32.const 1028) (i32.const 16))
    (i32.store8 (i32.const 1032) (i32.const 1))
    (i32.store8 (i32.const 1072) (i32.const 3))
    (i32.const 1024))
  (func (export "cardea:policy/on-request-body@0.1.0#handle")
    (param $body i32) (param $length i32) (param $complete i32) (param i32 i32) (result i32)
    (drop (call $outcome))
    (i32.store8 (i32.const 1072) (i32.const 3))
    (if (i32.and (i32.gt_u (local.get $length) (i32.const 0)) (i32.eq (i32.load8_u (local.get $body)) (i32.const 120)))
      (then
        (i32.store8 (i32.const 1024) (i32.const 4))
        (i32.store16 (i32.const 1028) (i32.const 403))
        (i32.store (i32.const 1032) (i32.const 2071))
        (i32.store (i32.const 1036) (i32.const 3))))
    (i32.const 1024))
  ;; response-outcome (40 bytes): replace @0, edits @24 @28, carry @32 @36.
  (func (export "cardea:policy/on-response@0.1.0#handle") (param i32 i32) (result i32)
    (drop (call $with_set (i32.const 2048) (i32.const 9) (i32.const 2057) (i32.const 3)))
    (memory.fill (i32.const 1024) (i32.const 0) (i32.const 68))
    (i32.store (i32.const 1048) (i32.const 1200))
    (i32.store (i32.const 1052) (i32.const 1))
    (i32.const 1024))
  (func (export "cardea:policy/on-complete@0.1.0#handle")
    (param i32 i64 i64 i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32)
    (drop (call $add (i32.const 2060) (i32.const 4) (i64.const 1) (i32.const 0))))
)
