// What the parts of the conformance policy share; ../README.md says what each path means.
#ifndef CONFORMANCE_HPP
#define CONFORMANCE_HPP

#include <cardea.hpp>

using cardea::Outcome;
using cardea::Text;

struct Settings {
  Text backend;
  int64_t limit;
  Text mark;
};

// Each takes the paths that it knows, and is false for the others.
bool ask(Text path, Outcome& outcome, const Settings& settings);
bool decide(Text path, Outcome& outcome, const Settings& settings);
bool edit(Text path, Outcome& outcome);
bool serve(Text path, Outcome& outcome, const Settings& settings);

// ---- the words of the page

// 200, text/plain.
inline void answer(Outcome& outcome, Text body) { outcome.respond(200, body).reply_header("content-type", "text/plain"); }
// The same, or 404 where there is none.
inline void answer_maybe(Outcome& outcome, Text body) {
  if (body) answer(outcome, body);
  else outcome.respond(404);
}

inline Text param(Text name) { return cardea::request::query_param(name); }
inline uint64_t number(Text name, uint64_t absent) { return param(name).number_or(absent); }
inline uint32_t number32(Text name, uint32_t absent) { return static_cast<uint32_t>(number(name, absent)); }

Text hex(Text bytes);
Text unhex(Text digits);
// Status, content type and number of headers of the response.
Text seen();

#endif
