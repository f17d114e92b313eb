import assert from "node:assert/strict";
import test from "node:test";

import { hash, Spread } from "../src/stable.js";
import { encode } from "../src/text.js";

test("the hash is that of every other SDK", () => {
  for (const [seed, key, expected] of [
    ["", "", 0xcfa3c5eb015b4663n],
    ["canary", "", 0xc1f8842ce7ef3db6n],
    ["canary", "a", 0xf209aa7026af6cd5n],
    ["canary", "203.0.113.7", 0xf4f8fc1df0a00b82n],
    ["shop-canary", "6f1c", 0xdda9cc8b45146f77n],
    ["canary", "é", 0x34480dd437f5b5een],
  ]) {
    assert.equal(hash(hash(0n, encode(seed)), encode(key)), expected, `${seed} ${key}`);
  }
  assert.equal(new Spread("canary").position("a"), 0.9454599880033904);
});
