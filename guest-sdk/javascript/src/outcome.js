// What a phase decides: one value, built by chaining, applied by the host all or nothing.
//
// The objects have the very shape that the component hands to the host, so that nothing is converted on the way.

import { bytesOf, kind } from "./text.js";

const NOTHING = new Uint8Array(0);

function text(value, what) {
  if (typeof value !== "string") throw new TypeError(`${what}: expected a text, got ${kind(value)}`);
  return value.isWellFormed() ? value : value.toWellFormed();
}

function whole(value, max, what) {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new RangeError(`${what}: expected a whole number up to ${max}, got ${typeof value === "number" ? value : kind(value)}`);
  }
  return value;
}

const field = (name, value) => ({ name: text(name, "name of a header"), value: bytesOf(value) });
const set = (name, value) => ({ tag: "set", val: field(name, value) });
const append = (name, value) => ({ tag: "append", val: field(name, value) });
const remove = (name) => ({ tag: "remove", val: text(name, "name of a header") });
const pairs = (labels) => Object.entries(labels).map(([key, value]) => [text(key, "label"), text(value, `label ${key}`)]);

/** An answer made by the policy. */
export class Reply {
  constructor(status) {
    this.status = whole(status, 999, "status");
    this.headers = [];
    this.body = NOTHING;
  }

  header(name, value) {
    this.headers.push(field(name, value));
    return this;
  }

  withBody(body) {
    this.body = bytesOf(body);
    return this;
  }
}

/** What a request phase decides. */
export class Outcome {
  constructor(decision) {
    this.decision = decision;
    this.edits = [];
    this.responseEdits = [];
    this.follow = { response: false, complete: false };
    this.carry = NOTHING;
    this.labels = [];
  }

  static next() {
    return new Outcome({ tag: "next" });
  }

  static to(backend) {
    return Outcome.next().route(backend);
  }

  static deny(status, reason) {
    const denial = { status: whole(status, 999, "status"), reason: text(reason, "reason"), headers: [], retryAfterMs: null };
    return new Outcome({ tag: "deny", val: denial });
  }

  static redirect(status, location) {
    return new Outcome({ tag: "redirect", val: { status: whole(status, 999, "status"), location: text(location, "location") } });
  }

  static respond(reply) {
    if (!(reply instanceof Reply)) throw new TypeError(`Outcome.respond: expected a Reply, got ${kind(reply)}`);
    return new Outcome({ tag: "respond", val: reply });
  }

  static wantBody(maxBytes, { denyOnOverflow = false } = {}) {
    const demand = { maxBytes: whole(maxBytes, 0x7fffffff, "maxBytes"), denyOnOverflow: denyOnOverflow === true };
    return new Outcome({ tag: "want-body", val: demand });
  }

  route(backend) {
    return this.#decide({ tag: "backend", val: text(backend, "backend") });
  }

  routeWeighted(backends) {
    const entries = Object.entries(backends);
    const weighted = entries.map(([backend, weight]) => ({ backend, weight: whole(weight, 0x7fffffff, `weight of ${backend}`) }));
    return this.#decide({ tag: "weighted", val: weighted });
  }

  routeSubset(labels) {
    return this.#decide({ tag: "subset", val: pairs(labels) });
  }

  #decide(target) {
    this.decision = { tag: "route", val: target };
    return this;
  }

  setHeader(name, value) {
    return this.#edit(set(name, value));
  }

  appendHeader(name, value) {
    return this.#edit(append(name, value));
  }

  removeHeader(name) {
    return this.#edit(remove(name));
  }

  setPath(path) {
    return this.#edit({ tag: "set-path", val: text(path, "path") });
  }

  setQuery(query) {
    return this.#edit({ tag: "set-query", val: query === undefined || query === null ? null : text(query, "query") });
  }

  setAuthority(authority) {
    return this.#edit({ tag: "set-authority", val: text(authority, "authority") });
  }

  #edit(edit) {
    this.edits.push(edit);
    return this;
  }

  setResponseHeader(name, value) {
    this.responseEdits.push(set(name, value));
    return this;
  }

  appendResponseHeader(name, value) {
    this.responseEdits.push(append(name, value));
    return this;
  }

  removeResponseHeader(name) {
    this.responseEdits.push(remove(name));
    return this;
  }

  withHeader(name, value) {
    if (this.decision.tag === "deny" || this.decision.tag === "respond") this.decision.val.headers.push(field(name, value));
    return this;
  }

  retryAfter(milliseconds) {
    if (this.decision.tag === "deny") this.decision.val.retryAfterMs = whole(milliseconds, 0x7fffffff, "retryAfter");
    return this;
  }

  followResponse() {
    this.follow.response = true;
    return this;
  }

  followComplete() {
    this.follow.complete = true;
    return this;
  }

  withCarry(carry) {
    this.carry = bytesOf(carry);
    return this;
  }

  label(key, value) {
    this.labels.push([text(key, "label"), text(value, `label ${key}`)]);
    return this;
  }
}

/** What the response phase decides. */
export class ResponseOutcome {
  constructor(replace) {
    this.replace = replace;
    this.edits = [];
    this.carry = NOTHING;
  }

  static keep() {
    return new ResponseOutcome(null);
  }

  static replace(reply) {
    if (!(reply instanceof Reply)) throw new TypeError(`ResponseOutcome.replace: expected a Reply, got ${kind(reply)}`);
    return new ResponseOutcome(reply);
  }

  setHeader(name, value) {
    this.edits.push(set(name, value));
    return this;
  }

  appendHeader(name, value) {
    this.edits.push(append(name, value));
    return this;
  }

  removeHeader(name) {
    this.edits.push(remove(name));
    return this;
  }

  withCarry(carry) {
    this.carry = bytesOf(carry);
    return this;
  }
}
