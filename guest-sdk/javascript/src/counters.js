// Atomic counters and token buckets of this ingress process; they survive a swap of the module. Needs the grant `counters`.

import host from "#host/counters";

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** Adds, and returns the new value: exact up to 2^53. `ttl` in milliseconds from when the counter is made; 0: for ever. */
export const add = (key, delta = 1, ttl = 0) => host.add(key, delta, ttl);

export const get = (key) => host.get(key);

/** Takes `cost` of a bucket that holds `limit` and refills within `window` milliseconds. */
export const take = (key, { cost = 1, limit, window }) => host.take(key, cost, limit, window);

/** `add` for numbers of any size. Over 2^53 it takes several steps, between which others see another value. */
export function addBig(key, delta, ttl = 0) {
  const low = delta % SAFE;
  let value = host.add(key, Number(low), ttl);
  for (let rest = delta - low; rest !== 0n; ) {
    const step = rest > SAFE ? SAFE : rest < -SAFE ? -SAFE : rest;
    value = host.add(key, Number(step), ttl);
    rest -= step;
  }
  return exact(key, value, ttl);
}

/** `get` for numbers of any size, with the same reservation. */
export const getBig = (key) => exact(key, host.get(key), 0);

/** The runtime hands numbers over as doubles: what a double cannot hold is found by taking the double away for a moment. */
function exact(key, value, ttl) {
  if (Number.isSafeInteger(value)) return BigInt(value);
  const rest = host.add(key, -value, ttl);
  host.add(key, value, ttl);
  return BigInt(value) + BigInt(rest);
}
