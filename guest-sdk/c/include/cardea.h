// Write a Cardea routing policy in C.
//
// A policy defines cardea_init and cardea_on_request, and those later phases that it wants. `cardea policy build` sees
// which ones it defines; what it calls is what it imports, and so what must be granted.
//
// Memory: every answer of the host, and whatever cardea_alloc, cardea_text and malloc give, lies in one arena that is
// emptied when the call is over. What cardea_init allocates stays as long as the instance. Nothing needs to be freed.
// Texts are views: an outcome keeps the pointer, so a text must live until the call is over. Literals, arena memory and
// globals do; an array on the stack of cardea_on_request does not: use cardea_text or cardea_copy.
#ifndef CARDEA_H
#define CARDEA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---- texts

// Bytes, without a zero at their end. Absent (data is NULL) is not empty.
typedef struct cardea_str {
  const char *data;
  size_t size;
} cardea_str;

typedef struct cardea_strs {
  const cardea_str *items;
  size_t count;
} cardea_strs;

// A header field. Values are bytes, never assumed to be UTF-8.
typedef struct cardea_field {
  cardea_str name;
  cardea_str value;
} cardea_field;

typedef struct cardea_fields {
  const cardea_field *items;
  size_t count;
} cardea_fields;

#define CARDEA_ABSENT ((cardea_str){NULL, 0})
// For %.*s: cardea_text("%.*s", CARDEA_ARG(path)).
#define CARDEA_ARG(text) (int)(text).size, (text).data

static inline bool cardea_present(cardea_str text) { return text.data != NULL; }
// Of a text that ends in a zero; NULL is absent.
cardea_str cardea_str_of(const char *text);
cardea_str cardea_bytes(const void *data, size_t size);

// Byte by byte. An absent text is equal to an absent one only.
bool cardea_equal(cardea_str a, cardea_str b);
bool cardea_starts_with(cardea_str text, cardea_str prefix);
bool cardea_ends_with(cardea_str text, cardea_str suffix);
bool cardea_contains(cardea_str text, cardea_str part);
// Whole and in decimal; false, and *number unchanged, if it is anything else or does not fit.
bool cardea_to_u64(cardea_str text, uint64_t *number);
bool cardea_to_i64(cardea_str text, int64_t *number);

// A copy in the arena.
cardea_str cardea_copy(cardea_str text);
// Formats into the arena, as printf: %s %.*s %c %d %i %u %x %%, with l, ll, z, a width, and 0 in front of it.
cardea_str cardea_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Of the arena, aligned for anything. Never NULL: where the policy's memory ends, the call fails.
void *cardea_alloc(size_t size);

// ---- config

// spec.config of the Policy object, or an object within it. Each question names a field; what is missing or of another
// kind, and every field that nobody asked for, refuses the config with the field's name. Questions after that answer
// something harmless, so none has to be checked.
typedef struct cardea_config cardea_config;

