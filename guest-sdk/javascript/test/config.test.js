import assert from "node:assert/strict";
import test from "node:test";

import { config } from "../src/index.js";

const read = config.fields({
  backend: config.text(),
  mark: config.optional(config.anyText(), "cardea"),
  limit: config.optional(config.integer({ min: 1, max: 10 }), 3),
  window: config.optional(config.duration()),
  allow: config.optional(config.list(config.ipRange()), []),
  mode: config.optional(config.choice("soft", "hard"), "soft"),
  limits: config.optional(config.record(config.number({ min: 0 })), {}),
});

test("a config is read with its defaults", () => {
  const value = read.read({ backend: "b", window: "2m", allow: ["10.0.0.0/8"], limits: { a: 1.5 } }, "config");
  assert.deepEqual({ ...value, allow: value.allow.length }, { backend: "b", mark: "cardea", limit: 3, window: 120_000, allow: 1, mode: "soft", limits: { a: 1.5 } }, "config");
});

test("what is wrong is refused by its field", () => {
  for (const [given, message] of [
    [null, "config.backend: missing"],
    [[], "config: expected an object, got a list"],
    ["x", 'config: expected an object, got "x"'],
    [{ backend: "" }, 'config.backend: expected a text that is not empty, got ""'],
    [{ backend: "b", smörgås: 1 }, "config.smörgås: no such field"],
    [{ backend: "b", mark: 1 }, "config.mark: expected a text, got 1"],
    [{ backend: "b", limit: 2.5 }, "config.limit: expected a whole number from 1 to 10, got 2.5"],
    [{ backend: "b", limit: "3" }, "config.limit"],
    [{ backend: "b", window: "5" }, "config.window: expected a length of time"],
    [{ backend: "b", allow: ["10.0.0.1/8"] }, 'config.allow[0]: "10.0.0.1/8" has bits set below its mask'],
    [{ backend: "b", mode: "firm" }, "config.mode: expected one of soft, hard"],
    [{ backend: "b", limits: { a: -1 } }, "config.limits.a: expected a number of at least 0"],
    [{ backend: "b", __proto__x: 1 }, "config.__proto__x"],
    [{ backend: "b", toString: 1 }, "config.toString"],
  ]) {
    assert.throws(() => read.read(given, "config"), (error) => error.name === "ConfigError" && error.message.startsWith(message), JSON.stringify(given));
  }
});
