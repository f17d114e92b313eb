// Words of the specification.

import { encode, Outcome, Request } from "./.cardea/guest-sdk/assemblyscript";

export function text(body: string): Outcome {
  return bytes(encode(body));
}

export function bytes(body: Uint8Array): Outcome {
  return Outcome.respondBytes(200, body).withHeader("content-type", "text/plain");
}

export function absent(): Outcome {
  return Outcome.respond(404, "");
}

export function maybe(body: string | null): Outcome {
  return body === null ? absent() : text(body);
}

export function parameter(request: Request, name: string): string {
  const value = request.queryParam(name);
  return value === null ? "" : value;
}

export function number(request: Request, name: string, otherwise: i64): i64 {
  const value = request.queryParam(name);
  return value === null ? otherwise : I64.parseInt(value);
}

export function join(parts: Array<Uint8Array>): Uint8Array {
  let length = 0;
  for (let i = 0; i < parts.length; i++) length += parts[i].length;
  const all = new Uint8Array(length);
  for (let i = 0, at = 0; i < parts.length; i++) {
    all.set(parts[i], at);
    at += parts[i].length;
  }
  return all;
}

export function raw(values: Array<u8>): Uint8Array {
  const all = new Uint8Array(values.length);
  all.set(values);
  return all;
}

const DIGITS = "0123456789abcdef";

export function hex(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += DIGITS.charAt(bytes[i] >> 4) + DIGITS.charAt(bytes[i] & 15);
  return text;
}

export function fromHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = <u8>I32.parseInt(text.substr(i * 2, 2), 16);
  return bytes;
}
