;;! world pure
;; Traps while it is set up: it must never go live.
(module
  ;;! prelude
  (start $boom)
  (func $boom (unreachable))
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (call $outcome))
)
