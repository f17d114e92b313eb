;;! world pure
;; Never comes back.
(module
  ;;! prelude
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (loop $forever (br $forever))
    (unreachable))
)
