"""Paths by whole elements, as Ingress matches them."""


def under(path: str, prefix: str) -> bool:
    """Whether `path` is `prefix` or lies below it: `/admin` covers `/admin/x`, not `/administer`; `/` covers everything."""
    bare = prefix.removesuffix("/")
    return path.startswith(bare) and (len(path) == len(bare) or path[len(bare)] == "/")
