// Paths by whole elements, as Ingress matches them.

/** Whether `path` is `prefix` or lies below it: `/admin` covers `/admin/x`, not `/administer`; `/` covers everything. */
export function pathUnder(path, prefix) {
  const bare = prefix.endsWith("/") ? prefix.slice(0, -1) : prefix;
  return path.startsWith(bare) && (path.length === bare.length || path[bare.length] === "/");
}
