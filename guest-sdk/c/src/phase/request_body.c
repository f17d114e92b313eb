// The phase of the request's body.

#include "phase.h"

extern uint8_t *__wasm_export_exports_cardea_policy_on_request_body_handle(uint8_t *, size_t, int32_t, uint8_t *, size_t);

void exports_cardea_policy_on_request_body_handle(cardea_wit_list_u8_t *bytes, bool complete,
                                                  cardea_wit_list_u8_t *carry,
                                                  cardea_policy_types_request_outcome_t *answer) {
  cardea_outcome *outcome = cardea_outcome_begin();
  cardea_body body = {cardea_bytes(bytes->ptr, bytes->len), complete, cardea_bytes(carry->ptr, carry->len)};
  cardea_on_request_body(outcome, &body);
  *answer = outcome->wit;
}

EXPORT("on-request-body", "handle") uint8_t *cardea_export_on_request_body(uint8_t *body, size_t body_size,
                                                                           int32_t complete, uint8_t *carry,
                                                                           size_t carry_size) {
  return __wasm_export_exports_cardea_policy_on_request_body_handle(body, body_size, complete, carry, carry_size);
}

AFTER("on-request-body", "handle")
