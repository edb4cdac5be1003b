/* Both products for one element type and one instruction set: see _deepar_product.h.
 *
 * A tile of `out` stays in registers during the loop over k. Vectors have 32 bytes even if the
 * processor has longer ones: n needs no more padding, and there are twice as many of them.
 */
#define T ALGOS_T
#define N ALGOS_NAME
#define BYTES (ALGOS_BYTES < 32 ? ALGOS_BYTES : 32)
#define LANES ((ptrdiff_t)(BYTES / sizeof(T)))
#define V N(deepar_vec)
#define ROWS 4
#if ALGOS_BYTES == 64 || defined(__aarch64__) /* 32 registers, else 16 */
#define VECTORS 5
#else
#define VECTORS 3
#endif

typedef T V __attribute__((vector_size(BYTES)));
typedef T N(deepar_loose) __attribute__((vector_size(BYTES), aligned(sizeof(T)), may_alias));

/* r rows and c vectors of init + x w; x has distances `row` and `step` between its rows and
 * along k. With `late`, init is added at the end. */
ALGOS_INLINE void N(deepar_tile)(const T *init, ptrdiff_t ldi, const T *x, ptrdiff_t row,
                                 ptrdiff_t step, ptrdiff_t k, const T *w, ptrdiff_t ldw,
                                 T *out, ptrdiff_t ldo, const int r, const int c,
                                 const int late) {
    V sum[ROWS][VECTORS], b[VECTORS];
#pragma GCC unroll 4
    for (int i = 0; i < r; i++)
#pragma GCC unroll 5
        for (int j = 0; j < c; j++)
            sum[i][j] = late ? (V){0} : (V) * (const N(deepar_loose) *)(init + i * ldi + j * LANES);
    for (ptrdiff_t p = 0; p < k; p++) {
#pragma GCC unroll 5
        for (int j = 0; j < c; j++)
            b[j] = (V) * (const N(deepar_loose) *)(w + p * ldw + j * LANES);
#pragma GCC unroll 4
        for (int i = 0; i < r; i++) {
            const V a = ALGOS_DEEPAR_SPREAD(V, x[i * row + p * step]);
#pragma GCC unroll 5
            for (int j = 0; j < c; j++)
                sum[i][j] += a * b[j];
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < r; i++)
#pragma GCC unroll 5
        for (int j = 0; j < c; j++) {
            if (late)
                sum[i][j] += (V) * (const N(deepar_loose) *)(init + i * ldi + j * LANES);
            *(N(deepar_loose) *)(out + i * ldo + j * LANES) = sum[i][j];
        }
}

/* All rows of c vectors. */
ALGOS_INLINE void N(deepar_panel)(const T *init, ptrdiff_t ldi, const T *x, ptrdiff_t row,
                                  ptrdiff_t step, ptrdiff_t rows, ptrdiff_t k, const T *w,
                                  ptrdiff_t ldw, T *out, ptrdiff_t ldo, const int c,
                                  const int late) {
    ptrdiff_t i = 0;
    for (; i + ROWS <= rows; i += ROWS)
        N(deepar_tile)(init + i * ldi, ldi, x + i * row, row, step, k, w, ldw, out + i * ldo,
                       ldo, ROWS, c, late);
    for (; i < rows; i++)
        N(deepar_tile)(init + i * ldi, ldi, x + i * row, row, step, k, w, ldw, out + i * ldo,
                       ldo, 1, c, late);
}

#define ALGOS_CASE(C)                                                                        \
    case C:                                                                                  \
        N(deepar_panel)(init + j, ldi, x, row, step, rows, k, w + j, ldw, out + j, ldo, C,   \
                        late);                                                               \
        break;
ALGOS_INLINE void N(deepar_product)(const T *init, ptrdiff_t ldi, const T *x, ptrdiff_t row,
                                    ptrdiff_t step, ptrdiff_t rows, ptrdiff_t k, const T *w,
                                    ptrdiff_t ldw, ptrdiff_t n, T *out, ptrdiff_t ldo,
                                    const int late) {
    for (ptrdiff_t j = 0; j < n; j += VECTORS * LANES) {
        const ptrdiff_t left = (n - j) / LANES;
        switch (left < VECTORS ? left : VECTORS) {
            ALGOS_CASE(1)
            ALGOS_CASE(2)
            ALGOS_CASE(3)
#if VECTORS == 5
            ALGOS_CASE(4)
            ALGOS_CASE(5)
#endif
        }
    }
}
#undef ALGOS_CASE

static void N(deepar_multiply)(const T *init, ptrdiff_t ldi, const T *x, ptrdiff_t ldx,
                               ptrdiff_t rows, ptrdiff_t k, const T *w, ptrdiff_t n, T *out,
                               ptrdiff_t ldo) {
    N(deepar_product)(init, ldi, x, ldx, 1, rows, k, w, n, n, out, ldo, 0);
}

static void N(deepar_accumulate)(const T *a, ptrdiff_t lda, const T *b, ptrdiff_t ldb,
                                 ptrdiff_t k, ptrdiff_t m, ptrdiff_t n, T *out) {
    N(deepar_product)(out, n, a, 1, lda, m, k, b, ldb, n, out, n, 1);
}

static const ALGOS_TABLE N(deepar_products) = {N(deepar_multiply), N(deepar_accumulate)};

#undef T
#undef N
#undef BYTES
#undef LANES
#undef V
#undef ROWS
#undef VECTORS
