//! A handler on the public SDK, as a plugin's author would write it. The path chooses what it does:
//!
//! * `/teapot` is answered by itself;
//! * `/rewrite` goes on as POST to `/rewritten?from=rust`, with a header added, one set and one removed;
//! * `/echo` is answered with the request's body in upper case;
//! * `/upper` goes on with its body in upper case, and so comes the answer's;
//! * `/trap` traps;
//! * with a number for its configuration, it says that on both heads, as `x-policy`;
//! * anything else goes on with what was seen of it in `x-seen`, and the answer says `x-took: CONTEXT`.

use http_wasm_guest::host::{Request, Response, admin, feature};
use http_wasm_guest::{Guest, register};

struct Plugin {
    config: String,
}

impl Guest for Plugin {
    fn handle_request(&self, request: &Request, response: &Response) -> (bool, i32) {
        let uri = text(&request.uri());
        let path = uri.split('?').next().unwrap_or_default();
        if self.is_mark() {
            request.header.set(b"x-policy", self.config.as_bytes());
            return (true, MARKED);
        }
        match path {
            "/teapot" => teapot(response, &self.config),
            "/rewrite" => rewrite(request),
            "/echo" => {
                response.body.write(&request.body.read().to_ascii_uppercase());
                (false, 0)
            }
            "/upper" => {
                admin::enable(feature::BufferResponse);
                let body = request.body.read();
                request.body.write(&body.to_ascii_uppercase());
                (true, UPPER)
            }
            "/trap" => std::process::abort(),
            _ => see(request),
        }
    }

    fn handle_response(&self, context: i32, _request: &Request, response: &Response, is_error: bool) {
        if is_error {
            admin_log("no answer came");
        } else if context == MARKED {
            response.header.set(b"x-policy", self.config.as_bytes());
        } else if context == UPPER {
            response.set_status(203);
            let body = response.body.read();
            response.body.write(&body.to_ascii_uppercase());
        } else {
            response.header.set(b"x-took", context.to_string().as_bytes());
        }
    }
}

impl Plugin {
    fn is_mark(&self) -> bool {
        !self.config.is_empty() && self.config.bytes().all(|byte| byte.is_ascii_digit())
    }
}

const MARKED: i32 = -2;
/// The context of `/upper`.
const UPPER: i32 = -1;

fn teapot(response: &Response, config: &str) -> (bool, i32) {
    response.set_status(418);
    response.header.set(b"content-type", b"text/plain");
    response.body.write(b"short and ");
    response.body.write(config.as_bytes());
    (false, 0)
}

fn rewrite(request: &Request) -> (bool, i32) {
    request.set_method(b"POST");
    request.set_uri(b"/rewritten?from=rust");
    request.header.add(b"x-many", b"three");
    request.header.set(b"x-one", b"new");
    request.header.remove(b"x-secret");
    (true, 1)
}

fn see(request: &Request) -> (bool, i32) {
    let many: Vec<String> = request.header.values(b"X-Many").iter().map(|value| text(value)).collect();
    let names = request.header.names().iter().any(|name| &name[..] == b"host");
    let address = text(&request.source_addr());
    let peer = address.rsplit_once(':').map_or("", |(host, _)| host);
    let (method, version) = (text(&request.method()), text(&request.version()));
    let seen = format!("{method} {} {version} {peer} {} {names}", text(&request.uri()), many.join("|"));
    request.header.set(b"x-seen", seen.as_bytes());
    (true, 7)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn admin_log(line: &str) {
    log::warn!("{line}");
}

/// The host calls this when the instance starts, before any request.
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    let _ = http_wasm_guest::HostLogger::init();
    register(Plugin { config: text(&admin::config()) });
}
