// Choosing alike on every replica, without talking: by a hash of who asks.

import { encode } from "./bytes";

/**
 * Where keys fall between 0 and 1. The hash is FNV-1a of 64 bits with the mixer of SplitMix64 at its end: over the seed, then
 * from there over the key. It is the same in the SDKs of all languages and never changes, since a change would move visitors.
 * It is no secret: whoever chooses their key chooses their position.
 */
export class Spread {
  private seed: u64;

  /** Seeds that differ spread the same keys in ways that have nothing to do with each other. */
  constructor(seed: string) {
    this.seed = hash(0, encode(seed));
  }

  /** At least 0, below 1; the same for ever for one seed and key. */
  position(key: string): f64 {
    return <f64>(hash(this.seed, encode(key)) >> 11) / <f64>(<u64>1 << 53);
  }
}

export function hash(seed: u64, bytes: Uint8Array): u64 {
  let z: u64 = seed ^ 0xcbf29ce484222325;
  for (let i = 0; i < bytes.length; i++) z = (z ^ bytes[i]) * 0x100000001b3;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}
