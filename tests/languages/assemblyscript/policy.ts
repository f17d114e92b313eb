// What the conformance policy leaves out of the AssemblyScript SDK: every kind of config field, prefixes, and Spread.

import { Config, decode, encode, Outcome, Request, Spread, under } from "./.cardea/guest-sdk/assemblyscript";

let told = "";

export function init(config: Config): void {
  told = config.textOr("text", "none") + " " + config.booleanOr("yes", false).toString() + " ";
  told += config.numberOr("share", 0.5).toString() + " " + config.integerOr("signed", 7).toString() + " ";
  told += config.durationOr("ttl", 1).toString() + " " + config.texts("names").join("+") + " ";
  const rules = config.maps("rules");
  for (let i = 0; i < rules.length; i++) told += rules[i].text("name") + "=" + rules[i].integer("weight").toString() + ";";
  const cookie = config.map("cookie");
  told += " " + cookie.textOr("name", "no cookie") + " " + cookie.map("set").durationOr("age", 0).toString();
}

export function onRequest(request: Request): Outcome {
  const path = request.path;
  if (path == "/config") return Outcome.respond(200, told);
  if (path == "/position") return Outcome.respond(200, new Spread("canary").position("a").toString());
  if (path == "/bytes") return Outcome.respond(200, decode(encode("é€😀")) + String.fromCharCode(0xd83d));
  if (path == "/index") return Outcome.respond(200, [told][1]);
  if (path == "/garbage") return Outcome.respond(200, waste().toString());
  return Outcome.deny(403, under(path, "/admin/") ? "admin" : "other");
}

/** Some 60 MB, in one call, of a memory of 16. */
function waste(): i32 {
  let length = 0;
  for (let i = 0; i < 6000; i++) length += new Uint8Array(10000).length;
  return length;
}
