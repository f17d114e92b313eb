// One arena for everything that a call allocates: a pointer that moves up, and back when the call is over.

#include "arena.h"

#include <stdlib.h>
#include <string.h>

#include "cardea.h"

#define ALIGNMENT 16
#define PAGE_SIZE 65536

// The first byte behind stack and globals: the linker says where.
extern uint8_t __heap_base;

static uintptr_t kept; // Where the memory of calls begins: behind what cardea_init allocated.
static uintptr_t next; // The next free byte.
static uintptr_t last; // The newest allocation, which may grow in place.

static void *allocate(size_t size, size_t alignment) {
  if (next == 0) next = kept = (uintptr_t)&__heap_base;
  uintptr_t start = (next + alignment - 1) & ~(uintptr_t)(alignment - 1);
  uintptr_t end = start + size, room = __builtin_wasm_memory_size(0) * PAGE_SIZE;
  if (end < start) abort();
  if (end > room) {
    size_t pages = (end - room + PAGE_SIZE - 1) / PAGE_SIZE;
    if (__builtin_wasm_memory_grow(0, pages) == SIZE_MAX) abort();
  }
  last = start;
  next = end;
  return (void *)start;
}

static void *reallocate(void *memory, size_t old_size, size_t alignment, size_t size) {
  if (memory && (uintptr_t)memory == last) {
    next = last;
    return allocate(size, alignment);
  }
  void *moved = allocate(size, alignment);
  if (memory) memcpy(moved, memory, old_size < size ? old_size : size);
  return moved;
}

void cardea_arena_reset(void) {
  next = kept;
  last = 0;
}

void cardea_arena_keep(void) {
  if (next == 0) next = (uintptr_t)&__heap_base;
  kept = next;
  last = 0;
}

// Where the host puts what it answers.
__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *memory, size_t old_size, size_t alignment,
                                                                size_t size) {
  return reallocate(memory, old_size, alignment, size);
}

void *cardea_alloc(size_t size) { return allocate(size, ALIGNMENT); }

// malloc remembers the size in front of what it gives, since realloc is not told it.
void *malloc(size_t size) {
  if (size > SIZE_MAX - ALIGNMENT) abort();
  size_t *memory = allocate(size + ALIGNMENT, ALIGNMENT);
  *memory = size;
  return (char *)memory + ALIGNMENT;
}

void *calloc(size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) abort();
  return memset(malloc(bytes), 0, bytes);
}

void *realloc(void *memory, size_t size) {
  if (!memory) return malloc(size);
  size_t old = *(size_t *)((char *)memory - ALIGNMENT);
  return old >= size ? memory : memcpy(malloc(size), memory, old);
}

void free(void *memory) { (void)memory; }

_Noreturn void abort(void) { __builtin_trap(); }
