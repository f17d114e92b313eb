// How the exports of a phase are named. The generated bindings have them all; a policy gets those of its own phases, since
// only the files of those phases are linked.
#ifndef CARDEA_PHASE_H
#define CARDEA_PHASE_H

#include "../arena.h"
#include "../outcome.h"

#define EXPORT(phase, function) __attribute__((export_name("cardea:policy/" phase "@0.1.0#" function)))
// Called when the host has read the answer: whatever the call allocated goes.
#define AFTER(phase, function) \
  EXPORT_POST("cabi_post_cardea:policy/" phase "@0.1.0#" function) static void after(uint8_t *answer) { \
    (void)answer;                                                                                       \
    cardea_arena_reset();                                                                               \
  }
#define EXPORT_POST(name) __attribute__((export_name(name), used))

#endif
