// The outcomes in the form of the interface, with room for one item more than it takes: the host then says which bound
// was gone over.
#ifndef CARDEA_OUTCOME_H
#define CARDEA_OUTCOME_H

#include "cardea.h"
#include "cardea_wit.h"

#define EDITS_MAX (64 + 1)
#define HEADERS_MAX (64 + 1)
#define PAIRS_MAX (16 + 1)

struct cardea_outcome {
  cardea_policy_types_request_outcome_t wit;
  cardea_policy_types_edit_t edits[EDITS_MAX];
  cardea_policy_types_edit_t response_edits[EDITS_MAX];
  cardea_policy_types_field_t headers[HEADERS_MAX];
  cardea_policy_types_weighted_t weighted[PAIRS_MAX];
  cardea_wit_tuple2_string_string_t subset[PAIRS_MAX];
  cardea_wit_tuple2_string_string_t labels[PAIRS_MAX];
};

struct cardea_response {
  cardea_policy_types_response_outcome_t wit;
  cardea_policy_types_edit_t edits[EDITS_MAX];
  cardea_policy_types_field_t headers[HEADERS_MAX];
};

// One of each is enough: an instance answers one call at a time.
cardea_outcome *cardea_outcome_begin(void);
cardea_response *cardea_response_begin(void);

static inline cardea_wit_string_t wit_text(cardea_str text) {
  return (cardea_wit_string_t){(uint8_t *)text.data, text.size};
}

static inline cardea_wit_list_u8_t wit_bytes(cardea_str bytes) {
  return (cardea_wit_list_u8_t){(uint8_t *)bytes.data, bytes.size};
}

#endif
