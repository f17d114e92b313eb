// Write a Cardea routing policy in C++20: the C SDK with types that C++ has, and no standard library.
//
// A policy is a class, given to CARDEA_POLICY with the later phases that it has:
//
//   class Canary {
//    public:
//     explicit Canary(cardea::Config config);            // once for an instance; config.refuse() keeps it from going live
//     void on_request(cardea::Outcome& outcome);         // the head of a request is here
//     void on_request_body(cardea::Outcome&, const cardea::Body&);
//     void on_response(cardea::Response&, cardea::Text carry);
//     void on_complete(const cardea::Summary&, cardea::Text carry);
//   };
//   CARDEA_POLICY(Canary)                                // and CARDEA_ON_REQUEST_BODY(Canary) and so on, below
//
// Memory is that of the C SDK: one arena, emptied when the call is over, but for what the constructor allocates; `new` takes
// from it, and `delete` gives nothing back. No exceptions, no RTTI: the compiler is told so.
#ifndef CARDEA_HPP
#define CARDEA_HPP

#include "cardea.h"

inline void* operator new(size_t, void* place) noexcept { return place; }

namespace cardea {

// A view of bytes; absent (`!text`) is not empty.
class Text {
 public:
  constexpr Text() : view{nullptr, 0} {}
  constexpr Text(cardea_str text) : view(text) {}
  constexpr Text(const char* text) : view{text, text ? __builtin_strlen(text) : 0} {}
  constexpr Text(const char* data, size_t size) : view{data, size} {}

  constexpr operator cardea_str() const { return view; }
  constexpr explicit operator bool() const { return view.data != nullptr; }
  constexpr const char* data() const { return view.data; }
  constexpr size_t size() const { return view.size; }
  constexpr bool empty() const { return view.size == 0; }
  constexpr const char* begin() const { return view.data; }
  constexpr const char* end() const { return view.data + view.size; }
  constexpr char operator[](size_t index) const { return view.data[index]; }

  // This text if it is there, else the other.
  constexpr Text value_or(Text other) const { return view.data ? *this : other; }
  constexpr Text substr(size_t from) const { return from >= view.size ? Text("", 0) : Text(view.data + from, view.size - from); }
  bool starts_with(Text prefix) const { return cardea_starts_with(view, prefix); }
  bool ends_with(Text suffix) const { return cardea_ends_with(view, suffix); }
  bool contains(Text part) const { return cardea_contains(view, part); }
  // The number that this is in decimal, or the other.
  uint64_t number_or(uint64_t other) const { return cardea_to_u64(view, &other), other; }
  int64_t signed_number_or(int64_t other) const { return cardea_to_i64(view, &other), other; }
  Text copy() const { return cardea_copy(view); }

  friend bool operator==(Text a, Text b) { return cardea_equal(a, b); }

 private:
  cardea_str view;
};

// Byte by byte the same as the C SDK's.
template <typename T>
class List {
 public:
  constexpr List(const T* items, size_t count) : first(items), count(count) {}
  constexpr const T* begin() const { return first; }
  constexpr const T* end() const { return first + count; }
  constexpr size_t size() const { return count; }
  constexpr const T& operator[](size_t index) const { return first[index]; }

 private:
  const T* first;
  size_t count;
};

struct Field {
  Text name;
  Text value;
};
static_assert(sizeof(Field) == sizeof(cardea_field) && sizeof(Text) == sizeof(cardea_str));

inline List<Text> list(cardea_strs all) { return {reinterpret_cast<const Text*>(all.items), all.count}; }
inline List<Field> list(cardea_fields all) { return {reinterpret_cast<const Field*>(all.items), all.count}; }

// Formats into the arena, as printf; see cardea_text. Give CARDEA_ARG(text) to %.*s.
template <typename... Values>
Text print(const char* format, Values... values) {
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wformat-security"
#pragma clang diagnostic ignored "-Wformat-nonliteral"
  return cardea_text(format, values...);
#pragma clang diagnostic pop
}

// spec.config, or an object within it; see cardea_config. `if (config)` tells whether an optional object is there.
class Config {
 public:
  Config(cardea_config* config) : config(config) {}
  explicit operator bool() const { return config != nullptr; }

  bool has(const char* field) { return cardea_config_has(config, field); }
  Text text(const char* field) { return cardea_config_text(config, field); }
  Text text_or(const char* field, const char* absent) { return cardea_config_text_or(config, field, absent); }
  int64_t integer(const char* field, int64_t min, int64_t max) { return cardea_config_int(config, field, min, max); }
  int64_t integer_or(const char* field, int64_t min, int64_t max, int64_t absent) {
    return cardea_config_int_or(config, field, min, max, absent);
  }
  double number_or(const char* field, double min, double max, double absent) {
    return cardea_config_number_or(config, field, min, max, absent);
  }
  bool boolean_or(const char* field, bool absent) { return cardea_config_bool_or(config, field, absent); }
  uint32_t duration_or(const char* field, uint32_t absent_ms) {
    return cardea_config_duration_or(config, field, absent_ms);
  }
  List<Text> texts(const char* field) { return list(cardea_config_texts(config, field)); }
  Config object(const char* field) { return cardea_config_object(config, field); }
  // Of a list of objects; false past the last one.
  Config item(const char* field, size_t index) { return cardea_config_item(config, field, index); }
  void refuse(const char* field, Text message) {
    cardea_config_refuse(config, field, "%.*s", static_cast<int>(message.size()), message.data());
  }

