// Puts outcomes together, in memory that is there from the beginning.

#include "outcome.h"

// The macros of cardea.h take literals; the functions behind them are defined here.
#undef cardea_route
#undef cardea_route_weighted
#undef cardea_route_subset
#undef cardea_redirect
#undef cardea_respond
#undef cardea_deny
#undef cardea_set_path
#undef cardea_set_query
#undef cardea_set_authority
#undef cardea_set_response_header
#undef cardea_append_response_header
#undef cardea_remove_response_header
#undef cardea_label
#undef cardea_replace

typedef cardea_policy_types_decision_t decision;
typedef cardea_policy_types_list_edit_t edit_list;
typedef cardea_policy_types_list_field_t field_list;

static cardea_outcome request_outcome;
static cardea_response response_outcome;

cardea_outcome *cardea_outcome_begin(void) {
  cardea_outcome *outcome = &request_outcome;
  outcome->wit = (cardea_policy_types_request_outcome_t){
      .edits = {outcome->edits, 0}, .response_edits = {outcome->response_edits, 0}, .labels = {outcome->labels, 0}};
  return outcome;
}

cardea_response *cardea_response_begin(void) {
  cardea_response *response = &response_outcome;
  response->wit = (cardea_policy_types_response_outcome_t){.edits = {response->edits, 0}};
  return response;
}

static cardea_policy_types_field_t field(cardea_str name, cardea_str value) {
  return (cardea_policy_types_field_t){wit_text(name), wit_bytes(value)};
}

// ---- decisions

// The decision made anew, of this kind.
static decision *decide(cardea_outcome *outcome, uint8_t kind) {
  outcome->wit.decision = (decision){.tag = kind};
  return &outcome->wit.decision;
}

void cardea_next(cardea_outcome *outcome) { decide(outcome, CARDEA_POLICY_TYPES_DECISION_NEXT); }

void cardea_route(cardea_outcome *outcome, cardea_str backend) {
  decision *made = decide(outcome, CARDEA_POLICY_TYPES_DECISION_ROUTE);
  made->val.route.tag = CARDEA_POLICY_TYPES_TARGET_BACKEND;
  made->val.route.val.backend = wit_text(backend);
}

// The decision to route to this kind of target, as it is or begun.
static cardea_policy_types_target_t *route_to(cardea_outcome *outcome, uint8_t kind) {
  decision *made = &outcome->wit.decision;
  if (made->tag != CARDEA_POLICY_TYPES_DECISION_ROUTE || made->val.route.tag != kind) {
    made = decide(outcome, CARDEA_POLICY_TYPES_DECISION_ROUTE);
    made->val.route.tag = kind;
  }
  return &made->val.route;
}

void cardea_route_weighted(cardea_outcome *outcome, cardea_str backend, uint32_t weight) {
  cardea_policy_types_target_t *target = route_to(outcome, CARDEA_POLICY_TYPES_TARGET_WEIGHTED);
  target->val.weighted.ptr = outcome->weighted;
  if (target->val.weighted.len == PAIRS_MAX) return;
  outcome->weighted[target->val.weighted.len++] = (cardea_policy_types_weighted_t){wit_text(backend), weight};
}

void cardea_route_subset(cardea_outcome *outcome, cardea_str key, cardea_str value) {
  cardea_policy_types_target_t *target = route_to(outcome, CARDEA_POLICY_TYPES_TARGET_SUBSET);
  target->val.subset.ptr = outcome->subset;
  if (target->val.subset.len == PAIRS_MAX) return;
  outcome->subset[target->val.subset.len++] = (cardea_wit_tuple2_string_string_t){wit_text(key), wit_text(value)};
}

void cardea_redirect(cardea_outcome *outcome, uint16_t status, cardea_str location) {
  decision *made = decide(outcome, CARDEA_POLICY_TYPES_DECISION_REDIRECT);
  made->val.redirect = (cardea_policy_types_redirect_t){status, wit_text(location)};
}

void cardea_respond(cardea_outcome *outcome, uint16_t status, cardea_str body) {
  decision *made = decide(outcome, CARDEA_POLICY_TYPES_DECISION_RESPOND);
  made->val.respond = (cardea_policy_types_response_t){status, {outcome->headers, 0}, wit_bytes(body)};
}

void cardea_deny(cardea_outcome *outcome, uint16_t status, cardea_str reason) {
  decision *made = decide(outcome, CARDEA_POLICY_TYPES_DECISION_DENY);
  made->val.deny = (cardea_policy_types_denial_t){status, wit_text(reason), {outcome->headers, 0}, {false, 0}};
}

void cardea_retry_after_ms(cardea_outcome *outcome, uint32_t ms) {
  decision *made = &outcome->wit.decision;
  if (made->tag != CARDEA_POLICY_TYPES_DECISION_DENY) return;
  made->val.deny.retry_after_ms.is_some = true;
  made->val.deny.retry_after_ms.val = ms;
}

void cardea_want_body(cardea_outcome *outcome, uint32_t max_bytes, bool deny_on_overflow) {
  decision *made = decide(outcome, CARDEA_POLICY_TYPES_DECISION_WANT_BODY);
  made->val.want_body = (cardea_policy_types_body_demand_t){max_bytes, deny_on_overflow};
}

