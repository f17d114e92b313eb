// Every question about the exchange.

import { type Outcome, type Request, Response } from "#cardea";

import { join, maybe, parameter, text } from "./text.ts";

export function outcome(path: string, request: Request): Outcome | undefined {
  const name = () => parameter(request, "name");
  switch (path) {
    case "/ask/method":
      return text(request.method);
    case "/ask/scheme":
      return text(request.scheme);
    case "/ask/authority":
      return text(request.authority);
    case "/ask/path":
      return text(path);
    case "/ask/raw-path":
      return text(request.rawPath);
    case "/ask/client":
      return text(request.client);
    case "/ask/query":
      return maybe(request.query);
    case "/ask/query-param":
      return maybe(request.queryParam(name()));
    case "/ask/header":
      return maybe(request.headerBytes(name()));
    case "/ask/header-values":
      return text(join(...request.headerValuesBytes(name()).flatMap((value) => ["[", value, "]"])));
    case "/ask/header-names":
      return text(request.headerNames().join(","));
    case "/ask/headers":
      return text(join(...request.headers().flatMap(({ name, bytes }) => [`${name}=`, bytes, "\n"])));
    case "/ask/cookie":
      return maybe(request.cookieBytes(name()));
    case "/ask/attribute":
      return maybe(request.attribute(name()));
    case "/ask/response":
      return text(seen(new Response()));
  }
}

/** The head of the response, as far as there is one. */
export function seen(response: Response): string {
  return `${response.status} ${response.header("content-type") ?? "absent"} ${response.headers().length}`;
}
