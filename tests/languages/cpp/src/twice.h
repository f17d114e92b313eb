// A part of the policy that is in C.
#ifdef __cplusplus
extern "C"
#endif
    int
    twice(int number);
