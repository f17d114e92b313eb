/** Whether `path` is `prefix` or lies below it, by whole elements: `/admin` covers `/admin/x`, not `/administer`. */
export function under(path: string, prefix: string): bool {
  const bare = prefix.endsWith("/") ? prefix.substring(0, prefix.length - 1) : prefix;
  return path.startsWith(bare) && (path.length == bare.length || path.charCodeAt(bare.length) == 0x2f);
}