void cardea_replace(cardea_response *response, uint16_t status, cardea_str body) {
  response->wit.replace.is_some = true;
  response->wit.replace.val = (cardea_policy_types_response_t){status, {response->headers, 0}, wit_bytes(body)};
}

static void add_header(field_list *headers, cardea_str name, cardea_str value) {
  if (headers->len < HEADERS_MAX) headers->ptr[headers->len++] = field(name, value);
}

void cardea_outcome_reply_header(cardea_outcome *outcome, cardea_str name, cardea_str value) {
  decision *made = &outcome->wit.decision;
  if (made->tag == CARDEA_POLICY_TYPES_DECISION_RESPOND) add_header(&made->val.respond.headers, name, value);
  if (made->tag == CARDEA_POLICY_TYPES_DECISION_DENY) add_header(&made->val.deny.headers, name, value);
}

void cardea_response_reply_header(cardea_response *response, cardea_str name, cardea_str value) {
  if (response->wit.replace.is_some) add_header(&response->wit.replace.val.headers, name, value);
}

// ---- edits

// A new edit of this kind; once there is one too many it takes the place of the last.
static cardea_policy_types_edit_t *edit(edit_list *edits, uint8_t kind) {
  size_t index = edits->len < EDITS_MAX ? edits->len++ : EDITS_MAX - 1;
  edits->ptr[index] = (cardea_policy_types_edit_t){.tag = kind};
  return &edits->ptr[index];
}

static void set(edit_list *edits, cardea_str name, cardea_str value) {
  edit(edits, CARDEA_POLICY_TYPES_EDIT_SET)->val.set = field(name, value);
}

static void append(edit_list *edits, cardea_str name, cardea_str value) {
  edit(edits, CARDEA_POLICY_TYPES_EDIT_APPEND)->val.append = field(name, value);
}

static void take_away(edit_list *edits, cardea_str name) {
  edit(edits, CARDEA_POLICY_TYPES_EDIT_REMOVE)->val.remove = wit_text(name);
}

void cardea_outcome_set_header(cardea_outcome *outcome, cardea_str name, cardea_str value) {
  set(&outcome->wit.edits, name, value);
}

void cardea_outcome_append_header(cardea_outcome *outcome, cardea_str name, cardea_str value) {
  append(&outcome->wit.edits, name, value);
}

void cardea_outcome_remove_header(cardea_outcome *outcome, cardea_str name) { take_away(&outcome->wit.edits, name); }

void cardea_set_path(cardea_outcome *outcome, cardea_str path) {
  edit(&outcome->wit.edits, CARDEA_POLICY_TYPES_EDIT_SET_PATH)->val.set_path = wit_text(path);
}

void cardea_set_query(cardea_outcome *outcome, cardea_str query) {
  cardea_policy_types_edit_t *made = edit(&outcome->wit.edits, CARDEA_POLICY_TYPES_EDIT_SET_QUERY);
  made->val.set_query.is_some = cardea_present(query);
  made->val.set_query.val = wit_text(query);
}

void cardea_set_authority(cardea_outcome *outcome, cardea_str authority) {
  edit(&outcome->wit.edits, CARDEA_POLICY_TYPES_EDIT_SET_AUTHORITY)->val.set_authority = wit_text(authority);
}

void cardea_set_response_header(cardea_outcome *outcome, cardea_str name, cardea_str value) {
  set(&outcome->wit.response_edits, name, value);
}

void cardea_append_response_header(cardea_outcome *outcome, cardea_str name, cardea_str value) {
  append(&outcome->wit.response_edits, name, value);
}

void cardea_remove_response_header(cardea_outcome *outcome, cardea_str name) {
  take_away(&outcome->wit.response_edits, name);
}

void cardea_response_set_header(cardea_response *response, cardea_str name, cardea_str value) {
  set(&response->wit.edits, name, value);
}

void cardea_response_append_header(cardea_response *response, cardea_str name, cardea_str value) {
  append(&response->wit.edits, name, value);
}

void cardea_response_remove_header(cardea_response *response, cardea_str name) { take_away(&response->wit.edits, name); }

// ---- what later phases and the access line get

void cardea_follow_response(cardea_outcome *outcome) { outcome->wit.follow |= CARDEA_POLICY_TYPES_PHASES_RESPONSE; }

void cardea_follow_complete(cardea_outcome *outcome) { outcome->wit.follow |= CARDEA_POLICY_TYPES_PHASES_COMPLETE; }

void cardea_outcome_carry(cardea_outcome *outcome, cardea_str carry) { outcome->wit.carry = wit_bytes(carry); }

void cardea_response_carry(cardea_response *response, cardea_str carry) { response->wit.carry = wit_bytes(carry); }

void cardea_label(cardea_outcome *outcome, cardea_str key, cardea_str value) {
  cardea_wit_list_tuple2_string_string_t *labels = &outcome->wit.labels;
  if (labels->len == PAIRS_MAX) return;
  labels->ptr[labels->len++] = (cardea_wit_tuple2_string_string_t){wit_text(key), wit_text(value)};
}
