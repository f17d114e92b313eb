// Chance. Needs the grant `random`.
//
// The runtime hands 64-bit numbers over as doubles, so all of these are made of bytes: no bit is lost.

import host from "#host/random";

/** A whole number below 2^64. */
export function nextU64() {
  const view = draw();
  return view.getBigUint64(0, true);
}

/** At least 0, below 1. */
export function fraction() {
  const view = draw();
  return (view.getUint32(4, true) * 2 ** 21 + (view.getUint32(0, true) >>> 11)) / 2 ** 53;
}

/** At most 256 bytes. */
export const bytes = (length) => host.bytes(length);

function draw() {
  const drawn = host.bytes(8);
  return new DataView(drawn.buffer, drawn.byteOffset, 8);
}
