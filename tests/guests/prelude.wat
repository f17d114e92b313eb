;; What every guest here has: a memory, an allocator that never frees (init and each call start it again), `init` that is
;; content, and an outcome at 1024 that says `next` and nothing else. A guest writes over the outcome and returns it.
;;
;; Layout of request-outcome (68 bytes): decision tag @0, payload @4; edits ptr @32 len @36; response-edits @40 @44;
;; follow @48; carry @52 @56; labels @60 @64. Decision tags: 0 next, 1 route, 2 redirect, 3 respond, 4 deny,
;; 5 want-body. An edit (20 bytes): tag @0, payload @4. A field: name ptr, len, value ptr, len.
(memory $memory (export "memory") 2)
(global $top (mut i32) (i32.const 65536))
(func $realloc (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
  (local $at i32)
  (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
  (global.set $top (i32.add (local.get $at) (local.get $size)))
  (local.get $at))
(func (export "cardea:policy/lifecycle@0.1.0#init") (param i32 i32) (result i32)
  (global.set $top (i32.const 65536))
  (i32.const 1008))
(func $outcome (result i32)
  (global.set $top (i32.const 65536))
  (memory.fill (i32.const 1024) (i32.const 0) (i32.const 68))
  (i32.const 1024))
;; The outcome with one `set` edit: its name and value lie at these places.
(func $with_set (param $name i32) (param $name_length i32) (param $value i32) (param $value_length i32) (result i32)
  (drop (call $outcome))
  (i32.store (i32.const 1056) (i32.const 1200))
  (i32.store (i32.const 1060) (i32.const 1))
  (i32.store8 (i32.const 1200) (i32.const 0))
  (i32.store (i32.const 1204) (local.get $name))
  (i32.store (i32.const 1208) (local.get $name_length))
  (i32.store (i32.const 1212) (local.get $value))
  (i32.store (i32.const 1216) (local.get $value_length))
  (i32.const 1024))
