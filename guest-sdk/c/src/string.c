// memcpy and its like, on the instructions that Wasm has for them; the others byte by byte.

#include <stdint.h>
#include <string.h>

void *memcpy(void *to, const void *from, size_t size) {
  __builtin_memcpy(to, from, size); // memory.copy
  return to;
}

void *memmove(void *to, const void *from, size_t size) {
  __builtin_memmove(to, from, size); // memory.copy, which may overlap
  return to;
}

void *memset(void *to, int byte, size_t size) {
  __builtin_memset(to, byte, size); // memory.fill
  return to;
}

int memcmp(const void *a, const void *b, size_t size) {
  const uint8_t *left = a, *right = b;
  for (size_t i = 0; i < size; i++)
    if (left[i] != right[i]) return left[i] - right[i];
  return 0;
}

void *memchr(const void *in, int byte, size_t size) {
  const uint8_t *bytes = in;
  for (size_t i = 0; i < size; i++)
    if (bytes[i] == (uint8_t)byte) return (void *)(bytes + i);
  return NULL;
}

size_t strlen(const char *text) {
  const char *end = text;
  while (*end) end++;
  return (size_t)(end - text);
}

int strcmp(const char *a, const char *b) { return strncmp(a, b, SIZE_MAX); }

int strncmp(const char *a, const char *b, size_t size) {
  for (size_t i = 0; i < size; i++) {
    uint8_t left = (uint8_t)a[i], right = (uint8_t)b[i];
    if (left != right || left == 0) return left - right;
  }
  return 0;
}

char *strchr(const char *text, int byte) {
  for (;; text++) {
    if (*text == (char)byte) return (char *)text;
    if (*text == 0) return NULL;
  }
}

char *strrchr(const char *text, int byte) {
  const char *found = NULL;
  for (;; text++) {
    if (*text == (char)byte) found = text;
    if (*text == 0) return (char *)found;
  }
}

char *strstr(const char *text, const char *part) {
  size_t size = strlen(part);
  for (; *text || size == 0; text++)
    if (strncmp(text, part, size) == 0) return (char *)text;
  return NULL;
}
