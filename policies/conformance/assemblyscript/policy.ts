// The conformance policy: what each path does is said in ../README.md.

import { Body, Config, Outcome, Request, Response, ResponseOutcome, Summary } from "./.cardea/guest-sdk/assemblyscript";
import { ask } from "./ask";
import { decide } from "./decide";
import { settings } from "./settings";
import { serve } from "./services";
import * as later from "./later";

export function init(config: Config): void {
  settings.backend = config.text("backend");
  settings.limit = config.integerOr("limit", 3);
  settings.mark = config.textOr("mark", "cardea");
  if (settings.backend == "") config.refuse("backend", "name a backend of the route");
  if (settings.limit < 1 || settings.limit > 1000) config.refuse("limit", "give a whole number from 1 to 1000");
}

export function onRequest(request: Request): Outcome {
  const path = request.path;
  let outcome = ask(path, request);
  if (outcome === null) outcome = decide(path, request);
  if (outcome === null) outcome = serve(path, request);
  return outcome === null ? otherwise(request) : outcome;
}

function otherwise(request: Request): Outcome {
  if (request.header("x-canary") == "1") return Outcome.route(settings.backend);
  return Outcome.next().setHeader("x-policy", settings.mark);
}

export function onRequestBody(request: Request, body: Body): Outcome {
  return later.body(request, body);
}

export function onResponse(request: Request, response: Response, carry: Uint8Array): ResponseOutcome {
  return later.response(request, response, carry);
}

export function onComplete(_: Request, summary: Summary, carry: Uint8Array): void {
  later.complete(summary, carry);
}
