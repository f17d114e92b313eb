// Every interface beyond the exchange.

import { encode, Outcome, Request } from "./.cardea/guest-sdk/assemblyscript";
import * as clock from "./.cardea/guest-sdk/assemblyscript/clock";
import * as counters from "./.cardea/guest-sdk/assemblyscript/counters";
import * as kv from "./.cardea/guest-sdk/assemblyscript/kv";
import * as log from "./.cardea/guest-sdk/assemblyscript/log";
import { Counter, Gauge, Histogram } from "./.cardea/guest-sdk/assemblyscript/metrics";
import * as random from "./.cardea/guest-sdk/assemblyscript/random";
import { settings } from "./settings";
import { absent, bytes, hex, join, number, parameter, text } from "./words";

export function serve(path: string, request: Request): Outcome | null {
  if (path == "/log") return text(write(parameter(request, "text")));
  if (path == "/metrics") return text(measure());
  if (path == "/clock") return text(now());
  if (path == "/clock/since") return text(since());
  if (path == "/random/u64") return text(random.nextU64().toString());
  if (path == "/random/bytes") return text(hex(random.bytes(<u32>number(request, "len", 0))));
  if (path == "/fail") throw new Error("as asked");
  if (path.startsWith("/kv/")) return keep(path.substring(4), request, parameter(request, "key"));
  if (path.startsWith("/counters/")) return count(path.substring(10), request, parameter(request, "key"));
  return null;
}

function write(line: string): string {
  let asked = "";
  for (let level = log.Level.Trace; level <= log.Level.Error; level++) {
    const enabled = log.enabled(level);
    if (enabled) log.write(level, line);
    asked += enabled ? "1" : "0";
  }
  return asked;
}

function measure(): string {
  new Counter("conformance_calls").add(1);
  const level = new Gauge("conformance_level");
  level.set(-5);
  level.add(3);
  new Histogram("conformance_size").observe(42);
  new Counter("conformance_calls").add(1);
  return "measured";
}

function now(): string {
  const now = clock.nowMs(), ticks = clock.monotonicUs();
  const frozen = clock.nowMs() == now && clock.monotonicUs() == ticks;
  return now.toString() + (frozen ? " frozen" : " moved");
}

function since(): string {
  const now = clock.monotonicUs();
  const before = kv.get("since");
  kv.set("since", encode(now.toString()), 0);
  return before === null ? "first" : (now - U64.parseInt(before.text)).toString();
}

function keep(operation: string, request: Request, key: string): Outcome | null {
  if (operation == "get") {
    const entry = kv.get(key);
    return entry === null ? absent() : bytes(join([encode(entry.version.toString() + " "), entry.value]));
  }
  if (operation == "set") {
    const size = request.queryParam("size");
    const value = size === null ? parameter(request, "value") : "x".repeat(I32.parseInt(size));
    return written(kv.set(key, encode(value), ttl(request)));
  }
  if (operation == "cas") {
    const version = U64.parseInt(parameter(request, "version"));
    return written(kv.compareAndSet(key, version, encode(parameter(request, "value")), ttl(request)));
  }
  if (operation != "delete") return null;
  kv.remove(key);
  return text("deleted");
}

function ttl(request: Request): u32 {
  return <u32>number(request, "ttl", 0);
}

function written(result: kv.Written): Outcome {
  const names = ["denied", "quota", "too-large", "invalid", "conflict"];
  return text(result.ok ? "version " + result.version.toString() : "error " + names[result.failure]);
}

function count(operation: string, request: Request, key: string): Outcome | null {
  if (operation == "add") {
    return text(counters.add(key, number(request, "delta", 0), <u32>number(request, "ttl", 0)).toString());
  }
  if (operation == "get") return text(counters.get(key).toString());
  if (operation != "take") return null;
  const cost = <u32>number(request, "cost", 1), window = <u32>number(request, "window", 0);
  const bucket = counters.take(key, cost, <u32>settings.limit, window);
  const word = bucket.allowed ? "allowed " : "refused ";
  return text(word + bucket.remaining.toString() + " " + bucket.retryAfterMs.toString());
}