 private:
  cardea_config* config;
};

// The exchange in hand.
namespace request {
inline Text method() { return cardea_method(); }
inline Text scheme() { return cardea_scheme(); }
inline Text authority() { return cardea_authority(); }
inline Text path() { return cardea_path(); }
inline Text query() { return cardea_query(); }
inline Text query_param(Text name) { return cardea_query_param(name); }
inline Text raw_path() { return cardea_raw_path(); }
inline Text client() { return cardea_client(); }
inline Text header(Text name) { return cardea_header(name); }
inline List<Text> header_values(Text name) { return list(cardea_header_values(name)); }
inline List<Text> header_names() { return list(cardea_header_names()); }
inline List<Field> headers() { return list(cardea_headers()); }
inline Text cookie(Text name) { return cardea_cookie(name); }
inline Text attribute(Text name) { return cardea_attribute(name); }
inline void set_note(Text key, Text value) { cardea_set_note(key, value); }
inline Text note(Text key) { return cardea_note(key); }
} // namespace request

// The backend's answer, in the response phase; 0, absent and none before.
namespace response {
inline uint16_t status() { return cardea_response_status(); }
inline Text header(Text name) { return cardea_response_header(name); }
inline List<Field> headers() { return list(cardea_response_headers()); }
} // namespace response

// What a request phase decides; each part answers the outcome, to be chained on.
class Outcome {
 public:
  explicit Outcome(cardea_outcome* outcome) : outcome(outcome) {}
  Outcome(const Outcome&) = delete;

  Outcome& next() { return cardea_next(outcome), *this; }
  Outcome& route(Text backend) { return cardea_route(outcome, backend), *this; }
  Outcome& route_weighted(Text backend, uint32_t weight) {
    return cardea_route_weighted(outcome, backend, weight), *this;
  }
  Outcome& route_subset(Text key, Text value) { return cardea_route_subset(outcome, key, value), *this; }
  Outcome& redirect(uint16_t status, Text location) { return cardea_redirect(outcome, status, location), *this; }
  Outcome& respond(uint16_t status, Text body = "") { return cardea_respond(outcome, status, body), *this; }
  Outcome& deny(uint16_t status, Text reason) { return cardea_deny(outcome, status, reason), *this; }
  Outcome& retry_after_ms(uint32_t ms) { return cardea_retry_after_ms(outcome, ms), *this; }
  // A header of the answer of respond and deny.
  Outcome& reply_header(Text name, Text value) { return cardea_outcome_reply_header(outcome, name, value), *this; }
  Outcome& want_body(uint32_t max_bytes, bool deny_on_overflow) {
    return cardea_want_body(outcome, max_bytes, deny_on_overflow), *this;
  }

  Outcome& set_header(Text name, Text value) { return cardea_outcome_set_header(outcome, name, value), *this; }
  Outcome& append_header(Text name, Text value) { return cardea_outcome_append_header(outcome, name, value), *this; }
  Outcome& remove_header(Text name) { return cardea_outcome_remove_header(outcome, name), *this; }
  Outcome& set_path(Text path) { return cardea_set_path(outcome, path), *this; }
  // Absent takes the query away.
  Outcome& set_query(Text query) { return cardea_set_query(outcome, query), *this; }
  Outcome& set_authority(Text authority) { return cardea_set_authority(outcome, authority), *this; }
  Outcome& set_response_header(Text name, Text value) {
    return cardea_set_response_header(outcome, name, value), *this;
  }
  Outcome& append_response_header(Text name, Text value) {
    return cardea_append_response_header(outcome, name, value), *this;
  }
  Outcome& remove_response_header(Text name) { return cardea_remove_response_header(outcome, name), *this; }

  Outcome& follow_response() { return cardea_follow_response(outcome), *this; }
  Outcome& follow_complete() { return cardea_follow_complete(outcome), *this; }
  Outcome& carry(Text bytes) { return cardea_outcome_carry(outcome, bytes), *this; }
  Outcome& label(Text key, Text value) { return cardea_label(outcome, key, value), *this; }

 private:
  cardea_outcome* outcome;
};

// What the response phase decides: the backend's answer as it is, but for edits or a replacement.
class Response {
 public:
  explicit Response(cardea_response* response) : response(response) {}
  Response(const Response&) = delete;

