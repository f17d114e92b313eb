/** Write a Cardea routing policy in TypeScript or JavaScript. What is imported from here and used, a policy may do; each
 * of `log`, `metrics`, `clock`, `random`, `kv` and `counters` must be granted in the Policy object. */

/** Text, sent as UTF-8, or bytes as they are. */
export type Bytes = string | Uint8Array;

/** What `policy` makes; the default export of a policy's module. */
export interface Policy<State = unknown> extends Definition<unknown, State> {}

export interface Definition<Config, State> {
  /** Reads `spec.config`; without it the parsed JSON is handed on as it is. */
  config?: config.Reader<Config>;
  /** Runs once for an instance, before any phase. What it returns is handed to every phase in place of the config. An
   * error that it throws refuses the config: the last good version keeps serving. */
  init?(config: Config): State;
  /** For each request. */
  onRequest(request: Request, state: State): Outcome;
  /** After this policy answered `Outcome.wantBody`. */
  onRequestBody?(request: Request, body: Body, state: State): Outcome;
  /** When the backend's head is here, if the outcome asked for it with `followResponse`. */
  onResponse?(request: Request, response: Response, carry: Uint8Array, state: State): ResponseOutcome;
  /** When the exchange is over, if the outcome asked for it with `followComplete`. Nobody waits for it. */
  onComplete?(request: Request, summary: Summary, carry: Uint8Array, state: State): void;
}

/** A policy. Export it as the default of the module: `export default policy({ onRequest(request) { .. } })`. */
export function policy<Config, State = Config>(definition: Definition<Config, State>): Policy<State>;

/** The request in hand. Holds nothing: every property asks the host, so keep an answer that is needed twice. The host
 * records what was asked. */
export class Request {
  /** `GET`, `POST`, ...; case matters. */
  readonly method: string;
  /** `http` or `https`, as the client spoke to the ingress. */
  readonly scheme: string;
  /** Host, and port if the client gave one; lower case. */
  readonly authority: string;
  /** Normalised, without the query: what the router matched and the backend gets. */
  readonly path: string;
  /** As received, before normalising. */
  readonly rawPath: string;
  /** Without the question mark. `undefined` where there is none. */
  readonly query: string | undefined;
  /** The client's address, after trusted proxies. */
  readonly client: string;
  /** Whether the path is `prefix` or lies below it, by whole elements: `/admin` covers `/admin/x`, not `/administer`. */
  pathUnder(prefix: string): boolean;
  /** The first value of a query parameter, percent-decoded. */
  queryParam(name: string): string | undefined;
  /** The first value of a header, with U+FFFD for what is no UTF-8. Absent is not empty. */
  header(name: string): string | undefined;
  /** The first value of a header, as it came. */
  headerBytes(name: string): Uint8Array | undefined;
  /** Every value of a header, in order. */
  headerValues(name: string): string[];
  headerValuesBytes(name: string): Uint8Array[];
  /** Lower case, each once. */
  headerNames(): string[];
  /** All headers. Reads everything, so the decision depends on everything: prefer `header`. */
  headers(): Header[];
  /** The first value of a cookie. */
  cookie(name: string): string | undefined;
  cookieBytes(name: string): Uint8Array | undefined;
  /** An open set: `route.name`, `route.namespace`, `tls.sni`, `tls.version`, `http.version`, `source.address`,
   * `source.port`, `request.id`, `backend.name`. */
  attribute(name: string): string | undefined;
  /** A note that an earlier policy or phase of this exchange left. */
  note(key: string): Uint8Array | undefined;
  noteText(key: string): string | undefined;
  /** Leaves a note to later policies and phases of this exchange: at most 16 of 4 KiB, more are dropped. */
  setNote(key: string, value: Bytes): void;
}

/** The head of the backend's answer, in the response phase. */
export class Response {
  readonly status: number;
  header(name: string): string | undefined;
  headerBytes(name: string): Uint8Array | undefined;
  headers(): Header[];
}

/** A header with its name in lower case. */
export interface Header {
  name: string;
  /** With U+FFFD for what is no UTF-8. */
  value: string;
  /** As it came. */
  bytes: Uint8Array;
}

/** What was buffered of the request's body. */
export interface Body {
  bytes: Uint8Array;
  /** Whether this is all of it. */
  complete: boolean;
  /** What `onRequest` carried over. */
  carry: Uint8Array;
}

/** What became of an exchange. */
export interface Summary {
  status: number;
  durationUs: number;
  upstreamUs: number;
  bytesIn: number;
  bytesOut: number;
  backend: string | undefined;
  retries: number;
  /** The label of the failure that answered, if one did. */
  error: string | undefined;
}

export type Target =
  | { tag: "backend"; val: string }
  | { tag: "weighted"; val: { backend: string; weight: number }[] }
  | { tag: "subset"; val: [string, string][] };

export interface Denial {
  status: number;
  reason: string;
  headers: { name: string; value: Uint8Array }[];
  retryAfterMs: number | null;
}

