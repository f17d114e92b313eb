// The later phases, by the first byte of what the request phase carried over.

import { type Body, decode, kv, Outcome, Reply, type Request, type Response, ResponseOutcome, type Summary, toHex } from "#cardea";

import { seen } from "./ask.ts";
import { absent, join, text } from "./text.ts";

const first = (carry: Uint8Array) => String.fromCharCode(carry[0] ?? 0);

export function body(request: Request, { bytes, complete, carry }: Body): Outcome {
  switch (first(carry)) {
    case "b":
      return text(join(`${bytes.length} ${complete ? "complete" : "cut"} ${toHex(carry)}\n`, bytes));
    case "f":
      return Outcome.next().setHeader("x-length", String(bytes.length)).label("phase", "body").followResponse().withCarry("q");
    case "h": {
      const value = request.headerBytes("x-bytes");
      return value ? text(toHex(value)) : absent();
    }
  }
  return Outcome.next();
}

export function response(request: Request, response: Response, carry: Uint8Array): ResponseOutcome {
  const keep = ResponseOutcome.keep();
  switch (first(carry)) {
    case "k":
      return keep.setHeader("x-carry", toHex(carry)).appendHeader("x-append", "b").removeHeader("x-remove");
    case "r": {
      const reply = new Reply(203).header("x-replaced", "yes").withBody(seen(response));
      return ResponseOutcome.replace(reply).setHeader("x-edited", "yes");
    }
    case "q":
      return keep.setHeader("x-seen", seen(response));
    case "n":
      return keep.setHeader("x-note", request.note("seen") ?? "absent");
    case "c":
      return keep.setHeader("x-both", "yes").withCarry(join(carry, "-later"));
  }
  return keep;
}

export function complete(summary: Summary, carry: Uint8Array): void {
  if (first(carry) !== "c") return;
  const timed = summary.durationUs >= summary.upstreamUs ? "timed" : "untimed";
  const { status, backend = "none", error = "none", retries, bytesIn, bytesOut } = summary;
  kv.set(decode(carry.subarray(1)), [status, backend, error, retries, bytesIn, bytesOut, timed].join(" "));
}
