// Values of this ingress process, shared by all workers, by policy; they survive a swap of the module. Needs the grant
// `kv-local`.

import host from "#host/kv-local";
import { bytesOf, decode } from "./text.js";

/** Why a value was not kept: `denied`, `quota`, `too-large`, `invalid` or `conflict`. */
export class KvError extends Error {
  constructor(code) {
    super(`the value was not kept: ${code}`);
    this.name = "KvError";
    this.code = code;
  }
}

class Entry {
  constructor(value, version) {
    this.value = value;
    this.version = version;
  }

  get text() {
    return decode(this.value);
  }
}

export function get(key) {
  const found = host.get(key);
  return found ? new Entry(found[0], found[1]) : undefined;
}

/** Returns the new version. `ttl` in milliseconds; 0: until evicted. */
export const set = (key, value, ttl = 0) => kept(() => host.set(key, bytesOf(value), ttl));

/** Writes if the version is still this one; version 0: only if absent. */
export const compareAndSet = (key, version, value, ttl = 0) =>
  kept(() => host.compareAndSet(key, Number(version), bytesOf(value), ttl));

export const remove = (key) => host.delete(key);

function kept(write) {
  try {
    return write();
  } catch (error) {
    // The runtime throws the error of the interface as the payload of one of its own.
    const code = error?.payload?.tag;
    throw code === undefined ? error : new KvError(code);
  }
}
