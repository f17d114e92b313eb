// Chance. Needs the grant `random`.

import { answer, bytesAt, mark, release } from "./abi";
import { randomBytes, randomNextU64 } from "./host";

export function nextU64(): u64 {
  return randomNextU64();
}

/** At least 0, below 1. */
export function fraction(): f64 {
  return <f64>(randomNextU64() >> 11) / <f64>(<u64>1 << 53);
}

/** At most 256. */
export function bytes(count: u32): Uint8Array {
  const before = mark();
  randomBytes(count, answer);
  const drawn = bytesAt(answer);
  release(before);
  return drawn;
}