  Response& replace(uint16_t status, Text body = "") { return cardea_replace(response, status, body), *this; }
  Response& reply_header(Text name, Text value) { return cardea_response_reply_header(response, name, value), *this; }
  Response& set_header(Text name, Text value) { return cardea_response_set_header(response, name, value), *this; }
  Response& append_header(Text name, Text value) { return cardea_response_append_header(response, name, value), *this; }
  Response& remove_header(Text name) { return cardea_response_remove_header(response, name), *this; }
  Response& carry(Text bytes) { return cardea_response_carry(response, bytes), *this; }

 private:
  cardea_response* response;
};

struct Body {
  Text bytes;
  bool complete;
  Text carry;
};

struct Summary {
  uint16_t status;
  uint64_t duration_us, upstream_us, bytes_in, bytes_out;
  Text backend;
  uint8_t retries;
  Text error;
};

// ---- other interfaces, each granted in spec.grants.interfaces

namespace log {
inline bool enabled(cardea_level level) { return cardea_log_enabled(level); }
inline void write(cardea_level level, Text message) { cardea_log(level, message); }
} // namespace log

namespace metrics {
inline uint32_t counter(Text name) { return cardea_metrics_counter(name); }
inline uint32_t gauge(Text name) { return cardea_metrics_gauge(name); }
inline uint32_t histogram(Text name) { return cardea_metrics_histogram(name); }
inline void add(uint32_t id, int64_t delta) { cardea_metrics_add(id, delta); }
inline void set(uint32_t id, int64_t value) { cardea_metrics_set(id, value); }
inline void observe(uint32_t id, uint64_t value) { cardea_metrics_observe(id, value); }
} // namespace metrics

namespace clock {
inline uint64_t now_ms() { return cardea_clock_now_ms(); }
inline uint64_t monotonic_us() { return cardea_clock_monotonic_us(); }
} // namespace clock

namespace random {
inline uint64_t next_u64() { return cardea_random_u64(); }
inline Text bytes(uint32_t count) { return cardea_random_bytes(count); }
} // namespace random

namespace kv {
struct Entry {
  Text value; // absent if there is none
  uint64_t version;
};
struct Written {
  cardea_kv_state state;
  uint64_t version;
  explicit operator bool() const { return state == CARDEA_KV_OK; }
};
inline Entry get(Text key) {
  Entry entry{{}, 0};
  entry.value = cardea_kv_get(key, &entry.version);
  return entry;
}
inline Written set(Text key, Text value, uint32_t ttl_ms) {
  Written written{CARDEA_KV_OK, 0};
  written.state = cardea_kv_set(key, value, ttl_ms, &written.version);
  return written;
}
inline Written compare_and_set(Text key, uint64_t expected, Text value, uint32_t ttl_ms) {
  Written written{CARDEA_KV_OK, 0};
  written.state = cardea_kv_compare_and_set(key, expected, value, ttl_ms, &written.version);
  return written;
}
inline void erase(Text key) { cardea_kv_delete(key); }
} // namespace kv

namespace counters {
inline int64_t add(Text key, int64_t delta, uint32_t ttl_ms) { return cardea_counters_add(key, delta, ttl_ms); }
inline int64_t get(Text key) { return cardea_counters_get(key); }
inline cardea_bucket take(Text key, uint32_t cost, uint32_t limit, uint32_t window_ms) {
  return cardea_counters_take(key, cost, limit, window_ms);
}
} // namespace counters

// The one policy of the module, made by cardea_init.
template <typename Policy>
Policy& made(cardea_config* config = nullptr) {
  alignas(Policy) static unsigned char place[sizeof(Policy)];
  if (config) new (place) Policy(Config(config));
  return *reinterpret_cast<Policy*>(place);
}

} // namespace cardea

// Exports a class as the policy. Once, in one source; then the later phases that it has.
#define CARDEA_POLICY(Policy)                                                 \
  extern "C" void cardea_init(cardea_config* config) {                        \
    cardea::made<Policy>(config);                                             \
  }                                                                           \
  extern "C" void cardea_on_request(cardea_outcome* given) {                  \
    cardea::Outcome outcome(given);                                           \
    cardea::made<Policy>().on_request(outcome);                               \
  }
#define CARDEA_ON_REQUEST_BODY(Policy)                                                        \
  extern "C" void cardea_on_request_body(cardea_outcome* given, const cardea_body* body) {    \
    cardea::Outcome outcome(given);                                                           \
    cardea::made<Policy>().on_request_body(outcome, {body->bytes, body->complete, body->carry}); \
  }
#define CARDEA_ON_RESPONSE(Policy)                                                 \
  extern "C" void cardea_on_response(cardea_response* given, cardea_str carry) {   \
    cardea::Response response(given);                                              \
    cardea::made<Policy>().on_response(response, carry);                           \
  }
#define CARDEA_ON_COMPLETE(Policy)                                                               \
  extern "C" void cardea_on_complete(const cardea_summary* told, cardea_str carry) {             \
    cardea::made<Policy>().on_complete({told->status, told->duration_us, told->upstream_us,      \
                                        told->bytes_in, told->bytes_out, told->backend,          \
                                        told->retries, told->error},                             \
                                       carry);                                                   \
  }

#endif // CARDEA_HPP
