// From a policy to calls of its phases: reads the config once, and says clearly what a phase must not return.

import { ConfigError } from "./config.js";
import { request, response } from "./exchange.js";
import { Outcome, ResponseOutcome } from "./outcome.js";
import { kind } from "./text.js";

/** A policy that has started: what it made of its config is handed to each phase. */
export class Instance {
  #definition;
  #state;

  constructor(definition, config) {
    const read = definition.config ? definition.config.read(config, "config") : config;
    this.#definition = definition;
    this.#state = definition.init ? settled(definition.init(read), "init") : read;
  }

  request() {
    return outcome(this.#definition.onRequest(request, this.#state), "onRequest", Outcome);
  }

  requestBody(bytes, complete, carry) {
    return outcome(this.#definition.onRequestBody(request, { bytes, complete, carry }, this.#state), "onRequestBody", Outcome);
  }

  response(carry) {
    return outcome(this.#definition.onResponse(request, response, carry, this.#state), "onResponse", ResponseOutcome);
  }

  complete(summary, carry) {
    settled(this.#definition.onComplete(request, summary, carry, this.#state), "onComplete");
  }
}

/** Why an instance did not start, for the operator; a mistake of the code keeps its kind. */
export function refusal(error) {
  if (error instanceof ConfigError) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function settled(value, phase) {
  if (value instanceof Promise) throw new TypeError(`${phase} is async, and a policy answers at once`);
  return value;
}

function outcome(value, phase, type) {
  if (value instanceof type) return value;
  throw new TypeError(`${phase} must return ${type === Outcome ? "an Outcome" : "a ResponseOutcome"}, and returned ${kind(settled(value, phase))}`);
}
