// JSON as a tree in the arena, for configs: bounded in depth, and in size by the text.
#ifndef CARDEA_JSON_H
#define CARDEA_JSON_H

#include "cardea.h"

typedef enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_OBJECT } json_kind;

typedef struct json {
  json_kind kind;
  cardea_str key;  // Of a member of an object.
  cardea_str text; // Of a text, unescaped.
  double number;
  int64_t whole;
  bool is_whole; // The number is `whole`, written without a point or exponent.
  bool truth;
  bool asked; // The policy asked for this member.
  struct json *first, *next;
} json;

// NULL if the text is not JSON (RFC 8259), or more than 16 deep.
json *json_read(cardea_str text);

#endif
