;;! world router
;; Imports the clock.
(module
  (import "cardea:policy/clock@0.1.0" "now-ms" (func $now (result i64)))
  ;;! prelude
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (drop (call $now))
    (call $outcome))
)
