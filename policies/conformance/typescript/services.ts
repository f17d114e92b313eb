// Every interface beyond the exchange: log, metrics, clock, random, kept values, counters.

import { clock, counters, kv, log, metrics, type Outcome, random, type Request, toHex } from "#cardea";

import type { Config } from "./policy.ts";
import { absent, join, number, parameter, text } from "./text.ts";

const LEVELS = ["trace", "debug", "info", "warn", "error"] as const;

export function outcome(path: string, request: Request, { limit }: Config): Outcome | undefined {
  const key = () => parameter(request, "key");
  switch (path) {
    case "/log":
      return text(write(parameter(request, "text")));
    case "/metrics":
      return text(series());
    case "/clock":
      return text(time());
    case "/clock/since":
      return text(since());
    case "/random/u64":
      return text(String(random.nextU64()));
    case "/random/bytes":
      return text(toHex(random.bytes(number(request, "len", 0))));
    case "/kv/get": {
      const entry = kv.get(key());
      return entry ? text(join(`${entry.version} `, entry.value)) : absent();
    }
    case "/kv/set": {
      const size = request.queryParam("size");
      const value = size === undefined ? parameter(request, "value") : "x".repeat(Number(size));
      return written(() => kv.set(key(), value, number(request, "ttl", 0)));
    }
    case "/kv/cas":
      return written(() => kv.compareAndSet(key(), BigInt(parameter(request, "version")), parameter(request, "value"), number(request, "ttl", 0)));
    case "/kv/delete":
      kv.remove(key());
      return text("deleted");
    case "/counters/add":
      return text(String(counters.addBig(key(), BigInt(parameter(request, "delta")), number(request, "ttl", 0))));
    case "/counters/get":
      return text(String(counters.getBig(key())));
    case "/counters/take": {
      const bucket = counters.take(key(), { cost: number(request, "cost", 1), limit, window: number(request, "window", 0) });
      return text(`${bucket.allowed ? "allowed" : "refused"} ${bucket.remaining} ${bucket.retryAfterMs}`);
    }
    case "/fail":
      throw new Error("as asked");
  }
}

function write(line: string): string {
  const write = (level: log.Level) => {
    if (!log.enabled(level)) return "0";
    log.write(level, line);
    return "1";
  };
  return LEVELS.map(write).join("");
}

function series(): string {
  metrics.counter("conformance_calls").add(1);
  const level = metrics.gauge("conformance_level");
  level.set(-5);
  level.add(3);
  metrics.histogram("conformance_size").observe(42);
  metrics.counter("conformance_calls").add(1);
  return "measured";
}

function time(): string {
  const [now, ticks] = [clock.nowMs(), clock.monotonicUs()];
  const isFrozen = clock.nowMs() === now && clock.monotonicUs() === ticks;
  return `${now} ${isFrozen ? "frozen" : "moved"}`;
}

function since(): string {
  const now = clock.monotonicUs();
  const before = kv.get("since");
  kv.set("since", String(now));
  return before ? String(now - Number(before.text)) : "first";
}

function written(write: () => number): Outcome {
  try {
    return text(`version ${write()}`);
  } catch (error) {
    if (error instanceof kv.KvError) return text(`error ${error.code}`);
    throw error;
  }
}
