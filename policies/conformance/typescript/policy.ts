// The conformance policy: what each path does is said in ../README.md.

import { config, Outcome, policy, type Request } from "#cardea";

import * as ask from "./ask.ts";
import * as decide from "./decide.ts";
import * as later from "./later.ts";
import * as services from "./services.ts";

const reader = config.fields({
  backend: config.text(),
  limit: config.optional(config.integer({ min: 1, max: 1000 }), 3),
  mark: config.optional(config.anyText(), "cardea"),
});

export type Config = ReturnType<typeof reader.read>;

export default policy({
  config: reader,

  onRequest(request, config) {
    const path = request.path;
    return ask.outcome(path, request) ?? decide.outcome(path, request, config) ?? services.outcome(path, request, config) ?? otherwise(request, config);
  },

  onRequestBody: later.body,
  onResponse: later.response,
  onComplete: (_, summary, carry) => later.complete(summary, carry),
});

function otherwise(request: Request, { backend, mark }: Config): Outcome {
  return request.header("x-canary") === "1" ? Outcome.to(backend) : Outcome.next().setHeader("x-policy", mark);
}
