// Paths that tell what the exchange answers.

#include "conformance.hpp"

namespace request = cardea::request;

static Text joined(Text before, const char* between, Text value, const char* behind) {
  return cardea::print("%.*s%s%.*s%s", static_cast<int>(before.size()), before.data(), between,
                       static_cast<int>(value.size()), value.data(), behind);
}

static Text values(Text name) {
  Text text = "";
  for (Text value : request::header_values(name)) text = joined(text, "[", value, "]");
  return text;
}

static Text names() {
  Text text = "";
  for (Text name : request::header_names()) text = joined(text, text.empty() ? "" : ",", name, "");
  return text;
}

static Text fields() {
  Text text = "";
  for (const cardea::Field& field : request::headers())
    text = joined(joined(text, "", field.name, "="), "", field.value, "\n");
  return text;
}

static void note(Outcome& outcome) {
  outcome.label("before", request::note("seen").value_or("absent"));
  request::set_note("seen", param("value"));
  outcome.label("after", request::note("seen").value_or("absent")).follow_response().carry("n");
}

static bool tell(Text what, Text& told) {
  if (what == "method") told = request::method();
  else if (what == "scheme") told = request::scheme();
  else if (what == "authority") told = request::authority();
  else if (what == "path") told = request::path();
  else if (what == "raw-path") told = request::raw_path();
  else if (what == "client") told = request::client();
  else if (what == "query") told = request::query();
  else if (what == "query-param") told = request::query_param(param("name"));
  else if (what == "header") told = request::header(param("name"));
  else if (what == "header-values") told = values(param("name"));
  else if (what == "header-names") told = names();
  else if (what == "headers") told = fields();
  else if (what == "cookie") told = request::cookie(param("name"));
  else if (what == "attribute") told = request::attribute(param("name"));
  else if (what == "response") told = seen();
  else return false;
  return true;
}

bool ask(Text path, Outcome& outcome, const Settings& settings) {
  if (path == "/config") {
    Text first = joined(settings.backend, "\n", cardea::print("%lld", settings.limit), "\n");
    answer(outcome, joined(first, "", settings.mark, ""));
    return true;
  }
  if (path == "/note") {
    note(outcome);
    return true;
  }
  Text told;
  if (!path.starts_with("/ask/") || !tell(path.substr(5), told)) return false;
  answer_maybe(outcome, told);
  return true;
}
