/* Run-time choice of instructions for C leaves.
 *
 * A function marked ALGOS_CLONES is compiled for plain x86-64, v3 and v4, and the loader picks
 * the best that the machine has. Put the block loop inside it (a call per row gains
 * nothing) and mark what it calls ALGOS_INLINE, else the callee stays plain.
 * Elsewhere (no IFUNC: musl, macOS, Windows) and in a build with ALGOS_NO_DISPATCH there is
 * the plain version alone.
 */
#ifndef ALGOS_SIMD_H
#define ALGOS_SIMD_H

#include <stddef.h> /* defines __GLIBC__ where there is one, through features.h */
#include <stdint.h>

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12 && defined(__x86_64__) && \
    defined(__linux__) && defined(__GLIBC__) && !defined(ALGOS_NO_DISPATCH)
#define ALGOS_CLONES \
    __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define ALGOS_CLONES
#endif

#if defined(_MSC_VER)
#define ALGOS_INLINE static __forceinline
#else
#define ALGOS_INLINE static inline __attribute__((always_inline))
#endif

#endif
