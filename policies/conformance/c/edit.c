// Paths that edit the request or the response, label, and follow later phases.

#include "conformance.h"

static void edit_all(cardea_outcome *outcome) {
  cardea_set_header(outcome, "x-set", "one");
  cardea_append_header(outcome, "x-append", "a");
  cardea_append_header(outcome, "x-append", "b");
  cardea_remove_header(outcome, "x-remove");
  cardea_set_header(outcome, "x-empty", "");
  cardea_set_path(outcome, "/edited/path");
  cardea_set_query(outcome, "a=1&b=2");
  cardea_set_authority(outcome, "edited.test:8080");
}

static void edit_response(cardea_outcome *outcome) {
  cardea_set_response_header(outcome, "x-set", "one");
  cardea_append_response_header(outcome, "x-append", "b");
  cardea_remove_response_header(outcome, "x-remove");
}

static void edit_bytes(cardea_outcome *outcome) {
  cardea_str bytes = unhex(param("hex"));
  cardea_want_body(outcome, 16, false);
  cardea_set_header(outcome, "x-bytes", bytes);
  cardea_set_response_header(outcome, "x-bytes", bytes);
  cardea_carry(outcome, "h");
}

static void follow(cardea_outcome *outcome, bool response, bool complete, cardea_str carry) {
  if (response) cardea_follow_response(outcome);
  if (complete) cardea_follow_complete(outcome);
  cardea_carry(outcome, carry);
}

static bool follow_by(cardea_str path, cardea_outcome *outcome) {
  if (cardea_equal(path, "/follow/response")) {
    follow(outcome, true, false, cardea_bytes("k\0\x80\xff", 4));
  } else if (cardea_equal(path, "/follow/replace")) {
    follow(outcome, true, false, cardea_str_of("r"));
  } else if (cardea_equal(path, "/follow/ask")) {
    follow(outcome, true, false, cardea_str_of("q"));
  } else if (cardea_equal(path, "/follow/complete")) {
    follow(outcome, false, true, cardea_text("c%.*s", CARDEA_ARG(param("key"))));
  } else if (cardea_equal(path, "/follow/both")) {
    follow(outcome, true, true, cardea_text("c%.*s", CARDEA_ARG(param("key"))));
  } else {
    return false;
  }
  return true;
}

bool edit(cardea_str path, cardea_outcome *outcome) {
  if (cardea_equal(path, "/edit/all")) {
    edit_all(outcome);
  } else if (cardea_equal(path, "/edit/no-query")) {
    cardea_set_query(outcome, CARDEA_ABSENT);
  } else if (cardea_equal(path, "/edit/response")) {
    edit_response(outcome);
  } else if (cardea_equal(path, "/edit/bytes")) {
    edit_bytes(outcome);
  } else if (cardea_equal(path, "/label")) {
    cardea_label(outcome, "group", "testers");
    cardea_label(outcome, "who", param("who"));
  } else {
    return follow_by(path, outcome);
  }
  return true;
}
