// The time, coarse and frozen within one call. Needs the grant `clock`.

import { clockMonotonicUs, clockNowMs } from "./host";

/** Milliseconds since 1970-01-01T00:00:00Z. */
export function nowMs(): u64 {
  return clockNowMs();
}

/** Microseconds from an arbitrary start; never goes back. */
export function monotonicUs(): u64 {
  return clockMonotonicUs();
}
