// The exports of a component, for the entry that the build writes.

import { Instance, refusal } from "./run.js";
import { located } from "./located.js";

/** `lifecycle` and the phases, by the names that the toolchain looks for. `report` is told what a phase threw. */
export function component(definition, report) {
  let instance;
  const guarded = (call) => (...args) => {
    try {
      return call(...args);
    } catch (error) {
      report?.(`${refusal(error)}${located(error)}`);
      throw error;
    }
  };
  withoutClock();
  return {
    lifecycle: {
      init(config) {
        try {
          instance = new Instance(definition, JSON.parse(config));
        } catch (error) {
          // A text is the error of the interface; an object would end the instance.
          throw error?.name === "ConfigError" ? refusal(error) : `${refusal(error)}${located(error)}`;
        }
      },
    },
    onRequest: { handle: guarded(() => instance.request()) },
    onRequestBody: { handle: guarded((body, complete, carry) => instance.requestBody(body, complete, carry)) },
    onResponse: { handle: guarded((carry) => instance.response(carry)) },
    onComplete: { handle: guarded((summary, carry) => instance.complete(shown(summary), carry)) },
  };
}

const shown = (summary) => ({ ...summary, backend: summary.backend ?? undefined, error: summary.error ?? undefined });

/** There is no clock but the granted one: the runtime's own would end the instance without a word. */
function withoutClock() {
  const none = (what) => {
    throw new Error(`${what} has no clock in a policy: use clock.nowMs()`);
  };
  const Known = Date;
  globalThis.Date = new Proxy(Known, {
    construct: (target, args, wanted) => (args.length === 0 ? none("new Date()") : Reflect.construct(target, args, wanted === globalThis.Date ? target : wanted)),
    apply: () => none("Date()"),
  });
  // Its own `now` is read-only.
  Object.defineProperty(globalThis, "performance", { value: { now: () => none("performance.now()") }, configurable: true });
}