export type Decision =
  | { tag: "next" }
  | { tag: "route"; val: Target }
  | { tag: "redirect"; val: { status: number; location: string } }
  | { tag: "respond"; val: Reply }
  | { tag: "deny"; val: Denial }
  | { tag: "want-body"; val: { maxBytes: number; denyOnOverflow: boolean } };

export type Edit =
  | { tag: "set" | "append"; val: { name: string; value: Uint8Array } }
  | { tag: "remove" | "set-path" | "set-authority"; val: string }
  | { tag: "set-query"; val: string | null };

/** What a request phase decides. Begin with `next`, `to`, `deny`, `redirect`, `respond` or `wantBody`, then chain; the host
 * applies all of it or none. */
export class Outcome {
  private constructor();
  readonly decision: Decision;
  readonly edits: readonly Edit[];
  readonly responseEdits: readonly Edit[];
  readonly follow: { response: boolean; complete: boolean };
  readonly carry: Uint8Array;
  readonly labels: readonly [string, string][];

  /** No opinion: the next policy, then the route's own backend. */
  static next(): Outcome;
  /** To a backend that the route declares. */
  static to(backend: string): Outcome;
  /** Refuses. `status` is 400 to 599, `reason` a token of at most 64 bytes, which is counted; the host renders the body. */
  static deny(status: number, reason: string): Outcome;
  /** `status` is 301, 302, 303, 307 or 308. */
  static redirect(status: number, location: string): Outcome;
  static respond(reply: Reply): Outcome;
  /** Asks for the body: at most `maxBytes` of it, within the policy's `limits.body`. A longer body is cut, or with
   * `denyOnOverflow` answered 413. */
  static wantBody(maxBytes: number, options?: { denyOnOverflow?: boolean }): Outcome;

  /** Chooses a backend that the route declares, in place of the decision so far. */
  route(backend: string): this;
  /** Lets the host draw a backend by weight, of the sum; at most 16. */
  routeWeighted(backends: Record<string, number>): this;
  /** Keeps the route's own backend, but only its endpoints that carry all of these labels. */
  routeSubset(labels: Record<string, string>): this;
  /** Sets a request header, in place of all its values. */
  setHeader(name: string, value: Bytes): this;
  appendHeader(name: string, value: Bytes): this;
  removeHeader(name: string): this;
  /** Absolute. Does not route again. */
  setPath(path: string): this;
  /** `undefined` takes the query away. */
  setQuery(query: string | undefined): this;
  setAuthority(authority: string): this;
  /** Sets a header of the response, without a call in the response phase. */
  setResponseHeader(name: string, value: Bytes): this;
  appendResponseHeader(name: string, value: Bytes): this;
  removeResponseHeader(name: string): this;
  /** Adds a header to the answer of a `deny` or `respond`; nothing otherwise. */
  withHeader(name: string, value: Bytes): this;
  /** Adds Retry-After to the answer of a `deny`; nothing otherwise. */
  retryAfter(milliseconds: number): this;
  /** Asks for `onResponse` in this exchange. */
  followResponse(): this;
  /** Asks for `onComplete` in this exchange. */
  followComplete(): this;
  /** Hands at most 4 KiB to the later phases, which another instance may serve. */
  withCarry(carry: Bytes): this;
  /** A label of the access line; at most 16. */
  label(key: string, value: string): this;
}

/** An answer made by the policy: status 200 to 599, at most 1 MiB of body. */
export class Reply {
  constructor(status: number);
  readonly status: number;
  readonly headers: readonly { name: string; value: Uint8Array }[];
  readonly body: Uint8Array;
  header(name: string, value: Bytes): this;
  withBody(body: Bytes): this;
}

/** What the response phase decides. */
export class ResponseOutcome {
  private constructor();
  readonly replace: Reply | null;
  readonly edits: readonly Edit[];
  readonly carry: Uint8Array;
  /** The backend's answer as it is, but for the edits chained on. */
  static keep(): ResponseOutcome;
  /** This answer in place of the backend's. */
  static replace(reply: Reply): ResponseOutcome;
  setHeader(name: string, value: Bytes): this;
  appendHeader(name: string, value: Bytes): this;
  removeHeader(name: string): this;
  /** For `onComplete`. */
  withCarry(carry: Bytes): this;
}

/** Refuses a config: `throw new ConfigError("config.backend", "name another")`. */
export class ConfigError extends Error {
  constructor(path: string, problem: string);
}

/** A choice that every replica makes alike, and again after a restart: a hash of who asks. It is no secret. */
export class Spread {
  /** Seeds that differ spread the same keys in ways that have nothing to do with each other. */
  constructor(seed: Bytes);
  /** At least 0, below 1; the same for ever for one seed and key, and in every language's SDK. */
  position(key: Bytes): number;
}

/** A range of addresses: `10.0.0.0/8`, `2001:db8::/32`, or one. IPv4-mapped IPv6 addresses count as IPv4. */
export class IpRange {
  constructor(text: string);
  contains(address: string): boolean;
}

/** Whether `path` is `prefix` or lies below it, by whole elements. */
export function pathUnder(path: string, prefix: string): boolean;
/** UTF-8 of a text. */
export function encode(text: string): Uint8Array;
/** The text that the bytes are in UTF-8, with U+FFFD for what is not. */
export function decode(bytes: Uint8Array): string;
/** The text that the bytes are in UTF-8; `undefined` where they are not. */
export function decodeStrict(bytes: Uint8Array): string | undefined;
export function toHex(bytes: Uint8Array): string;

