/* ALGOS_SOURCE for every instruction set; ALGOS_T and ALGOS_TYPE are set by its header. */
#define ALGOS_NAME(f) ALGOS_PASTE(f, ALGOS_TYPE, base)
#define ALGOS_BYTES 16
#include ALGOS_SOURCE
#undef ALGOS_NAME
#undef ALGOS_BYTES

#ifdef ALGOS_X86_LEVELS
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
#define ALGOS_NAME(f) ALGOS_PASTE(f, ALGOS_TYPE, v3)
#define ALGOS_BYTES 32
#include ALGOS_SOURCE
#undef ALGOS_NAME
#undef ALGOS_BYTES
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4")
#define ALGOS_NAME(f) ALGOS_PASTE(f, ALGOS_TYPE, v4)
#define ALGOS_BYTES 64
#include ALGOS_SOURCE
#undef ALGOS_NAME
#undef ALGOS_BYTES
#pragma GCC pop_options
#endif
