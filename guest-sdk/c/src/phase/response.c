// The phase of the answer's head.

#include "phase.h"

extern uint8_t *__wasm_export_exports_cardea_policy_on_response_handle(uint8_t *, size_t);

void exports_cardea_policy_on_response_handle(cardea_wit_list_u8_t *carry,
                                              cardea_policy_types_response_outcome_t *answer) {
  cardea_response *response = cardea_response_begin();
  cardea_on_response(response, cardea_bytes(carry->ptr, carry->len));
  *answer = response->wit;
}

EXPORT("on-response", "handle") uint8_t *cardea_export_on_response(uint8_t *carry, size_t size) {
  return __wasm_export_exports_cardea_policy_on_response_handle(carry, size);
}

AFTER("on-response", "handle")
