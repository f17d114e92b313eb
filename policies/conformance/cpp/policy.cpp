// The conformance policy: what each path does is said in ../README.md.

#include "conformance.hpp"

class Conformance {
 public:
  explicit Conformance(cardea::Config config)
      : settings{config.text("backend"), config.integer_or("limit", 1, 1000, 3), config.text_or("mark", "cardea")} {
    if (settings.backend.empty()) config.refuse("backend", "name a backend of the route");
  }

  void on_request(Outcome& outcome) {
    Text path = cardea::request::path();
    bool known = ask(path, outcome, settings) || decide(path, outcome, settings) || edit(path, outcome) ||
                 serve(path, outcome, settings);
    if (!known) otherwise(outcome);
  }

  void on_request_body(Outcome& outcome, const cardea::Body& body) {
    switch (body.carry.empty() ? 0 : body.carry[0]) {
      case 'b': {
        Text carry = hex(body.carry);
        answer(outcome, cardea::print("%zu %s %.*s\n%.*s", body.bytes.size(), body.complete ? "complete" : "cut",
                                      static_cast<int>(carry.size()), carry.data(), static_cast<int>(body.bytes.size()),
                                      body.bytes.data()));
        break;
      }
      case 'f':
        outcome.set_header("x-length", cardea::print("%zu", body.bytes.size()))
            .label("phase", "body")
            .follow_response()
            .carry("q");
        break;
      case 'h': {
        Text bytes = cardea::request::header("x-bytes");
        answer_maybe(outcome, bytes ? hex(bytes) : bytes);
        break;
      }
    }
  }

  void on_response(cardea::Response& response, Text carry) {
    switch (carry.empty() ? 0 : carry[0]) {
      case 'k':
        response.set_header("x-carry", hex(carry)).append_header("x-append", "b").remove_header("x-remove");
        break;
      case 'r':
        response.replace(203, seen()).reply_header("x-replaced", "yes").set_header("x-edited", "yes");
        break;
      case 'q': response.set_header("x-seen", seen()); break;
      case 'n': response.set_header("x-note", cardea::request::note("seen").value_or("absent")); break;
      case 'c':
        response.set_header("x-both", "yes");
        response.carry(cardea::print("%.*s-later", static_cast<int>(carry.size()), carry.data()));
        break;
    }
  }

  void on_complete(const cardea::Summary& summary, Text carry) {
    if (carry.empty() || carry[0] != 'c') return;
    Text backend = summary.backend.value_or("none"), error = summary.error.value_or("none");
    Text told = cardea::print("%u %.*s %.*s %u %llu %llu %s", summary.status, static_cast<int>(backend.size()), backend.data(),
                              static_cast<int>(error.size()), error.data(), summary.retries, summary.bytes_in,
                              summary.bytes_out, summary.duration_us >= summary.upstream_us ? "timed" : "untimed");
    cardea::kv::set(carry.substr(1), told, 0);
  }

 private:
  Settings settings;

  void otherwise(Outcome& outcome) {
    if (cardea::request::header("x-canary") == "1") outcome.route(settings.backend);
    else outcome.set_header("x-policy", settings.mark);
  }
};

CARDEA_POLICY(Conformance)
CARDEA_ON_REQUEST_BODY(Conformance)
CARDEA_ON_RESPONSE(Conformance)
CARDEA_ON_COMPLETE(Conformance)
