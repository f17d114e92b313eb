// The later phases, by the first byte of what the request phase carried over.

import {
  Body, decode, encode, Outcome, Request, Response, ResponseOutcome, Summary,
} from "./.cardea/guest-sdk/assemblyscript";
import * as kv from "./.cardea/guest-sdk/assemblyscript/kv";
import { seen } from "./ask";
import { absent, bytes, hex, join, text } from "./words";

function first(carry: Uint8Array): string {
  return carry.length ? String.fromCharCode(carry[0]) : "";
}

export function body(request: Request, body: Body): Outcome {
  const kind = first(body.carry), length = body.bytes.length.toString();
  if (kind == "b") {
    const head = length + (body.complete ? " complete " : " cut ") + hex(body.carry) + "\n";
    return bytes(join([encode(head), body.bytes]));
  }
  if (kind == "f") {
    return Outcome.next().setHeader("x-length", length).label("phase", "body").followResponse().carry(encode("q"));
  }
  const value = request.headerBytes("x-bytes");
  return value === null ? absent() : text(hex(value));
}

export function response(request: Request, response: Response, carry: Uint8Array): ResponseOutcome {
  const kind = first(carry), keep = ResponseOutcome.keep();
  if (kind == "k") {
    return keep.setHeader("x-carry", hex(carry)).appendHeader("x-append", "b").removeHeader("x-remove");
  }
  if (kind == "r") {
    return ResponseOutcome.replace(203, seen(response)).withHeader("x-replaced", "yes").setHeader("x-edited", "yes");
  }
  if (kind == "q") return keep.setHeader("x-seen", seen(response));
  if (kind == "n") {
    const note = request.note("seen");
    return keep.setHeaderBytes("x-note", note === null ? encode("absent") : note);
  }
  if (kind == "c") return keep.setHeader("x-both", "yes").carry(join([carry, encode("-later")]));
  return keep;
}

export function complete(summary: Summary, carry: Uint8Array): void {
  if (first(carry) != "c") return;
  const told = [
    summary.status.toString(), orNone(summary.backend), orNone(summary.error), summary.retries.toString(),
    summary.bytesIn.toString(), summary.bytesOut.toString(),
    summary.durationUs >= summary.upstreamUs ? "timed" : "untimed",
  ];
  kv.set(decode(carry.subarray(1)), encode(told.join(" ")), 0);
}

function orNone(name: string | null): string {
  return name === null ? "none" : name;
}
