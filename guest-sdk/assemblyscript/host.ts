// The imports of cardea:policy, as core functions of the canonical ABI. What is not called is not imported.

// @ts-ignore: decorator
@external("cardea:policy/exchange@0.1.0", "method")
export declare function exchangeMethod(into: usize): void;
// @ts-ignore: decorator
@external("cardea:policy/exchange@0.1.0", "scheme")
export declare function exchangeScheme(into: usize): void;
// @ts-ignore: decorator
@external("cardea:policy/exchange@0.1.0", "authority")
export declare function exchangeAuthority(into: usize): void;
// @ts-ignore: decorator
@external("cardea:policy/exchange@0.1.0", "path")
export declare function exchangePath(into: usize): void;
// @ts-ignore: decorator
@external("cardea:policy/exchange@0.1.0", "query")
export declare function exchangeQuery(into: usize): void;
// @ts-ignore: decorator
@external("cardea:policy/exchange@0.1.0", "query-param")
export declare function exchangeQueryParam(name: usize, length: i32, into: usize): void;
// @ts-ignore: decorator
@external("cardea:policy/exchange@0.1.0", "raw-path")
export declare function exchangeRawPath(into: usize): void;
// @ts-ignore: decorator
@external("cardea:policy/exchange@0.1.0", "client")
export declare function exchangeClient(into: usize): void;
// @ts-ignore: decorator
@external("cardea:policy/exchange@0.1.0", "header")
export declare function exchangeHeader(name: usize, length: i32, into: usize): void;
// @ts-ignore: decorator
@external("cardea:policy/exchange@0.1.0", "header-values")
export declare function exchangeHeaderValues(name: usize, length: i32, into: usize): void;
// @ts-ignore: decorator
@external("cardea:policy/exchange@0.1.0", "header-names")
export declare function exchangeHeaderNames(into: usize): void;
// @ts-ignore: decorator
@external("cardea:policy/exchange@0.1.0", "headers")
export declare function exchangeHeaders(into: usize): void;
// @ts-ignore: decorator
@external("cardea:policy/exchange@0.1.0", "cookie")
export declare function exchangeCookie(name: usize, length: i32, into: usize): void;
// @ts-ignore: decorator
@external("cardea:policy/exchange@0.1.0", "response-status")
export declare function exchangeResponseStatus(): i32;
// @ts-ignore: decorator
@external("cardea:policy/exchange@0.1.0", "response-header")
export declare function exchangeResponseHeader(name: usize, length: i32, into: usize): void;
// @ts-ignore: decorator
@external("cardea:policy/exchange@0.1.0", "response-headers")
export declare function exchangeResponseHeaders(into: usize): void;
// @ts-ignore: decorator
@external("cardea:policy/exchange@0.1.0", "attribute")
export declare function exchangeAttribute(name: usize, length: i32, into: usize): void;
// @ts-ignore: decorator
@external("cardea:policy/exchange@0.1.0", "set-note")
export declare function exchangeSetNote(key: usize, keyLength: i32, value: usize, length: i32): void;
// @ts-ignore: decorator
@external("cardea:policy/exchange@0.1.0", "note")
export declare function exchangeNote(key: usize, length: i32, into: usize): void;

// @ts-ignore: decorator
@external("cardea:policy/log@0.1.0", "enabled")
export declare function logEnabled(level: i32): bool;
// @ts-ignore: decorator
@external("cardea:policy/log@0.1.0", "log")
export declare function logLog(level: i32, message: usize, length: i32): void;

// @ts-ignore: decorator
@external("cardea:policy/metrics@0.1.0", "counter")
export declare function metricsCounter(name: usize, length: i32): u32;
// @ts-ignore: decorator
@external("cardea:policy/metrics@0.1.0", "gauge")
export declare function metricsGauge(name: usize, length: i32): u32;
// @ts-ignore: decorator
@external("cardea:policy/metrics@0.1.0", "histogram")
export declare function metricsHistogram(name: usize, length: i32): u32;
// @ts-ignore: decorator
@external("cardea:policy/metrics@0.1.0", "add")
export declare function metricsAdd(id: u32, delta: i64): void;
// @ts-ignore: decorator
@external("cardea:policy/metrics@0.1.0", "set")
export declare function metricsSet(id: u32, value: i64): void;
// @ts-ignore: decorator
@external("cardea:policy/metrics@0.1.0", "observe")
export declare function metricsObserve(id: u32, value: u64): void;

// @ts-ignore: decorator
@external("cardea:policy/clock@0.1.0", "now-ms")
export declare function clockNowMs(): u64;
// @ts-ignore: decorator
@external("cardea:policy/clock@0.1.0", "monotonic-us")
export declare function clockMonotonicUs(): u64;

// @ts-ignore: decorator
@external("cardea:policy/random@0.1.0", "next-u64")
export declare function randomNextU64(): u64;
// @ts-ignore: decorator
@external("cardea:policy/random@0.1.0", "bytes")
export declare function randomBytes(count: u32, into: usize): void;

// @ts-ignore: decorator
@external("cardea:policy/kv-local@0.1.0", "get")
export declare function kvGet(key: usize, length: i32, into: usize): void;
// @ts-ignore: decorator
@external("cardea:policy/kv-local@0.1.0", "set")
export declare function kvSet(key: usize, keyLength: i32, value: usize, length: i32, ttlMs: u32, into: usize): void;
// @ts-ignore: decorator
@external("cardea:policy/kv-local@0.1.0", "compare-and-set")
export declare function kvCompareAndSet(
  key: usize, keyLength: i32, version: u64, value: usize, length: i32, ttlMs: u32, into: usize,
): void;
// @ts-ignore: decorator
@external("cardea:policy/kv-local@0.1.0", "delete")
export declare function kvDelete(key: usize, length: i32): void;

// @ts-ignore: decorator
@external("cardea:policy/counters@0.1.0", "add")
export declare function countersAdd(key: usize, length: i32, delta: i64, ttlMs: u32): i64;
// @ts-ignore: decorator
@external("cardea:policy/counters@0.1.0", "get")
export declare function countersGet(key: usize, length: i32): i64;
// @ts-ignore: decorator
@external("cardea:policy/counters@0.1.0", "take")
export declare function countersTake(key: usize, length: i32, cost: u32, limit: u32, windowMs: u32, into: usize): void;
