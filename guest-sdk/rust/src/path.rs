//! Paths by whole elements, as Ingress matches them.

/// Whether `path` is `prefix` or lies below it: `/admin` and `/admin/` cover `/admin` and `/admin/x`, not `/administer`.
/// `/` covers everything.
pub fn under(path: &str, prefix: &str) -> bool {
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    match path.strip_prefix(prefix) {
        Some(rest) => rest.is_empty() || rest.starts_with('/'),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::under;

    #[test]
    fn a_prefix_covers_whole_elements() {
        for (path, prefix, covered) in [
            ("/admin", "/admin", true),
            ("/admin/", "/admin", true),
            ("/admin/x", "/admin/", true),
            ("/admin", "/admin/", true),
            ("/administer", "/admin", false),
            ("/", "/", true),
            ("/x", "/", true),
            ("/a", "/a/b", false),
        ] {
            assert_eq!(under(path, prefix), covered, "{path} under {prefix}");
        }
    }
}
