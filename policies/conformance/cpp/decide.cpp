// Paths that make each kind of decision, edit, and follow later phases.

#include "conformance.hpp"

static void deny(Outcome& outcome) {
  outcome.deny(static_cast<uint16_t>(number("status", 403)), param("reason")).reply_header("x-denied", "yes");
  if (param("retry")) outcome.retry_after_ms(number32("retry", 0));
}

static void respond(Outcome& outcome) {
  outcome.respond(static_cast<uint16_t>(number("status", 200)), param("body").value_or(""))
      .reply_header("x-one", "1")
      .reply_header("x-two", "2")
      .reply_header("x-one", "3");
}

bool decide(Text path, Outcome& outcome, const Settings& settings) {
  if (path == "/decide/next") outcome.next();
  else if (path == "/decide/backend") outcome.route(param("to"));
  else if (path == "/decide/weighted") outcome.route_weighted(settings.backend, 1).route_weighted("other", 3);
  else if (path == "/decide/subset") outcome.route_subset("zone", "eu-1").route_subset("node", "n1");
  else if (path == "/decide/redirect")
    outcome.redirect(static_cast<uint16_t>(number("status", 302)), param("location"));
  else if (path == "/decide/respond") respond(outcome);
  else if (path == "/decide/deny") deny(outcome);
  else if (path == "/body")
    outcome.want_body(number32("max", 1024), param("deny") == "1").carry({"b\0\xff", 3});
  else if (path == "/body/forward") outcome.want_body(1024, false).set_header("x-before", "body").carry("f");
  else return false;
  return true;
}

static void edit_all(Outcome& outcome) {
  outcome.set_header("x-set", "one")
      .append_header("x-append", "a")
      .append_header("x-append", "b")
      .remove_header("x-remove")
      .set_header("x-empty", "")
      .set_path("/edited/path")
      .set_query("a=1&b=2")
      .set_authority("edited.test:8080");
}

static void edit_response(Outcome& outcome) {
  outcome.set_response_header("x-set", "one").append_response_header("x-append", "b").remove_response_header("x-remove");
}

static void edit_bytes(Outcome& outcome) {
  Text bytes = unhex(param("hex"));
  outcome.want_body(16, false).set_header("x-bytes", bytes).set_response_header("x-bytes", bytes).carry("h");
}

static Text key_carry() {
  Text key = param("key");
  return cardea::print("c%.*s", static_cast<int>(key.size()), key.data());
}

static bool follow(Text path, Outcome& outcome) {
  if (path == "/follow/response") outcome.follow_response().carry({"k\0\x80\xff", 4});
  else if (path == "/follow/replace") outcome.follow_response().carry("r");
  else if (path == "/follow/ask") outcome.follow_response().carry("q");
  else if (path == "/follow/complete") outcome.follow_complete().carry(key_carry());
  else if (path == "/follow/both") outcome.follow_response().follow_complete().carry(key_carry());
  else return false;
  return true;
}

bool edit(Text path, Outcome& outcome) {
  if (path == "/edit/all") edit_all(outcome);
  else if (path == "/edit/no-query") outcome.set_query({});
  else if (path == "/edit/response") edit_response(outcome);
  else if (path == "/edit/bytes") edit_bytes(outcome);
  else if (path == "/label") outcome.label("group", "testers").label("who", param("who"));
  else return follow(path, outcome);
  return true;
}
