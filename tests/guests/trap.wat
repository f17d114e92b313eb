;;! world pure
;; Reaches what cannot be reached.
(module
  ;;! prelude
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (unreachable))
)
