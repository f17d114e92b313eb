;;! world pure
;; Asks the host for the path again and again.
(module
  (import "cardea:policy/exchange@0.1.0" "path" (func $path (param i32)))
  ;;! prelude
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (loop $again
      (call $path (i32.const 1300))
      (global.set $top (i32.const 65536))
      (br $again))
    (unreachable))
)
