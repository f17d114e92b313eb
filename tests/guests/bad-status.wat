;;! world pure
;; Denies with a status that is no denial.
(module
  ;;! prelude
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (drop (call $outcome))
    (i32.store8 (i32.const 1024) (i32.const 4))
    (i32.store16 (i32.const 1028) (i32.const 100))
    (i32.const 1024))
)
