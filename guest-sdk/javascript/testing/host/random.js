// The double of `random`.

import { draw } from "../world.js";

function bytes(length) {
  const wanted = Math.min(length, 256);
  const drawn = new Uint8Array(Math.ceil(wanted / 8) * 8);
  const view = new DataView(drawn.buffer);
  for (let at = 0; at < wanted; at += 8) view.setBigUint64(at, draw(), true);
  return drawn.slice(0, wanted);
}

export default { nextU64: () => Number(draw()), bytes };
