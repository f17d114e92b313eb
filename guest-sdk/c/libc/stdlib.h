// What a policy has of <stdlib.h>: there is no C library behind it.
#ifndef CARDEA_STDLIB_H
#define CARDEA_STDLIB_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// Of the arena, which is emptied when the call is over. Never NULL: where the policy's memory ends, the call fails.
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *memory, size_t size);
// Does nothing.
void free(void *memory);
// Fails the call: the host sees a trap.
#ifdef __cplusplus
[[noreturn]]
#else
_Noreturn
#endif
    void abort(void);

#ifdef __cplusplus
}
#endif
#endif
