// Time, coarse, and frozen within one call. Needs the grant `clock`.

import host from "#host/clock";

/** Milliseconds since 1970-01-01T00:00:00Z. */
export const nowMs = () => host.nowMs();

/** Microseconds from an arbitrary start. */
export const monotonicUs = () => host.monotonicUs();
