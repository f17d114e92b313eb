;;! world pure
;; Has no opinion.
(module
  ;;! prelude
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (call $outcome))
)
