// Reads `spec.config` by readers, one a type: each returns the value that it is given, or refuses it by the field's name.

import { IpRange } from "./net.js";
import { kind } from "./text.js";

/** What the operator reads: the field and what is wrong with it. */
export class ConfigError extends Error {
  constructor(path, problem) {
    super(`${path}: ${problem}`);
    this.name = "ConfigError";
  }
}

/** A reader of your own: `read(value, path)` returns the value, or throws a `ConfigError` for the path. */
export const reader = (read) => ({ read });

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function expect(isGood, value, path, wanted) {
  if (isGood) return value;
  throw new ConfigError(path, value === undefined ? `missing: give ${wanted}` : `expected ${wanted}, got ${told(value)}`);
}

const told = (value) => (typeof value === "string" || typeof value === "number" ? JSON.stringify(value) : kind(value));

export const text = () => reader((value, path) => expect(typeof value === "string" && value !== "", value, path, "a text that is not empty"));

/** A text that may be empty. */
export const anyText = () => reader((value, path) => expect(typeof value === "string", value, path, "a text"));

export const boolean = () => reader((value, path) => expect(typeof value === "boolean", value, path, "true or false"));

const within = (value, { min = -Infinity, max = Infinity }) => value >= min && value <= max;

const bounds = ({ min, max } = {}) =>
  min !== undefined && max !== undefined ? ` from ${min} to ${max}` : min !== undefined ? ` of at least ${min}` : max !== undefined ? ` of at most ${max}` : "";

export const integer = (range = {}) => reader((value, path) => expect(Number.isSafeInteger(value) && within(value, range), value, path, `a whole number${bounds(range)}`));

export const number = (range = {}) => reader((value, path) => expect(typeof value === "number" && within(value, range), value, path, `a number${bounds(range)}`));

export const choice = (...values) => reader((value, path) => expect(values.includes(value), value, path, `one of ${values.join(", ")}`));

/** Milliseconds of `250ms`, `30s`, `5m`, `1h` or `7d`. */
export const duration = () => reader((value, path) => {
  const [, digits, unit] = (typeof value === "string" && /^(\d{1,12})(ms|s|m|h|d)$/.exec(value)) || [];
  expect(unit !== undefined, value, path, "a length of time such as 250ms, 30s, 5m, 1h or 7d");
  return Number(digits) * UNITS[unit];
});

export const ipRange = () => reader((value, path) => {
  expect(typeof value === "string", value, path, "an address range such as 10.0.0.0/8");
  try {
    return new IpRange(value);
  } catch (error) {
    throw new ConfigError(path, error.message);
  }
});

export const list = (item) => reader((value, path) => {
  expect(Array.isArray(value), value, path, "a list");
  return value.map((each, at) => item.read(each, `${path}[${at}]`));
});

/** An object with any keys, whose values are all of one type. */
export const record = (item) => reader((value, path) => {
  expect(isObject(value), value, path, "an object");
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, item.read(each, `${path}.${key}`)]));
});

/** An object with these keys and no others. */
export const fields = (readers) => reader((value, path) => {
  // An absent config is one without fields, so that the first mandatory one is named.
  const given = value === null && path === "config" ? {} : value;
  expect(isObject(given), given, path, "an object");
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(readers, key)) throw new ConfigError(`${path}.${key}`, `no such field; there are ${Object.keys(readers).join(", ")}`);
  }
  return Object.fromEntries(Object.entries(readers).map(([key, each]) => [key, each.read(given[key], `${path}.${key}`)]));
});

/** What may be absent: then it is `fallback`. */
export const optional = (inner, fallback) => reader((value, path) => (value === undefined || value === null ? fallback : inner.read(value, path)));

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