bool cardea_config_has(cardea_config *config, const char *field);
cardea_str cardea_config_text(cardea_config *config, const char *field);
cardea_str cardea_config_text_or(cardea_config *config, const char *field, const char *absent);
// Whole, from min to max.
int64_t cardea_config_int(cardea_config *config, const char *field, int64_t min, int64_t max);
int64_t cardea_config_int_or(cardea_config *config, const char *field, int64_t min, int64_t max, int64_t absent);
double cardea_config_number_or(cardea_config *config, const char *field, double min, double max, double absent);
bool cardea_config_bool_or(cardea_config *config, const char *field, bool absent);
// A text such as "250ms", "2s", "5m", "1h", in milliseconds.
uint32_t cardea_config_duration_or(cardea_config *config, const char *field, uint32_t absent_ms);
// A list of texts; none if absent.
cardea_strs cardea_config_texts(cardea_config *config, const char *field);
// An object; NULL if absent.
cardea_config *cardea_config_object(cardea_config *config, const char *field);
// An object of a list of them, from index 0; NULL past the last one, and if the list is absent.
cardea_config *cardea_config_item(cardea_config *config, const char *field, size_t index);
// Refuses the config for a reason of the policy's own: "config.<field>: <message>".
void cardea_config_refuse(cardea_config *config, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// ---- outcomes

// What a request phase decides: next, unless another decision is made; the last one counts. Each list has the bound of
// the interface, which docs/policy-interface.md tells; what goes over it fails the call as policy_outcome_too_large.
typedef struct cardea_outcome cardea_outcome;
// What the response phase decides: the backend's answer as it is, but for edits or a replacement.
typedef struct cardea_response cardea_response;

// ---- phases, defined by the policy

// What was buffered after cardea_want_body.
typedef struct cardea_body {
  cardea_str bytes;
  bool complete;
  cardea_str carry;
} cardea_body;

// What became of an exchange.
typedef struct cardea_summary {
  uint16_t status;
  uint64_t duration_us;
  uint64_t upstream_us;
  uint64_t bytes_in;
  uint64_t bytes_out;
  cardea_str backend; // or absent
  uint8_t retries;
  cardea_str error; // The label of the failure that answered, or absent.
} cardea_summary;

// Once for an instance, before any phase. Without it, only an absent or empty config is taken.
void cardea_init(cardea_config *config);
// The head of a request is here. Mandatory.
void cardea_on_request(cardea_outcome *outcome);
// The body that cardea_want_body asked for.
void cardea_on_request_body(cardea_outcome *outcome, const cardea_body *body);
// The head of the answer is here, for exchanges that asked by cardea_follow_response.
void cardea_on_response(cardea_response *response, cardea_str carry);
// The exchange is over, for exchanges that asked by cardea_follow_complete.
void cardea_on_complete(const cardea_summary *summary, cardea_str carry);

// ---- the exchange in hand

cardea_str cardea_method(void);
cardea_str cardea_scheme(void);
// Host, and port if given; lower case.
cardea_str cardea_authority(void);
// Normalised, without query: what the router matched and the backend will get.
cardea_str cardea_path(void);
cardea_str cardea_query(void);
// Decoded; the first of its name.
cardea_str cardea_query_param(cardea_str name);
cardea_str cardea_raw_path(void);
cardea_str cardea_client(void);
// The first value of the name, in any case.
cardea_str cardea_header(cardea_str name);
cardea_strs cardea_header_values(cardea_str name);
cardea_strs cardea_header_names(void);
cardea_fields cardea_headers(void);
cardea_str cardea_cookie(cardea_str name);
// route.name, route.namespace, tls.sni, tls.version, http.version, source.address, source.port, request.id, backend.name.
cardea_str cardea_attribute(cardea_str name);
// 0, absent and none before the response phase.
uint16_t cardea_response_status(void);
cardea_str cardea_response_header(cardea_str name);
cardea_fields cardea_response_headers(void);
// Later policies and phases of the exchange see it.
void cardea_set_note(cardea_str key, cardea_str value);
cardea_str cardea_note(cardea_str key);

// ---- decisions of cardea_on_request and cardea_on_request_body

void cardea_next(cardea_outcome *outcome);
// To a backend that the route declares.
void cardea_route(cardea_outcome *outcome, cardea_str backend);
// One more of the backends that the host draws from, by weight.
void cardea_route_weighted(cardea_outcome *outcome, cardea_str backend, uint32_t weight);
// One more label that endpoints of the route's own backend must have.
void cardea_route_subset(cardea_outcome *outcome, cardea_str key, cardea_str value);
// 301, 302, 303, 307 or 308.
void cardea_redirect(cardea_outcome *outcome, uint16_t status, cardea_str location);
// 200 to 599.
void cardea_respond(cardea_outcome *outcome, uint16_t status, cardea_str body);
// 400 to 599; reason is a token of at most 64 bytes. The host renders the body.
void cardea_deny(cardea_outcome *outcome, uint16_t status, cardea_str reason);
// Retry-After of a denial; nothing otherwise.
void cardea_retry_after_ms(cardea_outcome *outcome, uint32_t ms);
// Buffers at most max_bytes of the body for cardea_on_request_body. A longer one is cut, or answered 413.
void cardea_want_body(cardea_outcome *outcome, uint32_t max_bytes, bool deny_on_overflow);

// Edits of the request.
void cardea_set_path(cardea_outcome *outcome, cardea_str path);
// Absent: takes the query away.
void cardea_set_query(cardea_outcome *outcome, cardea_str query);
void cardea_set_authority(cardea_outcome *outcome, cardea_str authority);
// Edits of the response, without a call in its phase.
void cardea_set_response_header(cardea_outcome *outcome, cardea_str name, cardea_str value);
void cardea_append_response_header(cardea_outcome *outcome, cardea_str name, cardea_str value);
void cardea_remove_response_header(cardea_outcome *outcome, cardea_str name);
// Later phases of this exchange.
void cardea_follow_response(cardea_outcome *outcome);
void cardea_follow_complete(cardea_outcome *outcome);
// For the access line.
void cardea_label(cardea_outcome *outcome, cardea_str key, cardea_str value);

// ---- decisions of cardea_on_response

// An answer in place of the backend's.
void cardea_replace(cardea_response *response, uint16_t status, cardea_str body);

// ---- of both kinds of outcome; cardea_set_header and the like, below, choose

void cardea_outcome_set_header(cardea_outcome *outcome, cardea_str name, cardea_str value);
void cardea_outcome_append_header(cardea_outcome *outcome, cardea_str name, cardea_str value);
void cardea_outcome_remove_header(cardea_outcome *outcome, cardea_str name);
void cardea_outcome_reply_header(cardea_outcome *outcome, cardea_str name, cardea_str value);
void cardea_outcome_carry(cardea_outcome *outcome, cardea_str carry);
void cardea_response_set_header(cardea_response *response, cardea_str name, cardea_str value);
void cardea_response_append_header(cardea_response *response, cardea_str name, cardea_str value);
void cardea_response_remove_header(cardea_response *response, cardea_str name);
void cardea_response_reply_header(cardea_response *response, cardea_str name, cardea_str value);
void cardea_response_carry(cardea_response *response, cardea_str carry);

// ---- other interfaces, each granted in spec.grants.interfaces

typedef enum cardea_level { CARDEA_TRACE, CARDEA_DEBUG, CARDEA_INFO, CARDEA_WARN, CARDEA_ERROR } cardea_level;
// `log`
bool cardea_log_enabled(cardea_level level);
void cardea_log(cardea_level level, cardea_str message);

// `metrics`: series cardea_policy_user_<name>
uint32_t cardea_metrics_counter(cardea_str name);
uint32_t cardea_metrics_gauge(cardea_str name);
uint32_t cardea_metrics_histogram(cardea_str name);
void cardea_metrics_add(uint32_t id, int64_t delta);
void cardea_metrics_set(uint32_t id, int64_t value);
void cardea_metrics_observe(uint32_t id, uint64_t value);

// `clock`: stands still within a call
uint64_t cardea_clock_now_ms(void);
uint64_t cardea_clock_monotonic_us(void);

// `random`
uint64_t cardea_random_u64(void);
// At most 256.
cardea_str cardea_random_bytes(uint32_t count);

typedef enum cardea_kv_state {
  CARDEA_KV_OK,
  CARDEA_KV_DENIED,
  CARDEA_KV_QUOTA,
  CARDEA_KV_TOO_LARGE,
  CARDEA_KV_INVALID,
  CARDEA_KV_CONFLICT
} cardea_kv_state;
// `kv-local`. The version may be NULL where it is not wanted; a ttl of 0 means until evicted.
cardea_str cardea_kv_get(cardea_str key, uint64_t *version);
cardea_kv_state cardea_kv_set(cardea_str key, cardea_str value, uint32_t ttl_ms, uint64_t *version);
// Writes over this version only; 0: only if absent.
cardea_kv_state cardea_kv_compare_and_set(cardea_str key, uint64_t expected, cardea_str value, uint32_t ttl_ms,
                                          uint64_t *version);
void cardea_kv_delete(cardea_str key);

typedef struct cardea_bucket {
  bool allowed;
  uint32_t remaining;
  uint32_t retry_after_ms;
} cardea_bucket;
// `counters`
int64_t cardea_counters_add(cardea_str key, int64_t delta, uint32_t ttl_ms);
int64_t cardea_counters_get(cardea_str key);
// At most `limit` in each window; takes `cost` of it.
cardea_bucket cardea_counters_take(cardea_str key, uint32_t cost, uint32_t limit, uint32_t window_ms);

#ifdef __cplusplus
}
#else

