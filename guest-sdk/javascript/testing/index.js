// Runs a policy without an ingress: the same code, with doubles in place of the host.
//
// The doubles answer as the ingress does, but for limits and the validation of outcomes, which `cardea policy test`
// checks on the real engine. There is one world at a time; `start` begins a new one.

import { Instance, refusal } from "../src/run.js";
import { bytesOf } from "../src/text.js";
import { enter, reset, world } from "./world.js";

const SUMMARY = { status: 200, durationUs: 0, upstreamUs: 0, bytesIn: 0, bytesOut: 0, backend: undefined, retries: 0, error: undefined };

/** A request, and what the backend answered to it, as a policy sees it. */
function exchange({ method = "GET", path: target = "/", scheme = "https", authority = "shop.test", client = "192.0.2.1", headers = {}, attributes = {}, response = {} } = {}) {
  const at = target.indexOf("?");
  const [path, query] = at < 0 ? [target, undefined] : [target.slice(0, at), target.slice(at + 1)];
  const answer = { status: response.status ?? 0, headers: fields(response.headers ?? {}) };
  return { method, scheme, authority, path, query, client, headers: fields(headers), attributes, response: answer, notes: new Map() };
}

function fields(headers) {
  const values = (value) => (Array.isArray(value) ? value : [value]);
  return Object.entries(headers).flatMap(([name, value]) => values(value).map((each) => ({ name: name.toLowerCase(), value: bytesOf(each) })));
}

/** A policy that has started. */
export class Running {
  #instance;

  constructor(policy, config) {
    try {
      // As the host hands it over: what JSON cannot say is not there.
      this.#instance = new Instance(policy, JSON.parse(JSON.stringify(config ?? null)));
    } catch (error) {
      throw new Error(refusal(error), { cause: error });
    }
  }

  request(send) {
    enter(exchange(send));
    return this.#instance.request();
  }

  requestBody(send, body, { complete = true, carry = "" } = {}) {
    enter(exchange(send));
    return this.#instance.requestBody(bytesOf(body), complete, bytesOf(carry));
  }

  response(send, carry = "") {
    enter(exchange(send));
    return this.#instance.response(bytesOf(carry));
  }

  complete(send, summary = {}, carry = "") {
    enter(exchange(send));
    this.#instance.complete({ ...SUMMARY, ...summary }, bytesOf(carry));
  }
}

/** Starts a policy in a new world. Throws what the operator would read, if the policy refuses its config. */
export function start(policy, config) {
  reset();
  return new Running(policy, config);
}

/** Starts one more instance in the same world, as the ingress does: only kept state is shared. */
export const startAgain = (policy, config) => new Running(policy, config);

/** Moves both clocks on. */
export function advance(milliseconds) {
  world.nowMs += milliseconds;
  world.monotonicUs += milliseconds * 1000;
}

export function setNowMs(now) {
  world.nowMs = now;
}

/** The next draws, each at least 0 and below 1. Later draws follow a fixed sequence. */
export function draw(...fractions) {
  world.draws.push(...fractions);
}

/** What the exchange in hand was asked, in order, each once: `path`, `header:x-canary`, ... */
export const reads = () => [...world.reads];

/** What the policy logged, as `level: message`. */
export const logLines = () => [...world.log];

/** The value of a counter or gauge, or the sum of a histogram. */
export const metric = (name) => world.series.get(name);
