// What a policy may ask: the imports of the interface, with views for texts and NULL for what is absent.

#include "outcome.h"

// The macros of cardea.h take literals; the functions behind them are defined here.
#undef cardea_query_param
#undef cardea_header
#undef cardea_header_values
#undef cardea_cookie
#undef cardea_attribute
#undef cardea_response_header
#undef cardea_set_note
#undef cardea_note
#undef cardea_log
#undef cardea_metrics_counter
#undef cardea_metrics_gauge
#undef cardea_metrics_histogram
#undef cardea_kv_get
#undef cardea_kv_set
#undef cardea_kv_compare_and_set
#undef cardea_kv_delete
#undef cardea_counters_add
#undef cardea_counters_get
#undef cardea_counters_take

// Lists of the interface are lists of ours, item by item.
_Static_assert(sizeof(cardea_str) == sizeof(cardea_wit_string_t), "a text is a pointer and a size");
_Static_assert(sizeof(cardea_field) == sizeof(cardea_policy_types_field_t), "a field is two of them");

// Present, even if the host put no pointer to its nothing.
static cardea_str present(const uint8_t *data, size_t size) {
  return (cardea_str){data ? (const char *)data : "", size};
}

#define TEXT(name)                       \
  cardea_str cardea_##name(void) {       \
    cardea_wit_string_t text;            \
    cardea_policy_exchange_##name(&text); \
    return present(text.ptr, text.len);  \
  }
TEXT(method)
TEXT(scheme)
TEXT(authority)
TEXT(path)
TEXT(raw_path)
TEXT(client)

cardea_str cardea_query(void) {
  cardea_wit_string_t text;
  return cardea_policy_exchange_query(&text) ? present(text.ptr, text.len) : CARDEA_ABSENT;
}

// Of one name: an answer, or none.
#define ANSWER(name, type)                                                                          \
  cardea_str cardea_##name(cardea_str of) {                                                         \
    cardea_wit_string_t key = wit_text(of);                                                         \
    type answer;                                                                                    \
    return cardea_policy_exchange_##name(&key, &answer) ? present(answer.ptr, answer.len) : CARDEA_ABSENT; \
  }
ANSWER(query_param, cardea_wit_string_t)
ANSWER(header, cardea_wit_list_u8_t)
ANSWER(cookie, cardea_wit_list_u8_t)
ANSWER(attribute, cardea_wit_string_t)
ANSWER(response_header, cardea_wit_list_u8_t)
ANSWER(note, cardea_wit_list_u8_t)

cardea_strs cardea_header_values(cardea_str name) {
  cardea_wit_string_t key = wit_text(name);
  cardea_wit_list_list_u8_t values;
  cardea_policy_exchange_header_values(&key, &values);
  return (cardea_strs){(const cardea_str *)values.ptr, values.len};
}

cardea_strs cardea_header_names(void) {
  cardea_wit_list_string_t names;
  cardea_policy_exchange_header_names(&names);
  return (cardea_strs){(const cardea_str *)names.ptr, names.len};
}

cardea_fields cardea_headers(void) {
  cardea_policy_exchange_list_field_t fields;
  cardea_policy_exchange_headers(&fields);
  return (cardea_fields){(const cardea_field *)fields.ptr, fields.len};
}

uint16_t cardea_response_status(void) { return cardea_policy_exchange_response_status(); }

cardea_fields cardea_response_headers(void) {
  cardea_policy_exchange_list_field_t fields;
  cardea_policy_exchange_response_headers(&fields);
  return (cardea_fields){(const cardea_field *)fields.ptr, fields.len};
}

void cardea_set_note(cardea_str key, cardea_str value) {
  cardea_wit_string_t name = wit_text(key);
  cardea_wit_list_u8_t bytes = wit_bytes(value);
  cardea_policy_exchange_set_note(&name, &bytes);
}

// ---- log

bool cardea_log_enabled(cardea_level level) { return cardea_policy_log_enabled((cardea_policy_log_level_t)level); }

