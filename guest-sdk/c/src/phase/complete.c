// The phase after an exchange.

#include "phase.h"

extern void __wasm_export_exports_cardea_policy_on_complete_handle(int32_t, int64_t, int64_t, int64_t, int64_t, int32_t,
                                                                   uint8_t *, size_t, int32_t, int32_t, uint8_t *,
                                                                   size_t, uint8_t *, size_t);

static cardea_str optional(const cardea_wit_option_string_t *text) {
  return text->is_some ? cardea_bytes(text->val.ptr, text->val.len) : CARDEA_ABSENT;
}

void exports_cardea_policy_on_complete_handle(cardea_policy_types_summary_t *told, cardea_wit_list_u8_t *carry) {
  cardea_summary summary = {told->status,   told->duration_us, told->upstream_us,         told->bytes_in,
                            told->bytes_out, optional(&told->backend), told->retries, optional(&told->error)};
  cardea_on_complete(&summary, cardea_bytes(carry->ptr, carry->len));
}

// It answers nothing, so there is no reading of an answer to wait for.
EXPORT("on-complete", "handle") void cardea_export_on_complete(int32_t status, int64_t duration, int64_t upstream,
                                                               int64_t bytes_in, int64_t bytes_out,
                                                               int32_t has_backend, uint8_t *backend,
                                                               size_t backend_size, int32_t retries, int32_t has_error,
                                                               uint8_t *error, size_t error_size, uint8_t *carry,
                                                               size_t carry_size) {
  __wasm_export_exports_cardea_policy_on_complete_handle(status, duration, upstream, bytes_in, bytes_out, has_backend,
                                                         backend, backend_size, retries, has_error, error, error_size,
                                                         carry, carry_size);
  cardea_arena_reset();
}
