/* Rows against one vector, for one element type and one instruction set: see _dots.h. */
#define T ALGOS_T
#define N ALGOS_NAME
#define LANES ((Py_ssize_t)(ALGOS_BYTES / sizeof(T)))
#define WIDE ((Py_ssize_t)(ALGOS_BYTES / sizeof(double)))

typedef T N(vec) __attribute__((vector_size(ALGOS_BYTES)));
typedef T N(loose) __attribute__((vector_size(ALGOS_BYTES), aligned(sizeof(T)), may_alias));
typedef ALGOS_INDEX N(index) __attribute__((vector_size(ALGOS_BYTES), may_alias));
typedef double N(wide) __attribute__((vector_size(ALGOS_BYTES), aligned(8), may_alias));
typedef T N(part)
    __attribute__((vector_size(WIDE * sizeof(T)), aligned(sizeof(T)), may_alias));

/* Groups of 2h lanes to groups of h, their halves added: those of a, then those of b. */
ALGOS_INLINE N(vec) N(fold)(N(vec) a, N(vec) b, ALGOS_INDEX h) {
    const N(index) lane = *(const N(index) *)ALGOS_IOTA;
    const N(index) low = (lane & -h) * 2 + (lane & (h - 1));
    const N(index) high = low + h;
    return ALGOS_SHUFFLE(a, b, low) + ALGOS_SHUFFLE(a, b, high);
}

/* Rows side by side: few, so that memory is read nearly in order. */
#define GROUP (LANES < 4 ? LANES : 4)

/* Products of GROUP rows, of which those from `rows` on repeat the last, lane by lane. */
ALGOS_INLINE void N(dots_of_group)(const T *restrict x, Py_ssize_t ldx, Py_ssize_t rows,
                                   Py_ssize_t d, const T *restrict shift, const T *restrict v,
                                   N(vec) *acc) {
    const T *row[GROUP];
    N(vec) sum[GROUP];
#pragma GCC unroll 8
    for (Py_ssize_t i = 0; i < GROUP; i++) {
        row[i] = x + (i < rows ? i : rows - 1) * ldx;
        sum[i] = (N(vec)){0};
    }
    for (Py_ssize_t p = 0; p < d; p += LANES) {
        const N(vec) s = *(const N(loose) *)(shift + p), u = *(const N(loose) *)(v + p);
#pragma GCC unroll 8
        for (Py_ssize_t i = 0; i < GROUP; i++)
            sum[i] += (*(const N(loose) *)(row[i] + p) - s) * u;
    }
#pragma GCC unroll 8
    for (Py_ssize_t i = 0; i < GROUP; i++)
        acc[i] = sum[i];
}

/* Products of LANES rows. A row's product is one chain of operations, wherever it stands. */
ALGOS_INLINE N(vec) N(dots_of_block)(const T *restrict x, Py_ssize_t ldx, Py_ssize_t rows,
                                     Py_ssize_t d, const T *restrict shift,
                                     const T *restrict v) {
    N(vec) acc[LANES];
#pragma GCC unroll 4
    for (Py_ssize_t i = 0; i < LANES; i += GROUP) {
        const Py_ssize_t first = i < rows ? i : rows - 1;
        N(dots_of_group)(x + first * ldx, ldx, rows - first, d, shift, v, acc + i);
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

/* sum += Σ c_i (x_i - shift) for u registers of columns: in T over the rows, then in double.
 * While these rows are read, as many behind them are fetched into cache. */
ALGOS_INLINE void N(add_columns)(const T *restrict x, Py_ssize_t ldx, Py_ssize_t rows,
                                 const T *restrict shift, const T *restrict c,
                                 double *restrict sum, const int u) {
    /* both must have room in a core's nearest cache */
    const Py_ssize_t ahead = rows * ldx * sizeof(T) <= ALGOS_NEAR ? rows * ldx : 0;
    N(vec) acc[8], s[8];
#pragma GCC unroll 8
    for (int j = 0; j < u; j++) {
        acc[j] = (N(vec)){0};
        s[j] = *(const N(loose) *)(shift + j * LANES);
    }
    for (Py_ssize_t i = 0; i < rows; i++) {
        const N(vec) w = ALGOS_DOTS_SPREAD(N(vec), c[i]);
#pragma GCC unroll 8
        for (int j = 0; j < u; j++) {
            acc[j] += (*(const N(loose) *)(x + i * ldx + j * LANES) - s[j]) * w;
            __builtin_prefetch(x + ahead + i * ldx + j * LANES);
        }
    }
#pragma GCC unroll 8
    for (int j = 0; j < u; j++)
#pragma GCC unroll 2
        for (Py_ssize_t l = 0; l < LANES; l += WIDE)
            *(N(wide) *)(sum + j * LANES + l) +=
                __builtin_convertvector(*(const N(part) *)((const T *)&acc[j] + l), N(wide));
}

/* The same for all columns; d is padded. The rows of one call are few. */
#define ALGOS_CASE(U)                                                                        \
    case U:                                                                                  \
        N(add_columns)(x + p, ldx, rows, shift + p, c, sum + p, U);                          \
        break;
static void N(add)(const T *x, Py_ssize_t ldx, Py_ssize_t rows, Py_ssize_t d, const T *shift,
                   const T *c, double *sum) {
    Py_ssize_t p = 0;
    for (; p + 8 * LANES <= d; p += 8 * LANES)
        N(add_columns)(x + p, ldx, rows, shift + p, c, sum + p, 8);
    switch ((d - p) / LANES) {
        ALGOS_CASE(1)
        ALGOS_CASE(2)
        ALGOS_CASE(3)
        ALGOS_CASE(4)
        ALGOS_CASE(5)
        ALGOS_CASE(6)
        ALGOS_CASE(7)
    }
}
#undef ALGOS_CASE

static const ALGOS_TABLE N(dots_table) = {LANES, N(dots), N(add)};

#undef T
#undef N
#undef LANES
#undef WIDE
#undef GROUP
