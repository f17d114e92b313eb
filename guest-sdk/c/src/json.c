// Reads JSON by recursive descent.

#include "json.h"

#include <string.h>

#define DEPTH_MAX 16

typedef struct {
  const char *at, *end;
  unsigned depth;
} reader;

static json *read_value(reader *from);

static void skip_space(reader *from) {
  while (from->at < from->end && strchr(" \t\r\n", *from->at) && *from->at) from->at++;
}

// Takes this character, after white space.
static bool take(reader *from, char wanted) {
  skip_space(from);
  bool found = from->at < from->end && *from->at == wanted;
  from->at += found;
  return found;
}

static bool take_word(reader *from, const char *word) {
  size_t size = strlen(word);
  bool found = (size_t)(from->end - from->at) >= size && memcmp(from->at, word, size) == 0;
  if (found) from->at += size;
  return found;
}

static bool read_hex(reader *from, uint32_t *unit) {
  if (from->end - from->at < 4) return false;
  *unit = 0;
  for (int i = 0; i < 4; i++) {
    char digit = *from->at++;
    uint32_t value = digit >= '0' && digit <= '9'   ? (uint32_t)(digit - '0')
                     : digit >= 'a' && digit <= 'f' ? (uint32_t)(digit - 'a' + 10)
                     : digit >= 'A' && digit <= 'F' ? (uint32_t)(digit - 'A' + 10)
                                                    : 16;
    if (value == 16) return false;
    *unit = *unit << 4 | value;
  }
  return true;
}

// A code point after \u, of one unit or of a pair.
static bool read_code(reader *from, uint32_t *code) {
  uint32_t low;
  if (!read_hex(from, code)) return false;
  if (*code >= 0xdc00 && *code < 0xe000) return false;
  if (*code < 0xd800 || *code >= 0xe000) return true;
  if (!take_word(from, "\\u") || !read_hex(from, &low) || low < 0xdc00 || low >= 0xe000) return false;
  *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
  return true;
}

static char *put_utf8(char *to, uint32_t code) {
  if (code < 0x80) {
    *to++ = (char)code;
    return to;
  }
  int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  *to++ = (char)((0xf00 >> more & 0xff) | code >> 6 * more);
  while (more-- > 0) *to++ = (char)(0x80 | (code >> 6 * more & 0x3f));
  return to;
}

static bool read_escape(reader *from, char **to) {
  static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
  if (from->at == from->end) return false;
  char name = *from->at++;
  if (name == 'u') {
    uint32_t code;
    if (!read_code(from, &code)) return false;
    *to = put_utf8(*to, code);
    return true;
  }
  const char *found = name ? strchr(names, name) : NULL;
  if (!found) return false;
  *(*to)++ = values[found - names];
  return true;
}

// Behind the opening quote. Unescaped, a text is never longer than as it was written.
static bool read_text(reader *from, cardea_str *text) {
  const char *end = from->at;
  while (end < from->end && *end != '"') end += *end == '\\' ? 2 : 1;
  if (end >= from->end) return false;
  char *data = cardea_alloc((size_t)(end - from->at) + 1), *to = data;
  while (from->at < end) {
    char byte = *from->at++;
    if ((unsigned char)byte < 0x20) return false;
    if (byte != '\\') {
      *to++ = byte;
    } else if (!read_escape(from, &to)) {
      return false;
    }
  }
  from->at++;
  *to = 0;
  *text = (cardea_str){data, (size_t)(to - data)};
  return true;
}

static size_t digits(reader *from) {
  const char *first = from->at;
  while (from->at < from->end && *from->at >= '0' && *from->at <= '9') from->at++;
  return (size_t)(from->at - first);
}

// As near as a sum of digits and powers of ten comes: enough for a config.
static double decimal(const char *at, const char *end) {
  double value = 0;
  int exponent = 0, scale = 0;
  for (; at < end && *at != 'e' && *at != 'E'; at++) {
    if (*at == '.') {
      scale = 1;
    } else {
      value = value * 10 + (*at - '0');
      exponent -= scale;
    }
  }
  if (at < end) {
    bool negative = *++at == '-';
    int written = 0;
    for (at += negative || *at == '+'; at < end; at++)
      if (written < 1000) written = written * 10 + (*at - '0');
    exponent += negative ? -written : written;
  }
  for (; exponent > 0 && value <= 1.7e307; exponent--) value *= 10;
  for (; exponent < 0 && value > 0; exponent++) value /= 10;
  return exponent > 0 && value > 0 ? __builtin_inf() : value;
}

static bool read_number(reader *from, json *value) {
  const char *start = from->at;
  bool negative = take_word(from, "-");
  const char *first = from->at;
  size_t whole = digits(from);
  if (whole == 0 || (whole > 1 && *first == '0')) return false;
  const char *end = from->at;
  if (take_word(from, ".") && digits(from) == 0) return false;
  if (take_word(from, "e") || take_word(from, "E")) {
    if (!take_word(from, "-")) take_word(from, "+");
    if (digits(from) == 0) return false;
  }
  value->number = decimal(first, from->at) * (negative ? -1 : 1);
  value->is_whole = end == from->at && cardea_to_i64(cardea_bytes(start, (size_t)(end - start)), &value->whole);
  return true;
}

// Behind the opening bracket: members up to the closing one.
static bool read_members(reader *from, json *value, char close) {
  json **last = &value->first;
  if (take(from, close)) return true;
  do {
    cardea_str key = CARDEA_ABSENT;
    if (close == '}' && (!take(from, '"') || !read_text(from, &key) || !take(from, ':'))) return false;
    *last = read_value(from);
    if (!*last) return false;
    (*last)->key = key;
    last = &(*last)->next;
  } while (take(from, ','));
  return take(from, close);
}

static bool fill(reader *from, json *value) {
  if (take(from, '"')) {
    value->kind = JSON_TEXT;
    return read_text(from, &value->text);
  }
  if (take(from, '{')) {
    value->kind = JSON_OBJECT;
    return read_members(from, value, '}');
  }
  if (take(from, '[')) {
    value->kind = JSON_LIST;
    return read_members(from, value, ']');
  }
  if (take_word(from, "null")) return true;
  value->truth = take_word(from, "true");
  value->kind = JSON_BOOL;
  if (value->truth || take_word(from, "false")) return true;
  value->kind = JSON_NUMBER;
  return read_number(from, value);
}

static json *read_value(reader *from) {
  if (from->depth == DEPTH_MAX) return NULL;
  from->depth++;
  json *value = cardea_alloc(sizeof *value);
  memset(value, 0, sizeof *value);
  bool good = fill(from, value);
  from->depth--;
  return good ? value : NULL;
}

json *json_read(cardea_str text) {
  reader from = {text.data, text.data + text.size, 0};
  json *value = read_value(&from);
  skip_space(&from);
  return from.at == from.end ? value : NULL;
}
