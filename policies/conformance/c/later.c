// The later phases, by the first byte of what was carried.

#include "conformance.h"

static char kind(cardea_str carry) { return carry.size > 0 ? carry.data[0] : 0; }

void cardea_on_request_body(cardea_outcome *outcome, const cardea_body *body) {
  cardea_str sent = body->bytes;
  switch (kind(body->carry)) {
    case 'b':
      answer(outcome, cardea_text("%zu %s %.*s\n%.*s", sent.size, body->complete ? "complete" : "cut",
                                  CARDEA_ARG(hex(body->carry)), CARDEA_ARG(sent)));
      break;
    case 'f':
      cardea_set_header(outcome, "x-length", cardea_text("%zu", sent.size));
      cardea_label(outcome, "phase", "body");
      cardea_follow_response(outcome);
      cardea_carry(outcome, "q");
      break;
    case 'h': {
      cardea_str bytes = cardea_header("x-bytes");
      answer_maybe(outcome, cardea_present(bytes) ? hex(bytes) : bytes);
      break;
    }
  }
}

void cardea_on_response(cardea_response *response, cardea_str carry) {
  switch (kind(carry)) {
    case 'k':
      cardea_set_header(response, "x-carry", hex(carry));
      cardea_append_header(response, "x-append", "b");
      cardea_remove_header(response, "x-remove");
      break;
    case 'r':
      cardea_replace(response, 203, seen());
      cardea_reply_header(response, "x-replaced", "yes");
      cardea_set_header(response, "x-edited", "yes");
      break;
    case 'q': cardea_set_header(response, "x-seen", seen()); break;
    case 'n': cardea_set_header(response, "x-note", or_text(cardea_note("seen"), "absent")); break;
    case 'c':
      cardea_set_header(response, "x-both", "yes");
      cardea_carry(response, cardea_text("%.*s-later", CARDEA_ARG(carry)));
      break;
  }
}

void cardea_on_complete(const cardea_summary *summary, cardea_str carry) {
  if (kind(carry) != 'c') return;
  cardea_str backend = or_text(summary->backend, "none"), error = or_text(summary->error, "none");
  cardea_str text = cardea_text("%u %.*s %.*s %u %llu %llu %s", summary->status, CARDEA_ARG(backend), CARDEA_ARG(error),
                                summary->retries, summary->bytes_in, summary->bytes_out,
                                summary->duration_us >= summary->upstream_us ? "timed" : "untimed");
  cardea_kv_set(cardea_bytes(carry.data + 1, carry.size - 1), text, 0, NULL);
}
