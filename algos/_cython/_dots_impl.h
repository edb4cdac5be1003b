/* Rows against one vector, for one element type and one instruction set: see _dots.h. */
#define T ALGOS_T
#define N ALGOS_NAME
#define LANES ((Py_ssize_t)(ALGOS_BYTES / sizeof(T)))

typedef T N(vec) __attribute__((vector_size(ALGOS_BYTES)));
typedef T N(loose) __attribute__((vector_size(ALGOS_BYTES), aligned(sizeof(T)), may_alias));
typedef ALGOS_INDEX N(index) __attribute__((vector_size(ALGOS_BYTES), may_alias));

/* Groups of 2h lanes to groups of h, their halves added: those of a, then those of b. */
ALGOS_INLINE N(vec) N(fold)(N(vec) a, N(vec) b, ALGOS_INDEX h) {
    const N(index) lane = *(const N(index) *)ALGOS_IOTA;
    const N(index) low = (lane & -h) * 2 + (lane & (h - 1));
    const N(index) high = low + h;
    return ALGOS_SHUFFLE(a, b, low) + ALGOS_SHUFFLE(a, b, high);
}

/* LANES rows, of which those from `rows` on repeat the last. A row's product is one chain of
 * operations, wherever the row stands. */
ALGOS_INLINE N(vec) N(dots_of_block)(const T *restrict x, Py_ssize_t ldx, Py_ssize_t rows,
                                     Py_ssize_t d, const T *restrict shift,
                                     const T *restrict v) {
    N(vec) acc[LANES];
    const T *row[LANES];
#pragma GCC unroll 16
    for (Py_ssize_t i = 0; i < LANES; i++) {
        row[i] = x + (i < rows ? i : rows - 1) * ldx;
        acc[i] = (N(vec)){0};
    }
    for (Py_ssize_t p = 0; p < d; p += LANES) {
        const N(vec) s = *(const N(loose) *)(shift + p), u = *(const N(loose) *)(v + p);
#pragma GCC unroll 16
        for (Py_ssize_t i = 0; i < LANES; i++)
            acc[i] += (*(const N(loose) *)(row[i] + p) - s) * u;
    }
#pragma GCC unroll 4
    for (ALGOS_INDEX h = (ALGOS_INDEX)(LANES / 2); h >= 1; h /= 2)
#pragma GCC unroll 16
        for (Py_ssize_t i = 0; i < h; i++)
            acc[i] = N(fold)(acc[2 * i], acc[2 * i + 1], h);
    return acc[0];
}

/* out[i] = (x_i - shift)·v; d is padded, and out has room for whole registers. */
static void N(dots)(const T *x, Py_ssize_t ldx, Py_ssize_t rows, Py_ssize_t d, const T *shift,
                    const T *v, T *out) {
    for (Py_ssize_t i = 0; i < rows; i += LANES)
        *(N(loose) *)(out + i) = N(dots_of_block)(x + i * ldx, ldx, rows - i, d, shift, v);
}

/* sum += Σ c_i (x_i - shift) for u registers of columns: in T over the rows, then in double. */
ALGOS_INLINE void N(add_columns)(const T *restrict x, Py_ssize_t ldx, Py_ssize_t rows,
                                 const T *restrict shift, const T *restrict c,
                                 double *restrict sum, const int u) {
    N(vec) acc[4], s[4];
#pragma GCC unroll 4
    for (int j = 0; j < u; j++) {
        acc[j] = (N(vec)){0};
        s[j] = *(const N(loose) *)(shift + j * LANES);
    }
    for (Py_ssize_t i = 0; i < rows; i++) {
        const N(vec) w = ALGOS_DOTS_SPREAD(N(vec), c[i]);
        /* These rows are in cache: have as many more there when they are asked for. */
#pragma GCC unroll 4
        for (int j = 0; j < u; j++)
            __builtin_prefetch(x + (rows + i) * ldx + j * LANES);
#pragma GCC unroll 4
        for (int j = 0; j < u; j++)
            acc[j] += (*(const N(loose) *)(x + i * ldx + j * LANES) - s[j]) * w;
    }
#pragma GCC unroll 4
    for (int j = 0; j < u; j++)
#pragma omp simd
        for (Py_ssize_t l = 0; l < LANES; l++)
            sum[j * LANES + l] += (double)acc[j][l];
}

/* The same for all columns; d is padded. The rows of one call are few. */
static void N(add)(const T *x, Py_ssize_t ldx, Py_ssize_t rows, Py_ssize_t d, const T *shift,
                   const T *c, double *sum) {
    Py_ssize_t p = 0;
    for (; p + 4 * LANES <= d; p += 4 * LANES)
        N(add_columns)(x + p, ldx, rows, shift + p, c, sum + p, 4);
    switch ((d - p) / LANES) {
        case 3:
            N(add_columns)(x + p, ldx, rows, shift + p, c, sum + p, 3);
            break;
        case 2:
            N(add_columns)(x + p, ldx, rows, shift + p, c, sum + p, 2);
            break;
        case 1:
            N(add_columns)(x + p, ldx, rows, shift + p, c, sum + p, 1);
            break;
    }
}

static const ALGOS_TABLE N(dots_table) = {LANES, N(dots), N(add)};

#undef T
#undef N
#undef LANES
