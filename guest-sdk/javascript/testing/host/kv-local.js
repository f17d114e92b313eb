// The double of `kv-local`. Its errors have the shape that the component's runtime gives them.

import { expiry, live, mark, world } from "../world.js";

const VALUE_BYTES_MAX = 64 << 10;

function refuse(tag) {
  throw Object.assign(new Error(tag), { payload: { tag } });
}

function write(key, value, ttl) {
  if (key === "" || key.length > 256) refuse("invalid");
  if (value.length > VALUE_BYTES_MAX) refuse("too-large");
  const version = (live(world.kept, key)?.version ?? 0) + 1;
  world.kept.set(key, { value: value.slice(), version, expires: expiry(ttl) });
  return version;
}

export default {
  get(key) {
    mark("kv-local");
    const entry = live(world.kept, key);
    return entry ? [entry.value, entry.version] : null;
  },
  set(key, value, ttl) {
    mark("kv-local");
    return write(key, value, ttl);
  },
  compareAndSet(key, version, value, ttl) {
    mark("kv-local");
    return (live(world.kept, key)?.version ?? 0) === version ? write(key, value, ttl) : refuse("conflict");
  },
  delete(key) {
    mark("kv-local");
    world.kept.delete(key);
  },
};
