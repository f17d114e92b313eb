// The double of `exchange`.

import { ask, world } from "../world.js";

const named = (headers, name) => headers.filter((header) => header.name === name.toLowerCase()).map((header) => header.value);

/** Percent-decoded, with `+` for a space; undefined where it is no UTF-8. */
function decoded(text) {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

function parameter(query, name) {
  const pairs = (query ?? "").split("&").map((pair) => [pair.split("=", 1)[0], pair.slice(pair.indexOf("=") + 1 || pair.length)]);
  const found = pairs.find(([key]) => decoded(key) === name);
  return found ? (decoded(found[1]) ?? null) : null;
}

function cookie(headers, name) {
  const lines = named(headers, "cookie").map((value) => Buffer.from(value).toString("latin1"));
  const pairs = lines.flatMap((line) => line.split(";")).map((pair) => [pair.split("=", 1)[0].trim(), pair.slice(pair.indexOf("=") + 1).trim(), pair.includes("=")]);
  const found = pairs.find(([key, , isPair]) => isPair && key === name);
  return found ? Uint8Array.from(Buffer.from(found[1], "latin1")) : null;
}

export default {
  method: () => ask("method", (exchange) => exchange.method),
  scheme: () => ask("scheme", (exchange) => exchange.scheme),
  authority: () => ask("authority", (exchange) => exchange.authority),
  path: () => ask("path", (exchange) => exchange.path),
  rawPath: () => ask("raw-path", (exchange) => exchange.path),
  query: () => ask("query", (exchange) => exchange.query ?? null),
  queryParam: (name) => ask(`query-param:${name}`, (exchange) => parameter(exchange.query, name)),
  client: () => ask("client", (exchange) => exchange.client),
  header: (name) => ask(`header:${name.toLowerCase()}`, (exchange) => named(exchange.headers, name)[0] ?? null),
  headerValues: (name) => ask(`header:${name.toLowerCase()}`, (exchange) => named(exchange.headers, name)),
  headerNames: () => ask("header-names", (exchange) => [...new Set(exchange.headers.map((header) => header.name))]),
  headers: () => ask("headers", (exchange) => exchange.headers.map((header) => ({ ...header }))),
  cookie: (name) => ask(`cookie:${name}`, (exchange) => cookie(exchange.headers, name)),
  attribute: (name) => ask(`attribute:${name}`, (exchange) => exchange.attributes[name] ?? null),
  responseStatus: () => ask("response-status", (exchange) => exchange.response.status),
  responseHeader: (name) => ask(`response-header:${name.toLowerCase()}`, (exchange) => named(exchange.response.headers, name)[0] ?? null),
  responseHeaders: () => ask("response-headers", (exchange) => exchange.response.headers.map((header) => ({ ...header }))),
  setNote: (key, value) => void world.exchange.notes.set(key, value.slice()),
  note: (key) => ask(`note:${key}`, (exchange) => exchange.notes.get(key) ?? null),
};