// ---- literals: wherever a function above takes a text, a "literal" or a char * does as well

static inline cardea_str cardea_str_same(cardea_str text) { return text; }
#define CARDEA_S(text) \
  _Generic((text), cardea_str: cardea_str_same, char *: cardea_str_of, const char *: cardea_str_of)(text)

#define cardea_equal(a, b) cardea_equal(CARDEA_S(a), CARDEA_S(b))
#define cardea_starts_with(text, prefix) cardea_starts_with(CARDEA_S(text), CARDEA_S(prefix))
#define cardea_ends_with(text, suffix) cardea_ends_with(CARDEA_S(text), CARDEA_S(suffix))
#define cardea_contains(text, part) cardea_contains(CARDEA_S(text), CARDEA_S(part))
#define cardea_copy(text) cardea_copy(CARDEA_S(text))

#define cardea_query_param(name) cardea_query_param(CARDEA_S(name))
#define cardea_header(name) cardea_header(CARDEA_S(name))
#define cardea_header_values(name) cardea_header_values(CARDEA_S(name))
#define cardea_cookie(name) cardea_cookie(CARDEA_S(name))
#define cardea_attribute(name) cardea_attribute(CARDEA_S(name))
#define cardea_response_header(name) cardea_response_header(CARDEA_S(name))
#define cardea_set_note(key, value) cardea_set_note(CARDEA_S(key), CARDEA_S(value))
#define cardea_note(key) cardea_note(CARDEA_S(key))

