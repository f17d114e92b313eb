//! The reference policy by hand: `x-canary: 1` goes to the backend canary, /admin without authorization is answered 401,
//! all else gets `x-policy: reference`. The same decisions as `policies/reference`, without a language's runtime.

use super::guest::{Guest, words};

/// Outcomes lie ready in memory: next with an edit at 1024, route at 1152, deny at 1280.
pub fn guest() -> Guest {
    Guest::request(
        "(call $reset)
         (call $header (i32.const 4000) (i32.const 8) (i32.const 3000))
         (if (i32.and (i32.load8_u (i32.const 3000)) (i32.eq (i32.load (i32.const 3008)) (i32.const 1)))
           (then (if (i32.eq (i32.load8_u (i32.load (i32.const 3004))) (i32.const 49))
             (then (return (i32.const 1152))))))
         (call $path (i32.const 3000))
         (if (i32.ge_u (i32.load (i32.const 3004)) (i32.const 6))
           (then (if (i64.eq (i64.and (i64.load (i32.load (i32.const 3000))) (i64.const 0xffffffffffff))
                             (i64.const 0x6e696d64612f))
             (then
               (call $header (i32.const 4016) (i32.const 13) (i32.const 3000))
               (if (i32.eqz (i32.load8_u (i32.const 3000))) (then (return (i32.const 1280))))))))
         i32.const 1024",
    )
    .world("pure")
    .import("exchange", "header", "header", "(param i32 i32 i32)")
    .import("exchange", "path", "path", "(param i32)")
    .data(4000, "x-canary")
    .data(4016, "authorization")
    .data(4032, "x-policy")
    .data(4048, "reference")
    .data(4064, "canary")
    .data(4080, "no-authorization")
    // An edit: set x-policy: reference.
    .with(&words(3072, &[0, 4032, 8, 4048, 9]))
    .with(&words(1024 + 32, &[3072, 1]))
    // route(backend("canary")).
    .with(&words(1152, &[1, 0, 4064, 6]))
    // deny(401, "no-authorization").
    .with(&words(1280, &[4, 401, 4080, 16]))
}
