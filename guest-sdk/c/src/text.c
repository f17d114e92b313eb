// Views of bytes: comparing, reading numbers, formatting.

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"

// The macros of cardea.h take literals; the functions behind them are defined here.
#undef cardea_copy
#undef cardea_equal
#undef cardea_starts_with
#undef cardea_ends_with
#undef cardea_contains

cardea_str cardea_str_of(const char *text) { return (cardea_str){text, text ? strlen(text) : 0}; }

cardea_str cardea_bytes(const void *data, size_t size) { return (cardea_str){data, size}; }

bool cardea_equal(cardea_str a, cardea_str b) {
  if (!a.data || !b.data) return a.data == b.data;
  return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

bool cardea_starts_with(cardea_str text, cardea_str prefix) {
  return text.size >= prefix.size && memcmp(text.data, prefix.data, prefix.size) == 0;
}

bool cardea_ends_with(cardea_str text, cardea_str suffix) {
  return text.size >= suffix.size && memcmp(text.data + text.size - suffix.size, suffix.data, suffix.size) == 0;
}

bool cardea_contains(cardea_str text, cardea_str part) {
  for (size_t i = 0; i + part.size <= text.size; i++)
    if (memcmp(text.data + i, part.data, part.size) == 0) return true;
  return false;
}

bool cardea_to_u64(cardea_str text, uint64_t *number) {
  uint64_t value = 0;
  for (size_t i = 0; i < text.size; i++) {
    unsigned digit = (unsigned)(text.data[i] - '0');
    if (digit > 9 || value > UINT64_MAX / 10 || value * 10 > UINT64_MAX - digit) return false;
    value = value * 10 + digit;
  }
  if (text.size == 0) return false;
  *number = value;
  return true;
}

bool cardea_to_i64(cardea_str text, int64_t *number) {
  bool negative = text.size > 0 && text.data[0] == '-';
  uint64_t size, bound = (uint64_t)INT64_MAX + negative;
  if (!cardea_to_u64((cardea_str){text.data + negative, text.size - negative}, &size) || size > bound) return false;
  *number = (int64_t)(negative ? 0 - size : size);
  return true;
}

cardea_str cardea_copy(cardea_str text) {
  if (!text.data) return text;
  return (cardea_str){memcpy(cardea_alloc(text.size), text.data, text.size), text.size};
}

// Where formatted text goes: counted first, written then.
typedef struct {
  char *data; // NULL: count only
  size_t size;
} sink;

static void put(sink *to, const char *data, size_t size) {
  if (to->data) memcpy(to->data + to->size, data, size);
  to->size += size;
}

static void pad(sink *to, char with, size_t size, size_t width) {
  for (; size < width; size++) put(to, &with, 1);
}

static void put_number(sink *to, uint64_t number, bool negative, unsigned base, char with, size_t width) {
  char digits[24], *first = digits + sizeof digits;
  do *--first = "0123456789abcdef"[number % base];
  while ((number /= base) > 0);
  size_t size = (size_t)(digits + sizeof digits - first);
  if (negative && with == '0') put(to, "-", 1);
  if (negative && with == ' ') *--first = '-';
  pad(to, with, size + negative, width);
  put(to, first, size + (negative && with == ' '));
}

// One conversion, from behind its %; returns the character behind it.
static const char *convert(sink *to, const char *at, va_list *arguments) {
  char with = *at == '0' ? '0' : ' ';
  size_t width = 0, precision = SIZE_MAX;
  for (; *at >= '0' && *at <= '9'; at++) width = width * 10 + (size_t)(*at - '0');
  if (*at == '.') {
    if (at[1] != '*') abort();
    precision = (size_t)va_arg(*arguments, int);
    at += 2;
  }
  unsigned longs = 0; // On wasm32 size_t and long are as wide as int.
  for (; *at == 'l' || *at == 'z'; at++) longs += *at == 'l';
  switch (*at) {
    case '%': put(to, "%", 1); break;
    case 'c': {
      char byte = (char)va_arg(*arguments, int);
      put(to, &byte, 1);
      break;
    }
    case 's': {
      const char *text = va_arg(*arguments, const char *);
      size_t size = precision != SIZE_MAX ? precision : strlen(text);
      pad(to, ' ', size, width);
      if (size > 0) put(to, text, size);
      break;
    }
    case 'd':
    case 'i': {
      int64_t number = longs > 1 ? va_arg(*arguments, long long) : va_arg(*arguments, int);
      put_number(to, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, number < 0, 10, with, width);
      break;
    }
    case 'u':
    case 'x': {
      uint64_t number = longs > 1 ? va_arg(*arguments, unsigned long long) : va_arg(*arguments, unsigned);
      put_number(to, number, false, *at == 'u' ? 10 : 16, with, width);
      break;
    }
    default: abort(); // The compiler warned of it.
  }
  return at + 1;
}

static size_t format_to(char *data, const char *format, va_list arguments) {
  sink to = {data, 0};
  va_list copy;
  va_copy(copy, arguments);
  while (*format) {
    if (*format == '%') {
      format = convert(&to, format + 1, &copy);
    } else {
      put(&to, format++, 1);
    }
  }
  va_end(copy);
  return to.size;
}

cardea_str cardea_text_of(const char *format, va_list arguments) {
  size_t size = format_to(NULL, format, arguments);
  char *data = cardea_alloc(size + 1);
  format_to(data, format, arguments);
  data[size] = 0;
  return (cardea_str){data, size};
}

cardea_str cardea_text(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  cardea_str text = cardea_text_of(format, arguments);
  va_end(arguments);
  return text;
}
