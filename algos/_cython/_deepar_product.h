/* Products of few rows and small matrices: the multiplications of a recurrent network.
 *
 *   multiply     out = init + x w        x (rows, k), w (k, n)
 *   accumulate   out += a' b             a (k, m), b (k, n), out (m, n)
 *
 * n is a multiple of 8; any number of rows and any k is allowed, and no alignment is required
 * (32 bytes is fastest). Each number of `out` is one chain of multiplications and additions
 * in the order of k: a row's bits depend neither on other rows nor on its place.
 */
#ifndef ALGOS_DEEPAR_PRODUCT_H
#define ALGOS_DEEPAR_PRODUCT_H

#include "_simd.h"

/* x - 0 is x, even for -0, so that only the broadcast remains. */
#define ALGOS_DEEPAR_SPREAD(V, x) ((x) - (V){0})

/* Arguments of multiply: init (rows, n) with distance ldi between rows, 0 for one row used
 * for all; x with distance ldx; w; out with distance ldo, which may be init.
 * Of accumulate: a with distance lda between its k rows, b with ldb; out is contiguous. */
#define ALGOS_DEEPAR_DECLARE_PRODUCTS(T, name)                                               \
    typedef struct {                                                                         \
        void (*multiply)(const T *init, ptrdiff_t ldi, const T *x, ptrdiff_t ldx,            \
                         ptrdiff_t rows, ptrdiff_t k, const T *w, ptrdiff_t n, T *out,       \
                         ptrdiff_t ldo);                                                     \
        void (*accumulate)(const T *a, ptrdiff_t lda, const T *b, ptrdiff_t ldb,             \
                           ptrdiff_t k, ptrdiff_t m, ptrdiff_t n, T *out);                   \
    } name;

ALGOS_DEEPAR_DECLARE_PRODUCTS(float, algos_deepar_products_f32)
ALGOS_DEEPAR_DECLARE_PRODUCTS(double, algos_deepar_products_f64)

#define ALGOS_SOURCE "_deepar_product_impl.h"
#define ALGOS_T float
#define ALGOS_TYPE f32
#define ALGOS_TABLE algos_deepar_products_f32
#include "_levels.h"
#undef ALGOS_T
#undef ALGOS_TYPE
#undef ALGOS_TABLE

/* Double is only used for checking gradients by differences. */
#define ALGOS_T double
#define ALGOS_TYPE f64
#define ALGOS_TABLE algos_deepar_products_f64
#define ALGOS_NAME(f) ALGOS_PASTE(f, ALGOS_TYPE, base)
#define ALGOS_BYTES 16
#include ALGOS_SOURCE
#undef ALGOS_NAME
#undef ALGOS_BYTES
#undef ALGOS_T
#undef ALGOS_TYPE
#undef ALGOS_TABLE
#undef ALGOS_SOURCE

static const algos_deepar_products_f32 *algos_deepar_product_f32 =
    &algos_deepar_products_f32_base;
static const algos_deepar_products_f64 *algos_deepar_product_f64 =
    &algos_deepar_products_f64_base;

/* Choose the best level up to `limit` (0, 3 or 4) that this processor has; returns it. */
static inline int algos_deepar_choose_products(int limit) {
    const int level = algos_level_up_to(limit);
    algos_deepar_product_f32 = ALGOS_AT_LEVEL(level, &algos_deepar_products_f32);
    return level;
}

#endif
