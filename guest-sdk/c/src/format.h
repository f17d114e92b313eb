// cardea_text with its arguments in a list.
#ifndef CARDEA_FORMAT_H
#define CARDEA_FORMAT_H

#include <stdarg.h>

#include "cardea.h"

cardea_str cardea_text_of(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

#endif
