// Answers in plain text, and the parameters that paths take.

import { type Bytes, encode, Outcome, Reply, type Request } from "#cardea";

export const text = (body: Bytes) => Outcome.respond(new Reply(200).header("content-type", "text/plain").withBody(body));
export const absent = () => Outcome.respond(new Reply(404));
export const maybe = (value: Bytes | undefined) => (value === undefined ? absent() : text(value));

export const parameter = (request: Request, name: string) => request.queryParam(name) ?? "";
export const number = (request: Request, name: string, otherwise: number) => Number(request.queryParam(name) ?? otherwise);

export function join(...parts: Bytes[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...(typeof part === "string" ? encode(part) : part)]));
}

export const fromHex = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (digits) => parseInt(digits, 16));