#define cardea_route(outcome, backend) cardea_route(outcome, CARDEA_S(backend))
#define cardea_route_weighted(outcome, backend, weight) cardea_route_weighted(outcome, CARDEA_S(backend), weight)
#define cardea_route_subset(outcome, key, value) cardea_route_subset(outcome, CARDEA_S(key), CARDEA_S(value))
#define cardea_redirect(outcome, status, location) cardea_redirect(outcome, status, CARDEA_S(location))
#define cardea_respond(outcome, status, body) cardea_respond(outcome, status, CARDEA_S(body))
#define cardea_deny(outcome, status, reason) cardea_deny(outcome, status, CARDEA_S(reason))
#define cardea_set_path(outcome, path) cardea_set_path(outcome, CARDEA_S(path))
#define cardea_set_query(outcome, query) cardea_set_query(outcome, CARDEA_S(query))
#define cardea_set_authority(outcome, authority) cardea_set_authority(outcome, CARDEA_S(authority))
#define cardea_set_response_header(outcome, name, value) \
  cardea_set_response_header(outcome, CARDEA_S(name), CARDEA_S(value))
#define cardea_append_response_header(outcome, name, value) \
  cardea_append_response_header(outcome, CARDEA_S(name), CARDEA_S(value))
#define cardea_remove_response_header(outcome, name) cardea_remove_response_header(outcome, CARDEA_S(name))
#define cardea_label(outcome, key, value) cardea_label(outcome, CARDEA_S(key), CARDEA_S(value))
#define cardea_replace(response, status, body) cardea_replace(response, status, CARDEA_S(body))

#define CARDEA_OF_BOTH(outcome, name) \
  _Generic((outcome), cardea_outcome *: cardea_outcome_##name, cardea_response *: cardea_response_##name)
// Edits: of the request in a request phase, of the response in its phase.
#define cardea_set_header(outcome, name, value) \
  CARDEA_OF_BOTH(outcome, set_header)(outcome, CARDEA_S(name), CARDEA_S(value))
#define cardea_append_header(outcome, name, value) \
  CARDEA_OF_BOTH(outcome, append_header)(outcome, CARDEA_S(name), CARDEA_S(value))
#define cardea_remove_header(outcome, name) CARDEA_OF_BOTH(outcome, remove_header)(outcome, CARDEA_S(name))
// A header of the answer that was made by cardea_respond, cardea_deny or cardea_replace; nothing otherwise.
#define cardea_reply_header(outcome, name, value) \
  CARDEA_OF_BOTH(outcome, reply_header)(outcome, CARDEA_S(name), CARDEA_S(value))
// At most 4 KiB for the later phases, which another instance may serve.
#define cardea_carry(outcome, bytes) CARDEA_OF_BOTH(outcome, carry)(outcome, CARDEA_S(bytes))

#define cardea_log(level, message) cardea_log(level, CARDEA_S(message))
#define cardea_metrics_counter(name) cardea_metrics_counter(CARDEA_S(name))
#define cardea_metrics_gauge(name) cardea_metrics_gauge(CARDEA_S(name))
#define cardea_metrics_histogram(name) cardea_metrics_histogram(CARDEA_S(name))
#define cardea_kv_get(key, version) cardea_kv_get(CARDEA_S(key), version)
#define cardea_kv_set(key, value, ttl_ms, version) cardea_kv_set(CARDEA_S(key), CARDEA_S(value), ttl_ms, version)
#define cardea_kv_compare_and_set(key, expected, value, ttl_ms, version) \
  cardea_kv_compare_and_set(CARDEA_S(key), expected, CARDEA_S(value), ttl_ms, version)
#define cardea_kv_delete(key) cardea_kv_delete(CARDEA_S(key))
#define cardea_counters_add(key, delta, ttl_ms) cardea_counters_add(CARDEA_S(key), delta, ttl_ms)
#define cardea_counters_get(key) cardea_counters_get(CARDEA_S(key))
#define cardea_counters_take(key, cost, limit, window_ms) cardea_counters_take(CARDEA_S(key), cost, limit, window_ms)

#endif // __cplusplus
#endif // CARDEA_H
