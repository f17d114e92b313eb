;;! world pure
;; Answers itself with a header whose value begins another response.
(module
  ;;! prelude
  (data (i32.const 2048) "location")
  (data (i32.const 2100) "/\0d\0a\0d\0aHTTP/1.1 200 OK\0d\0acontent-length: 0\0d\0a\0d\0a")
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (drop (call $outcome))
    (i32.store8 (i32.const 1024) (i32.const 3))
    (i32.store16 (i32.const 1028) (i32.const 302))
    (i32.store (i32.const 1032) (i32.const 1200))
    (i32.store (i32.const 1036) (i32.const 1))
    (i32.store (i32.const 1200) (i32.const 2048))
    (i32.store (i32.const 1204) (i32.const 8))
    (i32.store (i32.const 1208) (i32.const 2100))
    (i32.store (i32.const 1212) (i32.const 43))
    (i32.const 1024))
)
