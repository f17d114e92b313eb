// The config as the policy asks for it, and the first reason to refuse it.

#include "config.h"

#include <string.h>

#include "format.h"
#include "json.h"

struct cardea_config {
  json *object;
  cardea_str path; // `config`, `config.header`, `config.rules[2]`
  struct cardea_config *root;
  cardea_str error; // Of the root: the first one.
  struct cardea_config *read, *next; // Of the root: the objects within it that the policy asked for.
};

static void refuse(cardea_config *config, cardea_str message) {
  if (!cardea_present(config->root->error)) config->root->error = message;
}

void cardea_config_refuse(cardea_config *config, const char *field, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  cardea_str message = cardea_text_of(format, arguments);
  va_end(arguments);
  refuse(config, cardea_text("%.*s.%s: %.*s", CARDEA_ARG(config->path), field, CARDEA_ARG(message)));
}

cardea_config *cardea_config_read(cardea_str text) {
  cardea_config *config = cardea_alloc(sizeof *config);
  memset(config, 0, sizeof *config);
  config->root = config;
  config->path = cardea_str_of("config");
  config->object = json_read(text);
  if (!config->object) {
    refuse(config, cardea_str_of("config: not JSON, or more than 16 levels deep"));
  } else if (config->object->kind != JSON_OBJECT && config->object->kind != JSON_NULL) {
    refuse(config, cardea_str_of("config: expected an object"));
  }
  return config;
}

static void refuse_unknown(cardea_config *config) {
  for (json *member = config->object ? config->object->first : NULL; member; member = member->next)
    if (!member->asked)
      refuse(config, cardea_text("%.*s.%.*s: unknown field", CARDEA_ARG(config->path), CARDEA_ARG(member->key)));
}

cardea_str cardea_config_error(cardea_config *config) {
  refuse_unknown(config);
  for (cardea_config *within = config->read; within; within = within->next) refuse_unknown(within);
  return config->error;
}

// The field's value, the last one if it is written twice; NULL if it is absent or null.
static json *find(cardea_config *config, const char *field) {
  json *found = NULL;
  if (!config->object || config->object->kind != JSON_OBJECT) return NULL;
  for (json *member = config->object->first; member; member = member->next) {
    if (!cardea_equal(member->key, field)) continue;
    member->asked = true;
    found = member;
  }
  return found && found->kind != JSON_NULL ? found : NULL;
}

// The same, of one kind; anything else refuses the config.
static json *find_kind(cardea_config *config, const char *field, json_kind kind) {
  static const char *const names[] = {"null", "true or false", "a number", "a text", "a list", "an object"};
  json *found = find(config, field);
  if (!found || found->kind == kind) return found;
  cardea_config_refuse(config, field, "expected %s, found %s", names[kind], names[found->kind]);
  return NULL;
}

static bool is_missing(cardea_config *config, const char *field) {
  if (find(config, field)) return false;
  cardea_config_refuse(config, field, "required, and absent");
  return true;
}

bool cardea_config_has(cardea_config *config, const char *field) { return find(config, field) != NULL; }

cardea_str cardea_config_text_or(cardea_config *config, const char *field, const char *absent) {
  json *found = find_kind(config, field, JSON_TEXT);
  return found ? found->text : cardea_str_of(absent);
}

cardea_str cardea_config_text(cardea_config *config, const char *field) {
  return is_missing(config, field) ? cardea_str_of("") : cardea_config_text_or(config, field, "");
}

int64_t cardea_config_int_or(cardea_config *config, const char *field, int64_t min, int64_t max, int64_t absent) {
  json *found = find_kind(config, field, JSON_NUMBER);
  if (!found) return absent;
  if (found->is_whole && found->whole >= min && found->whole <= max) return found->whole;
  cardea_config_refuse(config, field, "expected a whole number from %lld to %lld", (long long)min, (long long)max);
  return absent;
}

int64_t cardea_config_int(cardea_config *config, const char *field, int64_t min, int64_t max) {
  return is_missing(config, field) ? min : cardea_config_int_or(config, field, min, max, min);
}

double cardea_config_number_or(cardea_config *config, const char *field, double min, double max, double absent) {
  json *found = find_kind(config, field, JSON_NUMBER);
  if (!found) return absent;
  if (found->number >= min && found->number <= max) return found->number;
  cardea_config_refuse(config, field, "expected a number from about %lld to %lld", (long long)min, (long long)max);
  return absent;
}

bool cardea_config_bool_or(cardea_config *config, const char *field, bool absent) {
  json *found = find_kind(config, field, JSON_BOOL);
  return found ? found->truth : absent;
}

uint32_t cardea_config_duration_or(cardea_config *config, const char *field, uint32_t absent_ms) {
  static const struct {
    const char *unit;
    uint32_t ms;
  } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
  json *found = find_kind(config, field, JSON_TEXT);
  if (!found) return absent_ms;
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    uint64_t count;
    size_t size = strlen(units[i].unit);
    if (!cardea_ends_with(found->text, units[i].unit)) continue;
    if (!cardea_to_u64(cardea_bytes(found->text.data, found->text.size - size), &count)) continue;
    if (count <= UINT32_MAX / units[i].ms) return (uint32_t)count * units[i].ms;
  }
  cardea_config_refuse(config, field, "expected a duration such as \"250ms\", \"2s\", \"5m\" or \"1h\"");
  return absent_ms;
}

cardea_strs cardea_config_texts(cardea_config *config, const char *field) {
  json *found = find_kind(config, field, JSON_LIST);
  size_t count = 0, index = 0;
  for (json *item = found ? found->first : NULL; item; item = item->next) count++;
  cardea_str *items = cardea_alloc(count * sizeof *items);
  for (json *item = found ? found->first : NULL; item; item = item->next) {
    if (item->kind != JSON_TEXT) cardea_config_refuse(config, field, "expected a list of texts");
    items[index++] = item->text;
  }
  return (cardea_strs){items, count};
}

// A reader of an object within; the root looks through it for unknown fields in the end.
static cardea_config *within(cardea_config *config, json *object, cardea_str path) {
  cardea_config *reader = cardea_alloc(sizeof *reader);
  *reader = (cardea_config){.object = object, .path = path, .root = config->root, .next = config->root->read};
  config->root->read = reader;
  return reader;
}

cardea_config *cardea_config_object(cardea_config *config, const char *field) {
  json *found = find_kind(config, field, JSON_OBJECT);
  return found ? within(config, found, cardea_text("%.*s.%s", CARDEA_ARG(config->path), field)) : NULL;
}

cardea_config *cardea_config_item(cardea_config *config, const char *field, size_t index) {
  json *found = find_kind(config, field, JSON_LIST);
  json *item = found ? found->first : NULL;
  for (size_t i = 0; item && i < index; i++) item = item->next;
  if (!item) return NULL;
  cardea_str path = cardea_text("%.*s.%s[%zu]", CARDEA_ARG(config->path), field, index);
  if (item->kind != JSON_OBJECT) refuse(config, cardea_text("%.*s: expected an object", CARDEA_ARG(path)));
  return within(config, item, path);
}
