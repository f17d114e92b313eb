// Every question about the exchange.

import { encode, Header, Outcome, Request, Response } from "./.cardea/guest-sdk/assemblyscript";
import { absent, bytes, join, maybe, parameter, text } from "./words";

export function ask(path: string, request: Request): Outcome | null {
  if (!path.startsWith("/ask/")) return null;
  const question = path.substring(5);
  if (question == "method") return text(request.method);
  if (question == "scheme") return text(request.scheme);
  if (question == "authority") return text(request.authority);
  if (question == "path") return text(path);
  if (question == "raw-path") return text(request.rawPath);
  if (question == "client") return text(request.client);
  if (question == "query") return maybe(request.query);
  if (question == "header-names") return text(request.headerNames.join(","));
  if (question == "headers") return bytes(lines(request.headers));
  if (question == "response") return text(seen(new Response()));
  return askByName(question, request);
}

function askByName(question: string, request: Request): Outcome | null {
  if (question == "query-param") return maybe(request.queryParam(parameter(request, "name")));
  if (question == "header") return header(request);
  if (question == "header-values") return bytes(bracketed(request.headerValues(parameter(request, "name"))));
  if (question == "cookie") return maybe(request.cookie(parameter(request, "name")));
  if (question == "attribute") return maybe(request.attribute(parameter(request, "name")));
  return null;
}

function header(request: Request): Outcome {
  const value = request.headerBytes(parameter(request, "name"));
  return value === null ? absent() : bytes(value);
}

function bracketed(values: Array<Uint8Array>): Uint8Array {
  const parts: Array<Uint8Array> = [];
  for (let i = 0; i < values.length; i++) parts.push(join([encode("["), values[i], encode("]")]));
  return join(parts);
}

function lines(headers: Array<Header>): Uint8Array {
  const parts: Array<Uint8Array> = [];
  for (let i = 0; i < headers.length; i++) {
    parts.push(join([encode(headers[i].name + "="), headers[i].value, encode("\n")]));
  }
  return join(parts);
}

/** The head of the response, as far as there is one. */
export function seen(response: Response): string {
  const kind = response.header("content-type");
  return response.status.toString() + " " + (kind === null ? "absent" : kind) + " " + response.headers.length.toString();
}
