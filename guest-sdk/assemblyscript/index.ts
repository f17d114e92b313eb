// Write a Cardea routing policy in AssemblyScript. A policy is a file `policy.ts` that exports functions:
//
//   init(config: Config): void                                               checks the config, and keeps it
//   onRequest(request: Request): Outcome                                     the head of a request is here
//   onRequestBody(request: Request, body: Body): Outcome                     the body that Outcome.wantBody asked for
//   onResponse(request: Request, response: Response, carry: Uint8Array): ResponseOutcome   after followResponse
//   onComplete(request: Request, summary: Summary, carry: Uint8Array): void                after followComplete
//
// The first two are mandatory; a phase is exported where its function is. An instance may be thrown away at any moment and
// there are several of them, so a variable is a cache at best: what must be shared or kept belongs in kv or counters.
//
// What a policy calls is what its component imports, and each import but the request itself is granted in the Policy
// object: log, metrics, clock, random, kv and counters are files beside this one.

export { Config } from "./config";
export { Header, Request, Response } from "./request";
export { Label, Outcome, ResponseOutcome, Weighted } from "./outcome";
export { Body, Summary } from "./later";
export { decode, encode } from "./bytes";
export { under } from "./path";
export { Spread } from "./stable";
