;; What policies/reference decides, as the least proxy-wasm plugin that can: `x-canary: 1` goes to the backend `canary`; `/admin`
;; without authorization is answered 401; all else is marked `x-policy: cardea`.
(module
  (import "env" "proxy_get_header_map_value" (func $get (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_replace_header_map_value" (func $replace (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_send_local_response" (func $reply (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_call_foreign_function" (func $foreign (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "x-canary:pathauthorizationx-policycardeacardea_routecanary/admin")
  ;; Values go where nobody needs the last ones any more.
  (global $heap (mut i32) (i32.const 4096))
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param $size i32) (result i32)
    (global.get $heap)
    (global.set $heap (i32.add (global.get $heap) (local.get $size))))

  ;; A field of the request; its value is at the address at 16, its length at 20.
  (func $has (param $name i32) (param $length i32) (result i32)
    (i32.eqz (call $get (i32.const 0) (local.get $name) (local.get $length) (i32.const 16) (i32.const 20))))

  (func $is_canary (result i32)
    (if (i32.eqz (call $has (i32.const 64) (i32.const 8))) (then (return (i32.const 0))))
    (i32.and
      (i32.eq (i32.load (i32.const 20)) (i32.const 1))
      (i32.eq (i32.load8_u (i32.load (i32.const 16))) (i32.const 49))))

  (func $is_guarded (result i32)
    (local $at i32) (local $next i32)
    (if (i32.eqz (call $has (i32.const 72) (i32.const 5))) (then (return (i32.const 0))))
    (local.set $at (i32.load (i32.const 16)))
    (if (i32.lt_u (i32.load (i32.const 20)) (i32.const 6)) (then (return (i32.const 0))))
    (if (i32.ne (i32.load (local.get $at)) (i32.load (i32.const 122))) (then (return (i32.const 0))))
    (if (i32.ne (i32.load16_u offset=4 (local.get $at)) (i32.load16_u (i32.const 126))) (then (return (i32.const 0))))
    (if (i32.eq (i32.load (i32.const 20)) (i32.const 6)) (then (return (i32.const 1))))
    (local.set $next (i32.load8_u offset=6 (local.get $at)))
    (i32.or (i32.eq (local.get $next) (i32.const 47)) (i32.eq (local.get $next) (i32.const 63))))

  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (global.set $heap (i32.const 4096))
    (if (call $is_canary) (then
      (drop (call $foreign (i32.const 104) (i32.const 12) (i32.const 116) (i32.const 6) (i32.const 0) (i32.const 0)))
      (return (i32.const 0))))
    (if (call $is_guarded) (then
      (if (i32.eqz (call $has (i32.const 77) (i32.const 13))) (then
        (drop (call $reply
          (i32.const 401) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1)))
        (return (i32.const 1))))))
    (drop (call $replace (i32.const 0) (i32.const 90) (i32.const 8) (i32.const 98) (i32.const 6)))
    (i32.const 0)))
