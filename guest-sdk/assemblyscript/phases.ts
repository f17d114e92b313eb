// The phases as core functions. A build makes an entry file that exports those for which the policy has a function.

import { begin, copied, lend, putText, take } from "./abi";
import { Config, firstMistake, refuse } from "./config";
import { Json, Kind, parse } from "./json";
import { lowerOutcome, lowerResponseOutcome } from "./lower";
import { Outcome, ResponseOutcome } from "./outcome";
import { Body, Summary } from "./later";

const STARTED: usize = 12;
let config: Config | null = null;

/** The config to hand to `init`; `null` is as good as an empty map. */
export function configOf(address: usize, length: i32): Config {
  begin();
  let json = parse(String.UTF8.decodeUnsafe(address, length));
  if (json === null) refuse("config: this is not JSON");
  if (json === null || json.kind == Kind.Null) json = new Json(Kind.Map);
  const made = new Config(json, "config");
  config = made;
  return made;
}

/** After `init`: what the host reads, with the first mistake if there was one. */
export function started(): usize {
  const given = config;
  if (given !== null) given.finish();
  config = null;
  const at = take(STARTED, 4), mistake = firstMistake();
  store<u8>(at, mistake != "");
  putText(at + 4, mistake);
  lend();
  return at;
}

export function decided(outcome: Outcome): usize {
  const at = lowerOutcome(outcome);
  lend();
  return at;
}

export function answered(outcome: ResponseOutcome): usize {
  const at = lowerResponseOutcome(outcome);
  lend();
  return at;
}

export function bodyOf(body: usize, length: i32, complete: i32, carry: usize, carryLength: i32): Body {
  return new Body(copied(body, length), complete != 0, copied(carry, carryLength));
}

export function summaryOf(
  status: i32, durationUs: u64, upstreamUs: u64, bytesIn: u64, bytesOut: u64, hasBackend: i32, backend: usize,
  backendLength: i32, retries: i32, hasError: i32, error: usize, errorLength: i32,
): Summary {
  const summary = new Summary();
  summary.status = status;
  summary.durationUs = durationUs;
  summary.upstreamUs = upstreamUs;
  summary.bytesIn = bytesIn;
  summary.bytesOut = bytesOut;
  if (hasBackend) summary.backend = String.UTF8.decodeUnsafe(backend, backendLength);
  summary.retries = retries;
  if (hasError) summary.error = String.UTF8.decodeUnsafe(error, errorLength);
  return summary;
}

export { begin, copied, lend } from "./abi";
// Named by the build, so it must be there.
export { abort } from "./failure";
