//! What `policies/reference` decides, for hosts of the http-wasm handler ABI: `x-canary: 1` is marked `x-backend: canary`, since
//! a handler cannot choose a backend; `/admin` without authorization is answered 401; all else is marked `x-policy: http-wasm`.

use http_wasm_guest::host::{Request, Response};
use http_wasm_guest::{Guest, register};

struct Reference;

impl Guest for Reference {
    fn handle_request(&self, request: &Request, response: &Response) -> (bool, i32) {
        if request.header.get(b"x-canary").is_some_and(|value| &value[..] == b"1") {
            request.header.set(b"x-backend", b"canary");
            return (true, 0);
        }
        if is_guarded(&request.uri()) && request.header.get(b"authorization").is_none() {
            response.set_status(401);
            return (false, 0);
        }
        request.header.set(b"x-policy", b"http-wasm");
        (true, 0)
    }
}

fn is_guarded(uri: &[u8]) -> bool {
    let rest = uri.strip_prefix(b"/admin");
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'/' | b'?')))
}

#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    register(Reference);
}
