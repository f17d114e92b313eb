// What the parts of the conformance policy share; ../README.md says what each path means.
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include <cardea.h>

extern struct config {
  cardea_str backend;
  int64_t limit;
  cardea_str mark;
} config;

// Each takes the paths that it knows, and is false for the others.
bool ask(cardea_str path, cardea_outcome *outcome);
bool decide(cardea_str path, cardea_outcome *outcome);
bool edit(cardea_str path, cardea_outcome *outcome);
bool serve(cardea_str path, cardea_outcome *outcome);

// ---- the words of the page

// 200, text/plain.
void answer(cardea_outcome *outcome, cardea_str body);
// The same, or 404 where there is none.
void answer_maybe(cardea_outcome *outcome, cardea_str body);
cardea_str hex(cardea_str bytes);
cardea_str unhex(cardea_str digits);
// Status, content type and number of headers of the response.
cardea_str seen(void);
// The query parameter, as text and as numbers.
cardea_str param(const char *name);
uint64_t param_u64(const char *name, uint64_t absent);
int64_t param_i64(const char *name, int64_t absent);

static inline cardea_str or_text(cardea_str text, const char *absent) {
  return cardea_present(text) ? text : cardea_str_of(absent);
}

#endif
