//! The interfaces of `wit/`, answered from this thread's world. Same names and signatures as the generated bindings.

pub mod types {
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Field {
        pub name: String,
        pub value: Vec<u8>,
    }

    /// The double itself gives `Conflict` alone.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Error {
        Denied,
        Quota,
        TooLarge,
        Invalid,
        Conflict,
    }
}

pub mod exchange {
    use super::types::Field;
    use crate::exchange::Header;
    use crate::testing::world::{ask, with};

    fn fields(headers: &[Header]) -> Vec<Field> {
        headers.iter().map(|header| Field { name: header.name.clone(), value: header.value.0.clone() }).collect()
    }

    fn values(headers: &[Header], name: &str) -> Vec<Vec<u8>> {
        let of_name = headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        of_name.map(|header| header.value.0.clone()).collect()
    }

    pub fn method() -> String {
        ask("method", |exchange| exchange.method.clone())
    }

    pub fn scheme() -> String {
        ask("scheme", |exchange| exchange.scheme.clone())
    }

    pub fn authority() -> String {
        ask("authority", |exchange| exchange.authority.clone())
    }

    pub fn path() -> String {
        ask("path", |exchange| exchange.path.clone())
    }

    pub fn query() -> Option<String> {
        ask("query", |exchange| exchange.query.clone())
    }

    pub fn query_param(name: &str) -> Option<String> {
        ask(&format!("query-param:{name}"), |exchange| {
            let pairs = exchange.query.as_deref().unwrap_or_default().split('&');
            let mut pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
            pairs.find(|(key, _)| decode(key).as_deref() == Some(name)).and_then(|(_, value)| decode(value))
        })
    }

    /// Percent-decoded, with `+` for a space, as a form writes it.
    fn decode(text: &str) -> Option<String> {
        let mut bytes = text.bytes();
        let mut decoded = Vec::new();
        while let Some(byte) = bytes.next() {
            match byte {
                b'+' => decoded.push(b' '),
                b'%' => {
                    let digits = [bytes.next()?, bytes.next()?];
                    decoded.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
                }
                other => decoded.push(other),
            }
        }
        String::from_utf8(decoded).ok()
    }

    pub fn raw_path() -> String {
        ask("raw-path", |exchange| exchange.path.clone())
    }

    pub fn client() -> String {
        ask("client", |exchange| exchange.client.clone())
    }

    pub fn header(name: &str) -> Option<Vec<u8>> {
        ask(&format!("header:{name}"), |exchange| values(&exchange.headers, name).into_iter().next())
    }

    pub fn header_values(name: &str) -> Vec<Vec<u8>> {
        ask(&format!("header:{name}"), |exchange| values(&exchange.headers, name))
    }

    pub fn header_names() -> Vec<String> {
        ask("header-names", |exchange| {
            let mut names: Vec<String> = exchange.headers.iter().map(|header| header.name.clone()).collect();
            names.sort();
            names.dedup();
            names
        })
    }

    pub fn headers() -> Vec<Field> {
        ask("headers", |exchange| fields(&exchange.headers))
    }

    pub fn cookie(name: &str) -> Option<Vec<u8>> {
        ask(&format!("cookie:{name}"), |exchange| {
            let cookies = values(&exchange.headers, "cookie");
            let mut pairs = cookies.iter().flat_map(|line| line.split(|byte| *byte == b';')).filter_map(|pair| {
                let at = pair.iter().position(|byte| *byte == b'=')?;
                Some((pair.get(..at)?.trim_ascii(), pair.get(at + 1..)?.trim_ascii()))
            });
            pairs.find(|(key, _)| *key == name.as_bytes()).map(|(_, value)| value.to_vec())
        })
    }

    pub fn response_status() -> u16 {
        ask("response-status", |exchange| exchange.status)
    }

    pub fn response_header(name: &str) -> Option<Vec<u8>> {
        ask(&format!("response-header:{name}"), |exchange| values(&exchange.response_headers, name).into_iter().next())
    }

