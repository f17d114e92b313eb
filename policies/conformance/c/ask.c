// Paths that tell what the exchange answers.

#include "conformance.h"

#include <string.h>

// A text that grows in the arena.
static void add(cardea_str *text, cardea_str more) {
  *text = cardea_text("%.*s%.*s", CARDEA_ARG(*text), CARDEA_ARG(more));
}

static cardea_str values(cardea_str name) {
  cardea_str text = cardea_str_of("");
  cardea_strs found = cardea_header_values(name);
  for (size_t i = 0; i < found.count; i++) add(&text, cardea_text("[%.*s]", CARDEA_ARG(found.items[i])));
  return text;
}

static cardea_str names(void) {
  cardea_str text = cardea_str_of("");
  cardea_strs found = cardea_header_names();
  for (size_t i = 0; i < found.count; i++) add(&text, cardea_text("%s%.*s", i ? "," : "", CARDEA_ARG(found.items[i])));
  return text;
}

static cardea_str fields(void) {
  cardea_str text = cardea_str_of("");
  cardea_fields found = cardea_headers();
  for (size_t i = 0; i < found.count; i++) {
    cardea_field field = found.items[i];
    add(&text, cardea_text("%.*s=%.*s\n", CARDEA_ARG(field.name), CARDEA_ARG(field.value)));
  }
  return text;
}

static void note(cardea_outcome *outcome) {
  cardea_str before = cardea_note("seen");
  cardea_set_note("seen", param("value"));
  cardea_label(outcome, "before", or_text(before, "absent"));
  cardea_label(outcome, "after", or_text(cardea_note("seen"), "absent"));
  cardea_follow_response(outcome);
  cardea_carry(outcome, "n");
}

// What is always there.
static cardea_str told(cardea_str what) {
  if (cardea_equal(what, "method")) return cardea_method();
  if (cardea_equal(what, "scheme")) return cardea_scheme();
  if (cardea_equal(what, "authority")) return cardea_authority();
  if (cardea_equal(what, "path")) return cardea_path();
  if (cardea_equal(what, "raw-path")) return cardea_raw_path();
  if (cardea_equal(what, "client")) return cardea_client();
  if (cardea_equal(what, "header-values")) return values(param("name"));
  if (cardea_equal(what, "header-names")) return names();
  if (cardea_equal(what, "headers")) return fields();
  if (cardea_equal(what, "response")) return seen();
  return CARDEA_ABSENT;
}

// What may be absent.
static bool may_tell(cardea_str what, cardea_str *told) {
  if (cardea_equal(what, "query")) *told = cardea_query();
  else if (cardea_equal(what, "query-param")) *told = cardea_query_param(param("name"));
  else if (cardea_equal(what, "header")) *told = cardea_header(param("name"));
  else if (cardea_equal(what, "cookie")) *told = cardea_cookie(param("name"));
  else if (cardea_equal(what, "attribute")) *told = cardea_attribute(param("name"));
  else return false;
  return true;
}

bool ask(cardea_str path, cardea_outcome *outcome) {
  if (cardea_equal(path, "/config")) {
    answer(outcome, cardea_text("%.*s\n%lld\n%.*s", CARDEA_ARG(config.backend), config.limit, CARDEA_ARG(config.mark)));
    return true;
  }
  if (cardea_equal(path, "/note")) {
    note(outcome);
    return true;
  }
  if (!cardea_starts_with(path, "/ask/")) return false;
  size_t prefix = strlen("/ask/");
  cardea_str what = cardea_bytes(path.data + prefix, path.size - prefix), text;
  if (may_tell(what, &text)) {
    answer_maybe(outcome, text);
    return true;
  }
  text = told(what);
  if (cardea_present(text)) answer(outcome, text);
  return cardea_present(text);
}
