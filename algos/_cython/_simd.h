/* One source, several instruction sets, chosen once when a module is loaded.
 *
 * A file that wants it (`_tile_impl.h`) is included once per element type and level, with
 *   ALGOS_T      element type            ALGOS_NAME(f)  f with type and level in its name
 *   ALGOS_BYTES  bytes in one vector register
 * `target_clones` would not do: the shape of a register block depends on the level.
 */
#ifndef ALGOS_SIMD_H
#define ALGOS_SIMD_H

#include <stdint.h>
#include <string.h>

#if !defined(__GNUC__)
#error "algos needs GCC or Clang (on Windows: clang-cl or MinGW)"
#endif

#if defined(__x86_64__) && !defined(__clang__) && !defined(ALGOS_NO_DISPATCH)
#define ALGOS_X86_LEVELS 1
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

#endif
