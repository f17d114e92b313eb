;;! world pure
;; Sets a path that climbs above the root.
(module
  ;;! prelude
  (data (i32.const 2048) "/../../etc/passwd")
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (drop (call $outcome))
    (i32.store (i32.const 1056) (i32.const 1200))
    (i32.store (i32.const 1060) (i32.const 1))
    (i32.store8 (i32.const 1200) (i32.const 3))
    (i32.store (i32.const 1204) (i32.const 2048))
    (i32.store (i32.const 1208) (i32.const 17))
    (i32.const 1024))
)
