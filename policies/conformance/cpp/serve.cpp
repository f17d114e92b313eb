// Paths that use the interfaces which have to be granted.

#include "conformance.hpp"

#include <stdlib.h>
#include <string.h>

namespace kv = cardea::kv;
namespace counters = cardea::counters;

static Text log_all() {
  char* asked = new char[5];
  for (int level = CARDEA_TRACE; level <= CARDEA_ERROR; level++) {
    bool enabled = cardea::log::enabled(static_cast<cardea_level>(level));
    if (enabled) cardea::log::write(static_cast<cardea_level>(level), param("text"));
    asked[level] = enabled ? '1' : '0';
  }
  return {asked, 5};
}

static Text measure() {
  namespace metrics = cardea::metrics;
  metrics::add(metrics::counter("conformance_calls"), 1);
  uint32_t level = metrics::gauge("conformance_level");
  metrics::set(level, -5);
  metrics::add(level, 3);
  metrics::observe(metrics::histogram("conformance_size"), 42);
  metrics::add(metrics::counter("conformance_calls"), 1);
  return "measured";
}

static Text now() {
  uint64_t first = cardea::clock::now_ms(), start = cardea::clock::monotonic_us();
  bool frozen = cardea::clock::now_ms() == first && cardea::clock::monotonic_us() == start;
  return cardea::print("%llu %s", first, frozen ? "frozen" : "moved");
}

static Text since() {
  uint64_t time = cardea::clock::monotonic_us();
  Text kept = kv::get("since").value;
  kv::set("since", cardea::print("%llu", time), 0);
  return kept ? cardea::print("%llu", time - kept.number_or(0)) : "first";
}

static Text written(kv::Written result) {
  static const char* const errors[] = {"", "denied", "quota", "too-large", "invalid", "conflict"};
  return result ? cardea::print("version %llu", result.version) : cardea::print("error %s", errors[result.state]);
}

static Text value() {
  if (!param("size")) return param("value");
  size_t size = number32("size", 0);
  return {static_cast<char*>(memset(malloc(size), 'x', size)), size};
}

static Text kv_get() {
  kv::Entry entry = kv::get(param("key"));
  if (!entry.value) return {};
  return cardea::print("%llu %.*s", entry.version, static_cast<int>(entry.value.size()), entry.value.data());
}

static Text kv_delete() {
  kv::erase(param("key"));
  return "deleted";
}

static Text take(const Settings& settings) {
  auto limit = static_cast<uint32_t>(settings.limit);
  cardea_bucket bucket = counters::take(param("key"), number32("cost", 1), limit, number32("window", 0));
  return cardea::print("%s %u %u", bucket.allowed ? "allowed" : "refused", bucket.remaining, bucket.retry_after_ms);
}

static Text counted() {
  int64_t delta = param("delta").signed_number_or(0);
  return cardea::print("%lld", counters::add(param("key"), delta, number32("ttl", 0)));
}

static Text told(Text path, const Settings& settings) {
  if (path == "/log") return log_all();
  if (path == "/metrics") return measure();
  if (path == "/clock") return now();
  if (path == "/clock/since") return since();
  if (path == "/random/u64") return cardea::print("%llu", cardea::random::next_u64());
  if (path == "/random/bytes") return hex(cardea::random::bytes(number32("len", 0)));
  if (path == "/kv/set") return written(kv::set(param("key"), value(), number32("ttl", 0)));
  if (path == "/kv/cas")
    return written(kv::compare_and_set(param("key"), number("version", 0), param("value"), number32("ttl", 0)));
  if (path == "/kv/delete") return kv_delete();
  if (path == "/counters/add") return counted();
  if (path == "/counters/get") return cardea::print("%lld", counters::get(param("key")));
  if (path == "/counters/take") return take(settings);
  return {};
}

bool serve(Text path, Outcome& outcome, const Settings& settings) {
  if (path == "/fail") abort();
  if (path == "/kv/get") {
    answer_maybe(outcome, kv_get());
    return true;
  }
  Text text = told(path, settings);
  if (text) answer(outcome, text);
  return static_cast<bool>(text);
}
