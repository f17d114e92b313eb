// Decisions, edits, and what asks for later phases.

import { decode, encode, Label, Outcome, Request, Weighted } from "./.cardea/guest-sdk/assemblyscript";
import { settings } from "./settings";
import { fromHex, number, parameter, raw, text } from "./words";

export function decide(path: string, request: Request): Outcome | null {
  if (path == "/config") return text(settings.backend + "\n" + settings.limit.toString() + "\n" + settings.mark);
  if (path == "/note") return note(request);
  if (path == "/decide/next") return Outcome.next();
  if (path == "/decide/backend") return Outcome.route(parameter(request, "to"));
  if (path == "/decide/weighted") {
    return Outcome.weighted([new Weighted(settings.backend, 1), new Weighted("other", 3)]);
  }
  if (path == "/decide/subset") return Outcome.subset([new Label("zone", "eu-1"), new Label("node", "n1")]);
  if (path == "/decide/redirect") {
    return Outcome.redirect(<i32>number(request, "status", 302), parameter(request, "location"));
  }
  if (path == "/decide/respond") return respond(request);
  if (path == "/decide/deny") return deny(request);
  if (path == "/label") return Outcome.next().label("group", "testers").label("who", parameter(request, "who"));
  const edited = edit(path, request);
  return edited === null ? follow(path, request) : edited;
}

function seen(request: Request): string {
  const note = request.note("seen");
  return note === null ? "absent" : decode(note);
}

function note(request: Request): Outcome {
  const before = seen(request);
  request.setNote("seen", encode(parameter(request, "value")));
  return Outcome.next().label("before", before).label("after", seen(request)).followResponse().carry(encode("n"));
}

function respond(request: Request): Outcome {
  return Outcome.respond(<i32>number(request, "status", 200), parameter(request, "body"))
    .withHeader("x-one", "1")
    .withHeader("x-two", "2")
    .withHeader("x-one", "3");
}

function deny(request: Request): Outcome {
  const denial = Outcome.deny(<i32>number(request, "status", 403), parameter(request, "reason"))
    .withHeader("x-denied", "yes");
  const retry = request.queryParam("retry");
  return retry === null ? denial : denial.retryAfterMs(<u32>I64.parseInt(retry));
}

function edit(path: string, request: Request): Outcome | null {
  if (path == "/edit/all") {
    return Outcome.next()
      .setHeader("x-set", "one")
      .appendHeader("x-append", "a")
      .appendHeader("x-append", "b")
      .removeHeader("x-remove")
      .setHeader("x-empty", "")
      .setPath("/edited/path")
      .setQuery("a=1&b=2")
      .setAuthority("edited.test:8080");
  }
  if (path == "/edit/no-query") return Outcome.next().setQuery(null);
  if (path == "/edit/response") {
    return Outcome.next()
      .setResponseHeader("x-set", "one")
      .appendResponseHeader("x-append", "b")
      .removeResponseHeader("x-remove");
  }
  if (path == "/edit/bytes") {
    const bytes = fromHex(parameter(request, "hex"));
    return Outcome.wantBody(16)
      .setHeaderBytes("x-bytes", bytes)
      .setResponseHeaderBytes("x-bytes", bytes)
      .carry(encode("h"));
  }
  return null;
}

function follow(path: string, request: Request): Outcome | null {
  if (path == "/body") {
    const max = <u32>number(request, "max", 1024);
    return Outcome.wantBody(max, request.queryParam("deny") == "1").carry(raw([0x62, 0, 0xff]));
  }
  if (path == "/body/forward") return Outcome.wantBody(1024).setHeader("x-before", "body").carry(encode("f"));
  if (path == "/follow/response") return Outcome.next().followResponse().carry(raw([0x6b, 0, 0x80, 0xff]));
  if (path == "/follow/replace") return Outcome.next().followResponse().carry(encode("r"));
  if (path == "/follow/ask") return Outcome.next().followResponse().carry(encode("q"));
  if (path == "/follow/complete") return Outcome.next().followComplete().carry(encode("c" + parameter(request, "key")));
  if (path == "/follow/both") {
    return Outcome.next().followResponse().followComplete().carry(encode("c" + parameter(request, "key")));
  }
  return null;
}
