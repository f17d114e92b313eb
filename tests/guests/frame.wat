;;! world pure
;; Sets transfer-encoding, which is the host's.
(module
  ;;! prelude
  (data (i32.const 2048) "transfer-encodingchunked")
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (call $with_set (i32.const 2048) (i32.const 17) (i32.const 2065) (i32.const 7)))
)