/** Readers of a config, one a type. */
export namespace config {
  interface Reader<T> {
    read(value: unknown, path: string): T;
  }
  /** A reader of your own: returns the value, or throws a `ConfigError` for the path. */
  function reader<T>(read: (value: unknown, path: string) => T): Reader<T>;
  /** An object with these fields and no others. */
  function fields<T extends object>(readers: { [Key in keyof T]: Reader<T[Key]> }): Reader<T>;
  /** A text that is not empty. */
  function text(): Reader<string>;
  /** A text that may be empty. */
  function anyText(): Reader<string>;
  function boolean(): Reader<boolean>;
  function integer(range?: { min?: number; max?: number }): Reader<number>;
  function number(range?: { min?: number; max?: number }): Reader<number>;
  function choice<const T extends string | number | boolean>(...values: T[]): Reader<T>;
  /** Milliseconds of `250ms`, `30s`, `5m`, `1h` or `7d`. */
  function duration(): Reader<number>;
  function ipRange(): Reader<IpRange>;
  function list<T>(item: Reader<T>): Reader<T[]>;
  /** An object with any keys. */
  function record<T>(item: Reader<T>): Reader<Record<string, T>>;
  /** What may be absent: then it is `fallback`. */
  function optional<T>(read: Reader<T>): Reader<T | undefined>;
  function optional<T, const F>(read: Reader<T>, fallback: F): Reader<T | F>;
}

/** Lines to the ingress's log: at most 16 of 4 KiB a call. Needs the grant `log`; with it, what a phase throws is logged
 * too. */
export namespace log {
  type Level = "trace" | "debug" | "info" | "warn" | "error";
  /** Whether a line of this level would be kept. */
  function enabled(level: Level): boolean;
  function write(level: Level, ...parts: unknown[]): void;
  function trace(...parts: unknown[]): void;
  function debug(...parts: unknown[]): void;
  function info(...parts: unknown[]): void;
  function warn(...parts: unknown[]): void;
  function error(...parts: unknown[]): void;
}

/** Series, exported as `cardea_policy_user_*`: at most 100. Needs the grant `metrics`. Make them in `init` and keep them. */
export namespace metrics {
  interface Counter {
    readonly id: number;
    add(delta?: number): void;
  }
  interface Gauge {
    readonly id: number;
    set(value: number): void;
    add(delta: number): void;
  }
  interface Histogram {
    readonly id: number;
    observe(value: number): void;
  }
  function counter(name: string): Counter;
  function gauge(name: string): Gauge;
  function histogram(name: string): Histogram;
}

/** Time, coarse, and frozen within one call. Needs the grant `clock`. `Date.now()` is `nowMs()`. */
export namespace clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  function nowMs(): number;
  /** Microseconds from an arbitrary start. */
  function monotonicUs(): number;
}

/** Chance. Needs the grant `random`. `Math.random()` is `fraction()`. */
export namespace random {
  /** A whole number below 2^64. */
  function nextU64(): bigint;
  /** At least 0, below 1. */
  function fraction(): number;
  /** At most 256. */
  function bytes(length: number): Uint8Array;
}

/** Values of this ingress process, shared by all workers, by policy; they survive a swap of the module. Needs the grant
 * `kv-local`. */
export namespace kv {
  interface Entry {
    readonly value: Uint8Array;
    /** The value as UTF-8. */
    readonly text: string;
    /** Rises with each write. */
    readonly version: number;
  }
  /** A value that was not kept. */
  class KvError extends Error {
    readonly code: "denied" | "quota" | "too-large" | "invalid" | "conflict";
  }
  function get(key: string): Entry | undefined;
  /** Returns the new version. `ttl` in milliseconds; 0 (default): until evicted. Throws `KvError`. */
  function set(key: string, value: Bytes, ttl?: number): number;
  /** Writes if the version is still this one; version 0: only if absent. Throws `KvError`, `conflict` for one. */
  function compareAndSet(key: string, version: number | bigint, value: Bytes, ttl?: number): number;
  function remove(key: string): void;
}

/** Atomic counters and token buckets of this ingress process; they survive a swap of the module. Needs the grant
 * `counters`. */
export namespace counters {
  interface Bucket {
    allowed: boolean;
    remaining: number;
    retryAfterMs: number;
  }
  /** Returns the new value, exact up to 2^53. A counter expires `ttl` milliseconds after it was made; 0 (default): never. */
  function add(key: string, delta?: number, ttl?: number): number;
  function get(key: string): number;
  /** Takes `cost` (1) of a bucket that holds `limit` and refills within `window` milliseconds. */
  function take(key: string, bucket: { cost?: number; limit: number; window: number }): Bucket;
  /** `add` for numbers of any size. Over 2^53 it takes several steps, between which others see another value. */
  function addBig(key: string, delta: bigint, ttl?: number): bigint;
  function getBig(key: string): bigint;
}
