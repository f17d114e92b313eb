;;! world pure
;; Returns an outcome that lies outside of its memory.
(module
  ;;! prelude
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (i32.const 0x7ffffff0))
)
