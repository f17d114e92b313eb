import assert from "node:assert/strict";
import test from "node:test";

import { clock, config, counters, kv, log, metrics, Outcome, policy, random, Reply, Request, ResponseOutcome } from "../src/index.js";
import * as testing from "../testing/index.js";

const canary = policy({
  config: config.fields({ header: config.text(), backend: config.text() }),
  onRequest(request, { header, backend }) {
    if (request.header(header) !== "1") return Outcome.next();
    return Outcome.to(backend).setResponseHeader("x-served-by", backend).label("canary", "header");
  },
});

test("a policy decides by what it asks, and is told what it asked", () => {
  const running = testing.start(canary, { header: "x-canary", backend: "beta" });
  assert.deepEqual(running.request({ headers: { "X-Canary": "1" } }), Outcome.to("beta").setResponseHeader("x-served-by", "beta").label("canary", "header"));
  assert.deepEqual(testing.reads(), ["header:x-canary"]);
  assert.deepEqual(running.request({ headers: { "x-canary": ["2", "1"] } }), Outcome.next());
  assert.throws(() => testing.start(canary, { header: "x-canary" }), /^Error: config.backend: missing/);
});

test("state that init makes reaches every phase", () => {
  const seen = [];
  const whole = policy({
    init: (given) => ({ given }),
    onRequest: (request, state) => Outcome.wantBody(8, { denyOnOverflow: true }).withCarry(state.given),
    onRequestBody: (request, body, state) => Outcome.respond(new Reply(200).header("a", "b").withBody(body.bytes)).label("carry", `${body.carry.length}${state.given}`),
    onResponse: (request, response, carry, state) => ResponseOutcome.keep().setHeader("x", `${response.status} ${response.header("a")} ${state.given}`),
    onComplete: (request, summary, carry, state) => void seen.push([summary.status, summary.backend, state.given]),
  });
  const running = testing.start(whole, "s");
  assert.equal(running.request().decision.val.maxBytes, 8);
  assert.deepEqual(running.requestBody({}, "body", { carry: "xy" }).labels, [["carry", "2s"]]);
  assert.deepEqual(running.response({ response: { status: 204, headers: { A: "v" } } }).edits[0].val.value, new TextEncoder().encode("204 v s"));
  running.complete({}, { status: 503 });
  assert.deepEqual(seen, [[503, undefined, "s"]]);
});

test("what a phase must not return is told", () => {
  for (const [onRequest, message] of [
    [() => undefined, /onRequest must return an Outcome, and returned undefined/],
    [() => ({ decision: { tag: "next" } }), /returned an object/],
    [async () => Outcome.next(), /onRequest is async/],
    [() => Outcome.deny("403", "no"), /status: expected a whole number up to 999, got a string/],
    [() => Outcome.next().setHeader("a", 7), /expected a text or a Uint8Array, got a number/],
    [() => Outcome.next().label("a"), /label a: expected a text, got undefined/],
  ]) {
    assert.throws(() => testing.start(policy({ onRequest })).request(), message);
  }
  assert.throws(() => policy({ onRequst: () => {} }), /there is no onRequst/);
  assert.throws(() => policy({}), /onRequest is missing/);
});

test("the doubles keep, count, draw and tell the time", () => {
  const run = (body) => testing.start(policy({ onRequest: () => (body(), Outcome.next()) })).request({ path: "/a?x=1+2%20&y" });
  run(() => {
    assert.equal(kv.get("a"), undefined);
    assert.equal(kv.set("a", "one", 1000), 1);
    assert.throws(() => kv.compareAndSet("a", 7, "two"), { name: "KvError", code: "conflict" });
    assert.equal(kv.compareAndSet("a", 1, "é"), 2);
    assert.equal(kv.get("a").text, "é");
    kv.remove("a");
    assert.equal(kv.get("a"), undefined);
    assert.equal(counters.add("c", 5), 5);
    assert.equal(counters.addBig("c", -(2n ** 53n) - 6n), -(2n ** 53n) - 1n);
    assert.deepEqual(counters.take("b", { limit: 2, window: 10_000 }), { allowed: true, remaining: 1, retryAfterMs: 0 });
    assert.ok(counters.take("b", { limit: 2, window: 10_000 }).allowed);
    assert.deepEqual(counters.take("b", { limit: 2, window: 10_000 }), { allowed: false, remaining: 0, retryAfterMs: 5000 });
    testing.advance(5000);
    assert.ok(counters.take("b", { limit: 2, window: 10_000 }).allowed);
    assert.equal(clock.nowMs(), Date.UTC(2026, 0, 1, 0, 0, 5));
    testing.draw(0.5, 0.25, 0.9999999999999999);
    assert.equal(random.nextU64(), 2n ** 63n);
    assert.equal(random.fraction(), 0.25);
    assert.ok(random.fraction() < 1);
    metrics.counter("calls").add();
    metrics.gauge("level").set(-5);
    log.info("chose", { backend: "b" });
  });
  assert.deepEqual(testing.logLines(), ['info: chose {"backend":"b"}']);
  assert.deepEqual([testing.metric("calls"), testing.metric("level")], [1, -5]);
  assert.deepEqual(testing.reads(), ["kv-local", "counters", "clock", "random"]);
});

test("questions are answered as the ingress answers them", () => {
  const answers = [];
  const asking = policy({
    onRequest(request) {
      answers.push(request.method, request.path, request.query, request.queryParam("x"), request.queryParam("none"), request.cookie("b"), request.cookie("none"));
      answers.push(request.headerValues("X-Many"), request.attribute("route.name"), request.pathUnder("/a"), request.header("none"));
      request.setNote("n", "kept");
      answers.push(request.noteText("n"));
      return Outcome.next();
    },
  });
  testing.start(asking).request({ method: "POST", path: "/a/b?x=1+2%20&y", headers: { cookie: "a=1; b=2=3", "x-many": ["a", ""] }, attributes: { "route.name": "shop" } });
  assert.deepEqual(answers, ["POST", "/a/b", "x=1+2%20&y", "1 2 ", undefined, "2=3", undefined, ["a", ""], "shop", true, undefined, "kept"]);
});

test("there is no exchange in init", () => {
  const early = policy({ init: () => new Request().path, onRequest: () => Outcome.next() });
  assert.throws(() => testing.start(early), /there is no exchange to ask about in `init`/);
});
