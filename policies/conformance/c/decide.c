// Paths that make each kind of decision.

#include "conformance.h"

static void deny(cardea_outcome *outcome) {
  cardea_deny(outcome, (uint16_t)param_u64("status", 403), param("reason"));
  cardea_reply_header(outcome, "x-denied", "yes");
  if (cardea_present(param("retry"))) cardea_retry_after_ms(outcome, (uint32_t)param_u64("retry", 0));
}

static void respond(cardea_outcome *outcome) {
  cardea_respond(outcome, (uint16_t)param_u64("status", 200), or_text(param("body"), ""));
  cardea_reply_header(outcome, "x-one", "1");
  cardea_reply_header(outcome, "x-two", "2");
  cardea_reply_header(outcome, "x-one", "3");
}

static void body(cardea_outcome *outcome) {
  cardea_want_body(outcome, (uint32_t)param_u64("max", 1024), cardea_equal(param("deny"), "1"));
  cardea_carry(outcome, cardea_bytes("b\0\xff", 3));
}

static bool choose(cardea_str path, cardea_outcome *outcome) {
  if (cardea_equal(path, "/decide/backend")) {
    cardea_route(outcome, param("to"));
  } else if (cardea_equal(path, "/decide/weighted")) {
    cardea_route_weighted(outcome, config.backend, 1);
    cardea_route_weighted(outcome, "other", 3);
  } else if (cardea_equal(path, "/decide/subset")) {
    cardea_route_subset(outcome, "zone", "eu-1");
    cardea_route_subset(outcome, "node", "n1");
  } else {
    return false;
  }
  return true;
}

bool decide(cardea_str path, cardea_outcome *outcome) {
  if (cardea_equal(path, "/decide/next")) {
    cardea_next(outcome);
  } else if (cardea_equal(path, "/decide/redirect")) {
    cardea_redirect(outcome, (uint16_t)param_u64("status", 302), param("location"));
  } else if (cardea_equal(path, "/decide/respond")) {
    respond(outcome);
  } else if (cardea_equal(path, "/decide/deny")) {
    deny(outcome);
  } else if (cardea_equal(path, "/body")) {
    body(outcome);
  } else if (cardea_equal(path, "/body/forward")) {
    cardea_want_body(outcome, 1024, false);
    cardea_set_header(outcome, "x-before", "body");
    cardea_carry(outcome, "f");
  } else {
    return choose(path, outcome);
  }
  return true;
}
