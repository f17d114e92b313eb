// What the doubles answer from: the exchange in hand, the clocks, the draws, and what is kept.

const START_MS = Date.UTC(2026, 0, 1);
const TWO_64 = 2n ** 64n;

export const world = { exchange: undefined };
reset();

/** A new world: nothing kept, the clock at 2026-01-01T00:00:00Z. */
export function reset() {
  Object.assign(world, {
    exchange: undefined,
    nowMs: START_MS,
    monotonicUs: 0,
    draws: [],
    generator: 0n,
    reads: [],
    log: [],
    series: new Map(),
    kept: new Map(),
    counted: new Map(),
    buckets: new Map(),
  });
}

/** Puts an exchange in hand, and forgets what the last one was asked. */
export function enter(exchange) {
  world.exchange = exchange;
  world.reads = [];
}

/** Notes a question about the exchange in hand. */
export function ask(question, answer) {
  if (!world.exchange) throw new Error("there is no exchange to ask about in `init`");
  mark(question);
  return answer(world.exchange);
}

export function mark(question) {
  if (!world.reads.includes(question)) world.reads.push(question);
}

/** The next number below 2^64: a scripted draw, else of a fixed sequence (SplitMix64). */
export function draw() {
  mark("random");
  const fraction = world.draws.shift();
  if (fraction !== undefined) return BigInt(fraction * 2 ** 53) * (TWO_64 / 2n ** 53n);
  world.generator = (world.generator + 0x9e3779b97f4a7c15n) % TWO_64;
  let z = world.generator;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) % TWO_64;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) % TWO_64;
  return z ^ (z >> 31n);
}

/** What is kept under the key and has not expired. */
export function live(kept, key) {
  const entry = kept.get(key);
  return entry && (entry.expires === 0 || world.monotonicUs < entry.expires) ? entry : undefined;
}

export const expiry = (ttl) => (ttl === 0 ? 0 : world.monotonicUs + ttl * 1000);
