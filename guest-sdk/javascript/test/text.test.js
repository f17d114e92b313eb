import assert from "node:assert/strict";
import test from "node:test";

import { decode, decodeStrict, encode } from "../src/text.js";

test("text and bytes are what the Encoding Standard says", () => {
  let seed = 1;
  const next = (below) => (seed = (seed * 48271) % 0x7fffffff) % below;
  const leads = [0x41, 0x80, 0xbf, 0xc1, 0xc3, 0xe0, 0xe2, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0x9f, 0xa0];
  for (let round = 0; round < 5000; round++) {
    const bytes = Uint8Array.from({ length: next(7) }, () => (next(3) === 0 ? next(256) : leads[next(leads.length)]));
    assert.equal(decode(bytes), new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes), `${bytes}`);
  }
  for (const text of ["", "plain", "é€😀", "\ud800 half", "x".repeat(10_000) + "é"]) {
    assert.deepEqual(encode(text), new Uint8Array(new TextEncoder().encode(text)));
    assert.equal(decode(encode(text)), text.toWellFormed());
  }
  assert.equal(decodeStrict(Uint8Array.of(0xff)), undefined);
});
