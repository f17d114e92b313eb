// The words that the conformance page defines.

#include "conformance.hpp"

static constexpr Text digits("0123456789abcdef");

Text hex(Text bytes) {
  char* text = new char[bytes.size() * 2];
  for (size_t i = 0; i < bytes.size(); i++) {
    auto byte = static_cast<uint8_t>(bytes[i]);
    text[2 * i] = digits[byte >> 4];
    text[2 * i + 1] = digits[byte & 15];
  }
  return {text, bytes.size() * 2};
}

static int value(char digit) {
  int index = 0;
  for (char each : digits) {
    if (each == digit) return index;
    index++;
  }
  return 0;
}

Text unhex(Text text) {
  char* bytes = new char[text.size() / 2];
  for (size_t i = 0; i < text.size() / 2; i++)
    bytes[i] = static_cast<char>(value(text[2 * i]) << 4 | value(text[2 * i + 1]));
  return {bytes, text.size() / 2};
}

Text seen() {
  Text type = cardea::response::header("content-type").value_or("absent");
  unsigned status = cardea::response::status();
  return cardea::print("%u %.*s %zu", status, static_cast<int>(type.size()), type.data(), cardea::response::headers().size());
}
