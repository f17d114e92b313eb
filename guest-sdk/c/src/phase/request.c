// The phases that every policy has: its start, and the head of a request.

#include "../config.h"
#include "phase.h"

extern void __wasm_call_ctors(void);
extern uint8_t *__wasm_export_exports_cardea_policy_lifecycle_init(uint8_t *, size_t);
extern uint8_t *__wasm_export_exports_cardea_policy_on_request_handle(void);

// The bindings want the world linked in; `cardea policy build` finds it by itself.
void __component_type_object_force_link_cardea_wit(void) {}

// A policy without a config of its own takes none: every field is then one that nobody asked for.
__attribute__((weak)) void cardea_init(cardea_config *config) { (void)config; }

bool exports_cardea_policy_lifecycle_init(cardea_wit_string_t *text, cardea_wit_string_t *error) {
  cardea_config *config = cardea_config_read(cardea_bytes(text->ptr, text->len));
  cardea_init(config);
  cardea_str found = cardea_config_error(config);
  *error = wit_text(found);
  return !cardea_present(found);
}

EXPORT("lifecycle", "init") uint8_t *cardea_export_init(uint8_t *text, size_t size) {
  __wasm_call_ctors();
  return __wasm_export_exports_cardea_policy_lifecycle_init(text, size);
}

EXPORT_POST("cabi_post_cardea:policy/lifecycle@0.1.0#init") static void after_init(uint8_t *answer) {
  (void)answer;
  cardea_arena_keep();
}

void exports_cardea_policy_on_request_handle(cardea_policy_types_request_outcome_t *answer) {
  cardea_outcome *outcome = cardea_outcome_begin();
  cardea_on_request(outcome);
  *answer = outcome->wit;
}

EXPORT("on-request", "handle") uint8_t *cardea_export_on_request(void) {
  return __wasm_export_exports_cardea_policy_on_request_handle();
}

AFTER("on-request", "handle")
