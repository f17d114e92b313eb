// The words that the conformance page defines.

#include "conformance.h"

#include <string.h>

void answer(cardea_outcome *outcome, cardea_str body) {
  cardea_respond(outcome, 200, body);
  cardea_reply_header(outcome, "content-type", "text/plain");
}

void answer_maybe(cardea_outcome *outcome, cardea_str body) {
  if (cardea_present(body)) {
    answer(outcome, body);
  } else {
    cardea_respond(outcome, 404, "");
  }
}

cardea_str hex(cardea_str bytes) {
  char *digits = cardea_alloc(bytes.size * 2);
  for (size_t i = 0; i < bytes.size; i++) {
    uint8_t byte = (uint8_t)bytes.data[i];
    digits[2 * i] = "0123456789abcdef"[byte >> 4];
    digits[2 * i + 1] = "0123456789abcdef"[byte & 15];
  }
  return cardea_bytes(digits, bytes.size * 2);
}

static uint8_t digit(char of) { return (uint8_t)(strchr("0123456789abcdef", of) - "0123456789abcdef"); }

cardea_str unhex(cardea_str digits) {
  char *bytes = cardea_alloc(digits.size / 2);
  for (size_t i = 0; i < digits.size / 2; i++)
    bytes[i] = (char)(digit(digits.data[2 * i]) << 4 | digit(digits.data[2 * i + 1]));
  return cardea_bytes(bytes, digits.size / 2);
}

cardea_str seen(void) {
  unsigned status = cardea_response_status();
  cardea_str type = or_text(cardea_response_header("content-type"), "absent");
  return cardea_text("%u %.*s %zu", status, CARDEA_ARG(type), cardea_response_headers().count);
}

cardea_str param(const char *name) { return cardea_query_param(name); }

uint64_t param_u64(const char *name, uint64_t absent) {
  cardea_to_u64(param(name), &absent);
  return absent;
}

int64_t param_i64(const char *name, int64_t absent) {
  cardea_to_i64(param(name), &absent);
  return absent;
}
