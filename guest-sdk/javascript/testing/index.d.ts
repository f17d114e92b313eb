/** Runs a policy without an ingress: the same code, with doubles in place of the host. Limits and the validation of outcomes
 * are checked by `cardea policy test`, on the real engine. */

import type { Bytes, Outcome, Policy, ResponseOutcome, Summary } from "../src/index.js";

type Headers = Record<string, Bytes | Bytes[]>;

/** A request, and what the backend answered to it. */
export interface Exchange {
  /** `GET` if absent. */
  method?: string;
  /** A path, and a query if there is one; `/` if absent. */
  path?: string;
  /** `https` if absent. */
  scheme?: string;
  /** `shop.test` if absent. */
  authority?: string;
  /** `192.0.2.1` if absent. */
  client?: string;
  headers?: Headers;
  attributes?: Record<string, string>;
  response?: { status?: number; headers?: Headers };
}

/** A policy that has started, with the state that it keeps between exchanges. */
export class Running {
  private constructor();
  request(send?: Exchange): Outcome;
  requestBody(send: Exchange, body: Bytes, options?: { complete?: boolean; carry?: Bytes }): Outcome;
  response(send: Exchange, carry?: Bytes): ResponseOutcome;
  complete(send: Exchange, summary?: Partial<Summary>, carry?: Bytes): void;
}

/** Starts a policy in a new world: nothing kept, the clock at 2026-01-01T00:00:00Z. Throws what the operator would read, if
 * the policy refuses its config. */
export function start<State>(policy: Policy<State>, config?: unknown): Running;
/** Starts one more instance in the same world, as the ingress does: only kept state is shared. */
export function startAgain<State>(policy: Policy<State>, config?: unknown): Running;
/** Moves both clocks on. */
export function advance(milliseconds: number): void;
export function setNowMs(now: number): void;
/** The next draws, each at least 0 and below 1. Later draws follow a fixed sequence. */
export function draw(...fractions: number[]): void;
/** What the exchange in hand was asked, in order, each once: `path`, `header:x-canary`, ... */
export function reads(): string[];
/** What the policy logged, as `level: message`. */
export function logLines(): string[];
/** The value of a counter or gauge, or the sum of a histogram. */
export function metric(name: string): number | undefined;
