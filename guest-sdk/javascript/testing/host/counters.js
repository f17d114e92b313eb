// The double of `counters`. It counts in whole numbers of 64 bits, and tells doubles, as the component's runtime does.

import { expiry, live, mark, world } from "../world.js";

export default {
  add(key, delta, ttl) {
    mark("counters");
    const entry = live(world.counted, key) ?? { value: 0n, expires: expiry(ttl) };
    entry.value += BigInt(delta);
    world.counted.set(key, entry);
    return Number(entry.value);
  },
  get(key) {
    mark("counters");
    return Number(live(world.counted, key)?.value ?? 0n);
  },
  /** The generic cell rate algorithm (ITU-T I.371), in microseconds. */
  take(key, cost, limit, window) {
    mark("counters");
    if (limit === 0 || window === 0) return { allowed: false, remaining: 0, retryAfterMs: window };
    const now = world.monotonicUs;
    const step = (window * 1000) / limit;
    const full = Math.max(world.buckets.get(key) ?? 0, now);
    const wait = full + cost * step - (now + window * 1000);
    const allowed = wait <= 0;
    const at = allowed ? full + cost * step : full;
    world.buckets.set(key, at);
    const remaining = Math.floor((now + window * 1000 - at) / step);
    return { allowed, remaining, retryAfterMs: allowed ? 0 : Math.ceil(wait / 1000) };
  },
};