void cardea_log(cardea_level level, cardea_str message) {
  cardea_wit_string_t text = wit_text(message);
  cardea_policy_log_log((cardea_policy_log_level_t)level, &text);
}

// ---- metrics

#define SERIES(kind)                              \
  uint32_t cardea_metrics_##kind(cardea_str name) { \
    cardea_wit_string_t text = wit_text(name);    \
    return cardea_policy_metrics_##kind(&text);   \
  }
SERIES(counter)
SERIES(gauge)
SERIES(histogram)

void cardea_metrics_add(uint32_t id, int64_t delta) { cardea_policy_metrics_add(id, delta); }
void cardea_metrics_set(uint32_t id, int64_t value) { cardea_policy_metrics_set(id, value); }
void cardea_metrics_observe(uint32_t id, uint64_t value) { cardea_policy_metrics_observe(id, value); }

// ---- clock, random

uint64_t cardea_clock_now_ms(void) { return cardea_policy_clock_now_ms(); }
uint64_t cardea_clock_monotonic_us(void) { return cardea_policy_clock_monotonic_us(); }

uint64_t cardea_random_u64(void) { return cardea_policy_random_next_u64(); }

cardea_str cardea_random_bytes(uint32_t count) {
  cardea_wit_list_u8_t bytes;
  cardea_policy_random_bytes(count, &bytes);
  return present(bytes.ptr, bytes.len);
}

// ---- kv-local

cardea_str cardea_kv_get(cardea_str key, uint64_t *version) {
  cardea_wit_string_t name = wit_text(key);
  cardea_wit_tuple2_list_u8_u64_t entry;
  if (!cardea_policy_kv_local_get(&name, &entry)) return CARDEA_ABSENT;
  if (version) *version = entry.f1;
  return present(entry.f0.ptr, entry.f0.len);
}

static cardea_kv_state written(bool good, uint64_t stored, cardea_policy_kv_local_error_t error, uint64_t *version) {
  if (good && version) *version = stored;
  return good ? CARDEA_KV_OK : (cardea_kv_state)(CARDEA_KV_DENIED + error.tag);
}

cardea_kv_state cardea_kv_set(cardea_str key, cardea_str value, uint32_t ttl_ms, uint64_t *version) {
  cardea_wit_string_t name = wit_text(key);
  cardea_wit_list_u8_t bytes = wit_bytes(value);
  uint64_t stored = 0;
  cardea_policy_kv_local_error_t error = {0};
  bool good = cardea_policy_kv_local_set(&name, &bytes, ttl_ms, &stored, &error);
  return written(good, stored, error, version);
}

cardea_kv_state cardea_kv_compare_and_set(cardea_str key, uint64_t expected, cardea_str value, uint32_t ttl_ms,
                                          uint64_t *version) {
  cardea_wit_string_t name = wit_text(key);
  cardea_wit_list_u8_t bytes = wit_bytes(value);
  uint64_t stored = 0;
  cardea_policy_kv_local_error_t error = {0};
  bool good = cardea_policy_kv_local_compare_and_set(&name, expected, &bytes, ttl_ms, &stored, &error);
  return written(good, stored, error, version);
}

void cardea_kv_delete(cardea_str key) {
  cardea_wit_string_t name = wit_text(key);
  cardea_policy_kv_local_delete(&name);
}

// ---- counters

int64_t cardea_counters_add(cardea_str key, int64_t delta, uint32_t ttl_ms) {
  cardea_wit_string_t name = wit_text(key);
  return cardea_policy_counters_add(&name, delta, ttl_ms);
}

int64_t cardea_counters_get(cardea_str key) {
  cardea_wit_string_t name = wit_text(key);
  return cardea_policy_counters_get(&name);
}

cardea_bucket cardea_counters_take(cardea_str key, uint32_t cost, uint32_t limit, uint32_t window_ms) {
  cardea_wit_string_t name = wit_text(key);
  cardea_policy_counters_bucket_t bucket;
  cardea_policy_counters_take(&name, cost, limit, window_ms, &bucket);
  return (cardea_bucket){bucket.allowed, bucket.remaining, bucket.retry_after_ms};
}
