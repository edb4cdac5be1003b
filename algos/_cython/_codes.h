/* Rows and other vectors as 8-bit codes, and their products in integers.
 *
 *   x = step * (code - 128) + what that leaves     rows: unsigned, 128 is zero
 *   c = step * code + what that leaves             panel vectors: signed
 *
 * Fine codes are two bytes a number, high and low, the step of the low ones being 256 times
 * less; their products leave out low times low.
 *
 * A tile holds the codes of ALGOS_CODE_ROWS rows in words of four columns,
 * codes[word][row][4]; a panel the k others in groups, panel[group][word][vector][4]; of fine
 * codes, first all high words and then all low ones. The products are exact, so whoever knows
 * how much the codes leave of each vector can tell which products of real numbers may be larger
 * than others.
 *
 * Processors with VNNI multiply and add 64 pairs of codes in one instruction; elsewhere the
 * same is done in plain C, to be right and not to be fast.
 */
#ifndef ALGOS_CODES_H
#define ALGOS_CODES_H

#include <Python.h>
#include "_panel.h"
#include "_simd.h"

#define ALGOS_CODE_ROWS 64
#define ALGOS_CODE_VECTORS 4 /* of 16 rows each */

typedef int32_t algos_code_vec __attribute__((vector_size(64)));
typedef int32_t algos_loose_code_vec
    __attribute__((vector_size(64), aligned(1), may_alias)); /* numpy's arrays */

typedef float algos_value_vec __attribute__((vector_size(64)));

typedef struct {
    void (*encode)(const float *, Py_ssize_t, Py_ssize_t, float, int, int32_t *, Py_ssize_t,
                   float *, float *);
    void (*products)(const uint8_t *, Py_ssize_t, int, const int32_t *, const int32_t *,
                     Py_ssize_t, int32_t *, int32_t *);
    uint64_t (*reaching)(const int32_t *, Py_ssize_t, const int32_t *, uint64_t *, int32_t *,
                         int32_t *);
} algos_code_table;

#define ALGOS_SPREAD32(x) ((x) - (algos_code_vec){0})

ALGOS_INLINE algos_value_vec algos_within_plain(algos_value_vec x, float bound) {
    const algos_value_vec high = bound - (algos_value_vec){0}, low = -high;
    const algos_code_vec below = x < high; /* false for NaN */
    const algos_code_vec kept = (below & (algos_code_vec)x) | (~below & (algos_code_vec)high);
    const algos_code_vec above = (algos_value_vec)kept > low;
    return (algos_value_vec)((above & kept) | (~above & (algos_code_vec)low));
}

/* acc + sum of the four products of unsigned a and signed b in each lane. */
ALGOS_INLINE algos_code_vec algos_dot_plain(algos_code_vec acc, algos_code_vec a,
                                            algos_code_vec b) {
    acc += (a & 255) * ((b << 24) >> 24);
    acc += ((a >> 8) & 255) * ((b << 16) >> 24);
    acc += ((a >> 16) & 255) * ((b << 8) >> 24);
    return acc + ((a >> 24) & 255) * (b >> 24);
}

ALGOS_INLINE algos_code_vec algos_larger_plain(algos_code_vec a, algos_code_vec b) {
    const algos_code_vec more = a > b;
    return (a & more) | (b & ~more);
}

ALGOS_INLINE uint64_t algos_mask_plain(algos_code_vec a, algos_code_vec b) {
    uint64_t mask = 0;
    for (int lane = 0; lane < 16; lane++)
        mask |= (uint64_t)(a[lane] >= b[lane]) << lane;
    return mask;
}

ALGOS_INLINE algos_code_vec algos_replace_plain(algos_code_vec old, uint64_t mask, int32_t value) {
    for (int lane = 0; lane < 16; lane++)
        if (mask >> lane & 1)
            old[lane] = value;
    return old;
}

#define ALGOS_CODE(f) ALGOS_PASTE(f, code, plain)
#define ALGOS_DOT algos_dot_plain
#define ALGOS_WITHIN algos_within_plain
#define ALGOS_LARGER algos_larger_plain
#define ALGOS_MASK algos_mask_plain
#define ALGOS_REPLACE algos_replace_plain
#include "_codes_impl.h"
#undef ALGOS_CODE
#undef ALGOS_DOT
#undef ALGOS_WITHIN
#undef ALGOS_LARGER
#undef ALGOS_MASK
#undef ALGOS_REPLACE

#ifdef ALGOS_X86_LEVELS
#include <immintrin.h>
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,avx512vnni")
#define ALGOS_CODE(f) ALGOS_PASTE(f, code, vnni)
#define ALGOS_DOT(acc, a, b) \
    ((algos_code_vec)_mm512_dpbusd_epi32((__m512i)(acc), (__m512i)(a), (__m512i)(b)))
#define ALGOS_WITHIN(x, bound)                                                               \
    ((algos_value_vec)_mm512_max_ps(_mm512_min_ps((__m512)(x), _mm512_set1_ps(bound)),       \
                                    _mm512_set1_ps(-(bound))))
#define ALGOS_LARGER(a, b) ((algos_code_vec)_mm512_max_epi32((__m512i)(a), (__m512i)(b)))
#define ALGOS_MASK(a, b) ((uint64_t)_mm512_cmpge_epi32_mask((__m512i)(a), (__m512i)(b)))
#define ALGOS_REPLACE(old, mask, value) \
    ((algos_code_vec)_mm512_mask_set1_epi32((__m512i)(old), (__mmask16)(mask), value))
#include "_codes_impl.h"
#undef ALGOS_CODE
#undef ALGOS_DOT
#undef ALGOS_WITHIN
#undef ALGOS_LARGER
#undef ALGOS_MASK
#undef ALGOS_REPLACE
#pragma GCC pop_options
#endif

static const algos_code_table *algos_codes = &algos_table_code_plain;

/* Use VNNI if the processor has it and it is wanted; tell whether it is used. */
static inline int algos_codes_choose(int wanted) {
    algos_codes = &algos_table_code_plain;
#ifdef ALGOS_X86_LEVELS
    if (wanted && algos_level() >= 4 && __builtin_cpu_supports("avx512vnni")) {
        algos_codes = &algos_table_code_vnni;
        return 1;
    }
#endif
    (void)wanted;
    return 0;
}

#endif
