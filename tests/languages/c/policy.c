// What the conformance policy leaves out of the C SDK: the rest of the config reader, formatting, memory, bounds of outcomes.

#include <cardea.h>
#include <stdlib.h>
#include <string.h>

static cardea_str told;

static void tell(const char *name, cardea_str value) {
  told = cardea_text("%.*s%s=%.*s;", CARDEA_ARG(told), name, CARDEA_ARG(value));
}

void cardea_init(cardea_config *config) {
  told = cardea_str_of("");
  tell("wait", cardea_text("%u", cardea_config_duration_or(config, "wait", 7)));
  tell("share", cardea_text("%d", (int)(cardea_config_number_or(config, "share", 0, 100, 0.5) * 1000 + 0.5)));
  tell("on", cardea_str_of(cardea_config_bool_or(config, "on", false) ? "yes" : "no"));
  tell("least", cardea_text("%lld", cardea_config_int_or(config, "least", INT64_MIN, INT64_MAX, 0)));
  cardea_strs names = cardea_config_texts(config, "names");
  for (size_t i = 0; i < names.count; i++) tell("name", names.items[i]);
  cardea_config *inner = cardea_config_object(config, "inner");
  if (inner) tell("inner", cardea_config_text(inner, "name"));
  cardea_config *rule;
  for (size_t i = 0; (rule = cardea_config_item(config, "rules", i)); i++)
    tell("rule", cardea_text("%lld", cardea_config_int(rule, "weight", 1, 9)));
}

static void format(cardea_outcome *outcome) {
  cardea_str text = cardea_text("[%5d|%c|%05d|%3s|%x|%llx|%08x|%lu|%zu|%%|%.*s|%i]", -42, 'c', -42, "ab", 255u,
                                0xfedcba9876543210ull, 0xbeefu, 4000000000ul, (size_t)7, 2, "xyz", -7);
  cardea_respond(outcome, 200, text);
}

// More in one call than the instance has at its start, freed when it is over.
static void allocate(cardea_outcome *outcome) {
  char *grown = malloc(1);
  for (size_t size = 1; size <= 1 << 20; size *= 2) {
    grown = realloc(grown, size * 2);
    memset(grown + size, 'x', size);
  }
  int *zeros = calloc(1000, sizeof *zeros), sum = 0;
  for (int i = 0; i < 1000; i++) sum += zeros[i];
  free(grown);
  cardea_respond(outcome, 200, cardea_text("%d %c %c", sum, grown[1], grown[(1 << 21) - 1]));
}

static void library(cardea_outcome *outcome) {
  char text[] = "one two one";
  memmove(text + 1, text, 3);
  bool good = strcmp(text, "oonetwo one") == 0 && strchr(text, 't') == text + 4 && strrchr(text, 'o') == text + 8 &&
              strstr(text, "two") == text + 4 && strstr(text, "three") == NULL && strncmp("abc", "abd", 2) == 0 &&
              memchr(text, 'w', sizeof text) == text + 5 && strlen(text) == 11 && memcmp("a", "b", 1) < 0 &&
              cardea_ends_with(cardea_str_of(text), "one") && cardea_contains(cardea_str_of(text), "two") &&
              !cardea_contains("ab", "abc") && !cardea_equal("", CARDEA_ABSENT);
  uint64_t number = 1;
  good = good && !cardea_to_u64(cardea_str_of("18446744073709551616"), &number) && number == 1 &&
         cardea_to_u64(cardea_str_of("18446744073709551615"), &number) && number == UINT64_MAX;
  int64_t whole = 1;
  good = good && cardea_to_i64(cardea_str_of("-9223372036854775808"), &whole) && whole == INT64_MIN &&
         !cardea_to_i64(cardea_str_of("9223372036854775808"), &whole) && !cardea_to_i64(cardea_str_of("-"), &whole);
  cardea_respond(outcome, 200, good ? "good" : "bad");
}

void cardea_on_request(cardea_outcome *outcome) {
  cardea_str path = cardea_path();
  if (cardea_equal(path, "/told")) cardea_respond(outcome, 200, told);
  if (cardea_equal(path, "/format")) format(outcome);
  if (cardea_equal(path, "/allocate")) allocate(outcome);
  if (cardea_equal(path, "/library")) library(outcome);
  if (cardea_equal(path, "/edits"))
    for (int i = 0; i < 1000; i++) cardea_set_header(outcome, "x-many", "1");
  if (cardea_equal(path, "/labels"))
    for (int i = 0; i < 1000; i++) cardea_label(outcome, cardea_text("l%d", i), "1");
}
