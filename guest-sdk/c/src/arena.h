// When the arena is emptied: by the phases' exports only.
#ifndef CARDEA_ARENA_H
#define CARDEA_ARENA_H

// The call is over.
void cardea_arena_reset(void);
// What was allocated so far stays.
void cardea_arena_keep(void);

#endif
