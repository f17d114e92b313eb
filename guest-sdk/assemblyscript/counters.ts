// Atomic counters and token buckets of this ingress process; they survive a swap of the module. Needs the grant `counters`.

import { answer, mark, ofText, release, textLength } from "./abi";
import { countersAdd, countersGet, countersTake } from "./host";

export class Bucket {
  constructor(public allowed: bool, public remaining: u32, public retryAfterMs: u32) {}
}

/** Returns the new value. The counter ends `ttlMs` after it was made; 0: never. */
export function add(key: string, delta: i64, ttlMs: u32): i64 {
  const before = mark();
  const sum = countersAdd(ofText(key), textLength, delta, ttlMs);
  release(before);
  return sum;
}

/** 0 for what was never counted. */
export function get(key: string): i64 {
  const before = mark();
  const value = countersGet(ofText(key), textLength);
  release(before);
  return value;
}

/** Takes `cost` of a bucket that holds `limit` and refills within `windowMs`. */
export function take(key: string, cost: u32, limit: u32, windowMs: u32): Bucket {
  const before = mark();
  countersTake(ofText(key), textLength, cost, limit, windowMs, answer);
  release(before);
  return new Bucket(load<u8>(answer) != 0, load<u32>(answer, 4), load<u32>(answer, 8));
}
