// A choice that every replica makes alike, and again after a restart: a hash of who asks.

import { bytesOf } from "./text.js";

/**
 * Where keys fall between 0 and 1. The hash is FNV-1a of 64 bits with the mixer of SplitMix64 at its end, over the seed
 * and from there over the key. It is the same in every language of the SDK and never changes. It is no secret.
 */
export class Spread {
  #seed;

  constructor(seed) {
    this.#seed = hash(0n, bytesOf(seed));
  }

  position(key) {
    return Number(hash(this.#seed, bytesOf(key)) >> 11n) / 2 ** 53;
  }
}

/** In halves of 32 bits, which a double multiplies exactly; only the mixer needs whole numbers of 64. */
export function hash(seed, bytes) {
  const start = seed ^ 0xcbf29ce484222325n;
  let high = Number(start >> 32n);
  let low = Number(start & 0xffffffffn);
  for (const byte of bytes) {
    const mixed = (low ^ byte) >>> 0;
    const product = mixed * 0x1b3;
    high = (high * 0x1b3 + Math.floor(product / 2 ** 32) + ((mixed << 8) >>> 0)) >>> 0;
    low = product >>> 0;
  }
  return mix((BigInt(high) << 32n) | BigInt(low));
}

function mix(z) {
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}
