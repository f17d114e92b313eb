// Paths that use the interfaces which have to be granted.

#include "conformance.h"

#include <stdlib.h>
#include <string.h>

static cardea_str log_all(void) {
  char asked[5];
  for (int level = CARDEA_TRACE; level <= CARDEA_ERROR; level++) {
    bool enabled = cardea_log_enabled((cardea_level)level);
    if (enabled) cardea_log((cardea_level)level, param("text"));
    asked[level] = enabled ? '1' : '0';
  }
  return cardea_copy(cardea_bytes(asked, sizeof asked));
}

static cardea_str measure(void) {
  cardea_metrics_add(cardea_metrics_counter("conformance_calls"), 1);
  uint32_t level = cardea_metrics_gauge("conformance_level");
  cardea_metrics_set(level, -5);
  cardea_metrics_add(level, 3);
  cardea_metrics_observe(cardea_metrics_histogram("conformance_size"), 42);
  cardea_metrics_add(cardea_metrics_counter("conformance_calls"), 1);
  return cardea_str_of("measured");
}

static cardea_str now(void) {
  uint64_t first = cardea_clock_now_ms(), start = cardea_clock_monotonic_us();
  bool frozen = cardea_clock_now_ms() == first && cardea_clock_monotonic_us() == start;
  return cardea_text("%llu %s", first, frozen ? "frozen" : "moved");
}

static cardea_str since(void) {
  uint64_t now = cardea_clock_monotonic_us(), before = 0;
  cardea_str kept = cardea_kv_get("since", NULL);
  cardea_kv_set("since", cardea_text("%llu", now), 0, NULL);
  if (!cardea_to_u64(kept, &before)) return cardea_str_of("first");
  return cardea_text("%llu", now - before);
}

static cardea_str written(cardea_kv_state state, uint64_t version) {
  static const char *const errors[] = {"", "denied", "quota", "too-large", "invalid", "conflict"};
  return state == CARDEA_KV_OK ? cardea_text("version %llu", version) : cardea_text("error %s", errors[state]);
}

static cardea_str kv_set(void) {
  uint64_t version = 0;
  cardea_str key = param("key"), size = param("size"), value;
  if (cardea_present(size)) {
    size_t count = (size_t)param_u64("size", 0);
    value = cardea_bytes(memset(malloc(count), 'x', count), count);
  } else {
    value = param("value");
  }
  cardea_kv_state state = cardea_kv_set(key, value, (uint32_t)param_u64("ttl", 0), &version);
  return written(state, version);
}

static cardea_str kv_compare_and_set(void) {
  uint64_t version = 0;
  cardea_kv_state state = cardea_kv_compare_and_set(param("key"), param_u64("version", 0), param("value"),
                                                    (uint32_t)param_u64("ttl", 0), &version);
  return written(state, version);
}

static cardea_str take(void) {
  cardea_bucket bucket = cardea_counters_take(param("key"), (uint32_t)param_u64("cost", 1), (uint32_t)config.limit,
                                              (uint32_t)param_u64("window", 0));
  return cardea_text("%s %u %u", bucket.allowed ? "allowed" : "refused", bucket.remaining, bucket.retry_after_ms);
}

static cardea_str kv_get(void) {
  uint64_t version;
  cardea_str value = cardea_kv_get(param("key"), &version);
  return cardea_present(value) ? cardea_text("%llu %.*s", version, CARDEA_ARG(value)) : CARDEA_ABSENT;
}

static cardea_str stored(cardea_str path) {
  if (cardea_equal(path, "/kv/set")) return kv_set();
  if (cardea_equal(path, "/kv/cas")) return kv_compare_and_set();
  if (cardea_equal(path, "/counters/add"))
    return cardea_text("%lld", cardea_counters_add(param("key"), param_i64("delta", 0), (uint32_t)param_u64("ttl", 0)));
  if (cardea_equal(path, "/counters/get")) return cardea_text("%lld", cardea_counters_get(param("key")));
  if (cardea_equal(path, "/counters/take")) return take();
  if (cardea_equal(path, "/kv/delete")) {
    cardea_kv_delete(param("key"));
    return cardea_str_of("deleted");
  }
  return CARDEA_ABSENT;
}

static cardea_str told(cardea_str path) {
  if (cardea_equal(path, "/log")) return log_all();
  if (cardea_equal(path, "/metrics")) return measure();
  if (cardea_equal(path, "/clock")) return now();
  if (cardea_equal(path, "/clock/since")) return since();
  if (cardea_equal(path, "/random/u64")) return cardea_text("%llu", cardea_random_u64());
  if (cardea_equal(path, "/random/bytes")) return hex(cardea_random_bytes((uint32_t)param_u64("len", 0)));
  return stored(path);
}

bool serve(cardea_str path, cardea_outcome *outcome) {
  if (cardea_equal(path, "/fail")) abort();
  if (cardea_equal(path, "/kv/get")) {
    answer_maybe(outcome, kv_get());
    return true;
  }
  cardea_str text = told(path);
  if (cardea_present(text)) answer(outcome, text);
  return cardea_present(text);
}
