/* Run-time choice of instructions for C leaves, in two ways.
 *
 * ALGOS_CLONES marks a function that is compiled for plain x86-64, v3 and v4, the loader
 * picking the best that the machine has. Put the block loop inside it (a call per row gains
 * nothing) and mark what it calls ALGOS_INLINE, else the callee stays plain.
 *
 * ALGOS_X86_LEVELS: where the shape of a register block depends on the level, a file
 * (`_tile_impl.h`) is included once per element type and level, with
 *   ALGOS_T      element type            ALGOS_NAME(f)  f with type and level in its name
 *   ALGOS_BYTES  bytes in one vector register
 * and ALGOS_AT_LEVEL chooses when the module is loaded.
 *
 * Elsewhere, and in a build with ALGOS_NO_DISPATCH, there is the plain version alone.
 */
#ifndef ALGOS_SIMD_H
#define ALGOS_SIMD_H

#include <stddef.h> /* defines __GLIBC__ where there is one, through features.h */
#include <stdint.h>
#include <string.h>

#if !defined(__GNUC__)
#error "algos needs GCC or Clang (on Windows: MinGW-w64's GCC)"
#endif

/* Not on Windows: GCC keeps no vector of 32 bytes or more in its place on that stack. */
#if defined(__x86_64__) && !defined(__clang__) && __GNUC__ >= 12 && !defined(_WIN32) && \
    !defined(ALGOS_NO_DISPATCH)
#define ALGOS_X86_LEVELS 1
#endif

#if defined(ALGOS_X86_LEVELS) && defined(__linux__) && defined(__GLIBC__) /* has IFUNC */
#define ALGOS_CLONES \
    __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define ALGOS_CLONES
#endif

#define ALGOS_INLINE static inline __attribute__((always_inline))
#define ALGOS_PASTE2(a, b, c) algos_##a##_##b##_##c
#define ALGOS_PASTE(a, b, c) ALGOS_PASTE2(a, b, c)

/* 4, 3 or 0: the x86-64 level whose code may run here. */
static inline int algos_level(void) {
#ifdef ALGOS_X86_LEVELS
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512cd"))
        return 4;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("bmi2"))
        return 3;
#endif
    return 0;
}

/* The best level up to `limit` (4, 3 or 0) that this processor has. */
static inline int algos_level_up_to(int limit) {
    const int has = algos_level(), level = has < limit ? has : limit;
    return level >= 4 ? 4 : level >= 3 ? 3 : 0;
}

/* The one of a level among those that `_levels.h` made: of 3 and &name it is &name_v3. */
#ifdef ALGOS_X86_LEVELS
#define ALGOS_AT_LEVEL(level, name) \
    ((level) >= 4 ? name##_v4 : (level) >= 3 ? name##_v3 : name##_base)
#else
#define ALGOS_AT_LEVEL(level, name) ((void)(level), name##_base)
#endif

#endif
