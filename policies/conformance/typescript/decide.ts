// Every decision and every edit.

import { Outcome, Reply, type Request } from "#cardea";

import type { Config } from "./policy.ts";
import { fromHex, number, parameter, text } from "./text.ts";

export function outcome(path: string, request: Request, { backend, limit, mark }: Config): Outcome | undefined {
  switch (path) {
    case "/config":
      return text(`${backend}\n${limit}\n${mark}`);
    case "/note":
      return note(request);
    case "/decide/next":
      return Outcome.next();
    case "/decide/backend":
      return Outcome.to(parameter(request, "to"));
    case "/decide/weighted":
      return Outcome.next().routeWeighted({ [backend]: 1, other: 3 });
    case "/decide/subset":
      return Outcome.next().routeSubset({ zone: "eu-1", node: "n1" });
    case "/decide/redirect":
      return Outcome.redirect(number(request, "status", 302), parameter(request, "location"));
    case "/decide/respond":
      return Outcome.respond(new Reply(number(request, "status", 200)).header("x-one", "1").header("x-two", "2").header("x-one", "3").withBody(parameter(request, "body")));
    case "/decide/deny":
      return deny(request);
    case "/label":
      return Outcome.next().label("group", "testers").label("who", parameter(request, "who"));
  }
  return edit(path, request) ?? follow(path, request);
}

function note(request: Request): Outcome {
  const before = request.noteText("seen") ?? "absent";
  request.setNote("seen", parameter(request, "value"));
  const after = request.noteText("seen") ?? "absent";
  return Outcome.next().label("before", before).label("after", after).followResponse().withCarry("n");
}

function deny(request: Request): Outcome {
  const denial = Outcome.deny(number(request, "status", 403), parameter(request, "reason")).withHeader("x-denied", "yes");
  const retry = request.queryParam("retry");
  return retry === undefined ? denial : denial.retryAfter(Number(retry));
}

function edit(path: string, request: Request): Outcome | undefined {
  switch (path) {
    case "/edit/all":
      return Outcome.next()
        .setHeader("x-set", "one")
        .appendHeader("x-append", "a")
        .appendHeader("x-append", "b")
        .removeHeader("x-remove")
        .setHeader("x-empty", "")
        .setPath("/edited/path")
        .setQuery("a=1&b=2")
        .setAuthority("edited.test:8080");
    case "/edit/no-query":
      return Outcome.next().setQuery(undefined);
    case "/edit/response":
      return Outcome.next().setResponseHeader("x-set", "one").appendResponseHeader("x-append", "b").removeResponseHeader("x-remove");
    case "/edit/bytes": {
      const bytes = fromHex(parameter(request, "hex"));
      return Outcome.wantBody(16).setHeader("x-bytes", bytes).setResponseHeader("x-bytes", bytes).withCarry("h");
    }
  }
}

function follow(path: string, request: Request): Outcome | undefined {
  const keyed = () => `c${parameter(request, "key")}`;
  switch (path) {
    case "/body": {
      const denyOnOverflow = request.queryParam("deny") === "1";
      return Outcome.wantBody(number(request, "max", 1024), { denyOnOverflow }).withCarry(Uint8Array.of(0x62, 0, 0xff));
    }
    case "/body/forward":
      return Outcome.wantBody(1024).setHeader("x-before", "body").withCarry("f");
    case "/follow/response":
      return Outcome.next().followResponse().withCarry(Uint8Array.of(0x6b, 0, 0x80, 0xff));
    case "/follow/replace":
      return Outcome.next().followResponse().withCarry("r");
    case "/follow/ask":
      return Outcome.next().followResponse().withCarry("q");
    case "/follow/complete":
      return Outcome.next().followComplete().withCarry(keyed());
    case "/follow/both":
      return Outcome.next().followResponse().followComplete().withCarry(keyed());
  }
}
