// `new` takes from the arena, and `delete` gives nothing back.

#include <cardea.hpp>

void* operator new(size_t size) { return cardea_alloc(size); }
void* operator new[](size_t size) { return cardea_alloc(size); }
void operator delete(void*) noexcept {}
void operator delete[](void*) noexcept {}
void operator delete(void*, size_t) noexcept {}
void operator delete[](void*, size_t) noexcept {}

// What the compiler calls for a virtual function without a body, and to destroy what is static, which never happens here.
extern "C" void __cxa_pure_virtual() { __builtin_trap(); }
extern "C" int __cxa_atexit(void (*)(void*), void*, void*) { return 0; }
