//! A module that is a file on a web server: its digest makes it what it should be, wherever it comes from.

/// Whether it can be fetched: http or https, a host, and no user or password, which would end in messages.
pub fn is_url(text: &str) -> bool {
    reqwest::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
    })
}
