// The conformance policy: what each path does is said in ../README.md.

#include "conformance.h"

struct config config;

void cardea_init(cardea_config *given) {
  config.backend = cardea_config_text(given, "backend");
  config.limit = cardea_config_int_or(given, "limit", 1, 1000, 3);
  config.mark = cardea_config_text_or(given, "mark", "cardea");
  if (cardea_equal(config.backend, "")) cardea_config_refuse(given, "backend", "name a backend of the route");
}

static void otherwise(cardea_outcome *outcome) {
  if (cardea_equal(cardea_header("x-canary"), "1")) {
    cardea_route(outcome, config.backend);
  } else {
    cardea_set_header(outcome, "x-policy", config.mark);
  }
}

void cardea_on_request(cardea_outcome *outcome) {
  cardea_str path = cardea_path();
  if (!ask(path, outcome) && !decide(path, outcome) && !edit(path, outcome) && !serve(path, outcome)) otherwise(outcome);
}
