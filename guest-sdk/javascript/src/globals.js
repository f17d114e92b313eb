// Globals of browsers and node that the component's runtime lacks, for packages that expect them. The build takes each of
// them into a bundle only where it is named.

import * as clock from "./clock.js";
import * as log from "./log.js";
import * as random from "./random.js";
import { decode, decodeStrict, encode } from "./text.js";

export const console = { log: log.info, trace: log.trace, debug: log.debug, info: log.info, warn: log.warn, error: log.error };

export const cardeaNow = clock.nowMs;
export const cardeaRandom = random.fraction;

export class TextEncoder {
  encoding = "utf-8";

  encode(text = "") {
    return encode(String(text));
  }
}

export class TextDecoder {
  encoding = "utf-8";
  #fatal;

  constructor(label = "utf-8", { fatal = false } = {}) {
    if (!/^utf-?8$/i.test(label)) throw new RangeError(`TextDecoder: ${label} is not utf-8`);
    this.#fatal = fatal;
  }

  decode(bytes = new Uint8Array(0)) {
    const view = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes;
    const text = this.#fatal ? decodeStrict(view) : decode(view);
    if (text === undefined) throw new TypeError("TextDecoder: the bytes are not utf-8");
    return text;
  }
}