    pub fn response_headers() -> Vec<Field> {
        ask("response-headers", |exchange| fields(&exchange.response_headers))
    }

    pub fn attribute(name: &str) -> Option<String> {
        ask(&format!("attribute:{name}"), |exchange| {
            exchange.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
        })
    }

    pub fn set_note(key: &str, value: &[u8]) {
        with(|world| {
            world.notes.retain(|(known, _)| known != key);
            world.notes.push((key.to_string(), value.to_vec()));
        });
    }

    pub fn note(key: &str) -> Option<Vec<u8>> {
        with(|world| world.notes.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone()))
    }
}

pub mod log {
    use crate::testing::world::with;

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Level {
        Trace,
        Debug,
        Info,
        Warn,
        Error,
    }

    pub fn enabled(_: Level) -> bool {
        true
    }

    pub fn log(level: Level, message: &str) {
        with(|world| world.log.push(format!("{}: {message}", format!("{level:?}").to_lowercase())));
    }
}

pub mod metrics {
    use crate::testing::world::with;

    pub fn counter(name: &str) -> u32 {
        with(|world| match world.metrics.iter().position(|(known, _)| known == name) {
            Some(id) => id as u32,
            None => {
                world.metrics.push((name.to_string(), 0));
                world.metrics.len() as u32 - 1
            }
        })
    }

    pub fn gauge(name: &str) -> u32 {
        counter(name)
    }

    pub fn histogram(name: &str) -> u32 {
        counter(name)
    }

    pub fn add(id: u32, delta: i64) {
        with(|world| {
            if let Some((_, value)) = world.metrics.get_mut(id as usize) {
                *value += delta;
            }
        });
    }

    pub fn set(id: u32, to: i64) {
        with(|world| {
            if let Some((_, value)) = world.metrics.get_mut(id as usize) {
                *value = to;
            }
        });
    }

    pub fn observe(id: u32, value: u64) {
        add(id, value as i64);
    }
}

pub mod clock {
    use crate::testing::world::with;

    pub fn now_ms() -> u64 {
        with(|world| world.now_ms)
    }

    pub fn monotonic_us() -> u64 {
        with(|world| world.monotonic_us)
    }
}

pub mod random {
    use crate::testing::world::with;

    pub fn next_u64() -> u64 {
        with(|world| world.next_u64())
    }

    pub fn bytes(len: u32) -> Vec<u8> {
        (0..len.min(256)).map(|_| next_u64() as u8).collect()
    }
}

pub mod kv_local {
    use super::types::Error;
    use crate::testing::world::with;

    pub fn get(key: &str) -> Option<(Vec<u8>, u64)> {
        with(|world| world.get(key).map(|kept| (kept.value.clone(), kept.version)))
    }

    pub fn set(key: &str, value: &[u8], ttl_ms: u32) -> Result<u64, Error> {
        with(|world| Ok(world.set(key, value, ttl_ms)))
    }

    pub fn compare_and_set(key: &str, version: u64, value: &[u8], ttl_ms: u32) -> Result<u64, Error> {
        with(|world| {
            let current = world.get(key).map_or(0, |kept| kept.version);
            if current == version { Ok(world.set(key, value, ttl_ms)) } else { Err(Error::Conflict) }
        })
    }

    pub fn delete(key: &str) {
        with(|world| world.kept.remove(key));
    }
}

pub mod counters {
    use crate::testing::world::with;

    #[derive(Debug, Clone, Copy)]
    pub struct Bucket {
        pub allowed: bool,
        pub remaining: u32,
        pub retry_after_ms: u32,
    }

    pub fn add(key: &str, delta: i64, ttl_ms: u32) -> i64 {
        with(|world| world.add(key, delta, ttl_ms))
    }

    pub fn get(key: &str) -> i64 {
        with(|world| world.counter(key))
    }

    pub fn take(key: &str, cost: u32, limit: u32, window_ms: u32) -> Bucket {
        let (allowed, remaining, retry_after_ms) = with(|world| world.take(key, cost, limit, window_ms));
        Bucket { allowed, remaining, retry_after_ms }
    }
}
