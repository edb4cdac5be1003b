/* Inner products of the columns of packed tiles, for one element type and one instruction
 * set: see _syrk.h.
 *
 * The lanes run along the rows: a register block of EDGE x EDGE pairs of columns needs no
 * broadcast, wastes nothing at the diagonal, and each lane adds only every LANES-th row
 * before the lanes are folded and the sum goes on in double.
 */
#define T ALGOS_T
#define N ALGOS_NAME
#define LANES ((Py_ssize_t)(ALGOS_BYTES / sizeof(T)))
#define POINTS (ALGOS_TILE_VECTORS * LANES)
#if ALGOS_BYTES == 64
#define EDGE 5 /* 25 accumulators, 5 + 1 operands: 31 of 32 registers */
#else
#define EDGE 3 /* 9 accumulators, 3 + 1 operands: 13 of 16 */
#endif
#define PAIRS (EDGE * EDGE)

typedef T N(vec) __attribute__((vector_size(ALGOS_BYTES)));
typedef ALGOS_INDEX N(index) __attribute__((vector_size(ALGOS_BYTES), may_alias));

/* Groups of 2h lanes to groups of h, their halves added: those of a, then those of b. */
ALGOS_INLINE N(vec) N(fold)(N(vec) a, N(vec) b, ALGOS_INDEX h) {
    const N(index) lane = *(const N(index) *)ALGOS_IOTA;
    const N(index) low = (lane & -h) * 2 + (lane & (h - 1));
    const N(index) high = low + h;
    return ALGOS_SHUFFLE(a, b, low) + ALGOS_SHUFFLE(a, b, high);
}

/* out[e] += the sum of the lanes of acc[e]. */
ALGOS_INLINE void N(add_sums)(N(vec) *acc, const Py_ssize_t count, double *restrict out) {
    T sums[PAIRS + EDGE + 16] __attribute__((aligned(64)));
    Py_ssize_t n = count;
#pragma GCC unroll 4
    for (ALGOS_INDEX h = (ALGOS_INDEX)(LANES / 2); h >= 1; h /= 2) {
#pragma GCC unroll 16
        for (Py_ssize_t i = 0; i < (n + 1) / 2; i++)
            acc[i] = N(fold)(acc[2 * i], acc[2 * i + 1 < n ? 2 * i + 1 : 2 * i], h);
        n = (n + 1) / 2;
    }
#pragma GCC unroll 16
    for (Py_ssize_t i = 0; i < n; i++)
        *(N(vec) *)(sums + i * LANES) = acc[i];
    for (Py_ssize_t e = 0; e < count; e++)
        out[e] += (double)sums[e];
}

/* out[i][j] += sum over the rows of a_i b_j, for the EDGE columns from a and from b on. */
ALGOS_INLINE void N(pairs)(const T *restrict a, const T *restrict b, Py_ssize_t tiles,
                           Py_ssize_t a_size, Py_ssize_t b_size, double *restrict out,
                           const int v) {
    N(vec) acc[PAIRS];
#pragma GCC unroll 32
    for (int e = 0; e < PAIRS; e++)
        acc[e] = (N(vec)){0};
    for (Py_ssize_t t = 0; t < tiles; t++, a += a_size, b += b_size)
#pragma GCC unroll 1
        for (Py_ssize_t l = 0; l < v; l++) {
            N(vec) x[EDGE];
#pragma GCC unroll 8
            for (int i = 0; i < EDGE; i++) {
                x[i] = *(const N(vec) *)(a + (i * v + l) * LANES);
                ALGOS_HOLD(x[i]);
            }
#pragma GCC unroll 8
            for (int j = 0; j < EDGE; j++) {
                N(vec) y = *(const N(vec) *)(b + (j * v + l) * LANES);
                ALGOS_HOLD(y);
#pragma GCC unroll 8
                for (int i = 0; i < EDGE; i++)
                    acc[i * EDGE + j] += x[i] * y;
            }
        }
    N(add_sums)(acc, PAIRS, out);
}

/* The block at the diagonal: its upper half row by row, then the sums of the columns. */
ALGOS_INLINE void N(corner)(const T *restrict a, Py_ssize_t tiles, Py_ssize_t size,
                            double *restrict out, double *restrict sums, const int v) {
    enum { HALF = EDGE * (EDGE + 1) / 2 };
    N(vec) acc[HALF + EDGE];
    double found[HALF + EDGE] = {0};
#pragma GCC unroll 32
    for (int e = 0; e < HALF + EDGE; e++)
        acc[e] = (N(vec)){0};
    for (Py_ssize_t t = 0; t < tiles; t++, a += size)
#pragma GCC unroll 1
        for (Py_ssize_t l = 0; l < v; l++) {
            N(vec) x[EDGE];
#pragma GCC unroll 8
            for (int i = 0; i < EDGE; i++) {
                x[i] = *(const N(vec) *)(a + (i * v + l) * LANES);
                ALGOS_HOLD(x[i]);
                acc[HALF + i] += x[i];
            }
#pragma GCC unroll 8
            for (int i = 0; i < EDGE; i++)
#pragma GCC unroll 8
                for (int j = i; j < EDGE; j++)
                    acc[i * EDGE - i * (i + 1) / 2 + j] += x[i] * x[j];
        }
    N(add_sums)(acc, HALF + EDGE, found);
    for (int i = 0; i < EDGE; i++) {
        sums[i] += found[HALF + i];
        for (int j = i; j < EDGE; j++)
            out[i * EDGE + j] += found[i * EDGE - i * (i + 1) / 2 + j];
    }
}

/* Blocks (i, j) of the upper triangle with i in [i0, i1), j in [j0, j1): block (i, j) of
 * the scatter stands at j (j + 1) / 2 + i. */
static void N(scatter)(const T *xt, Py_ssize_t tiles, Py_ssize_t stride, Py_ssize_t size,
                       Py_ssize_t i0, Py_ssize_t i1, Py_ssize_t j0, Py_ssize_t j1,
                       double *scatter, double *sums) {
    const Py_ssize_t step = EDGE * stride;
    for (Py_ssize_t i = i0; i < i1 && i < j1; i++)
        for (Py_ssize_t j = i > j0 ? i : j0; j < j1; j++) {
            double *out = scatter + (j * (j + 1) / 2 + i) * PAIRS;
            if (stride == LANES) {
                if (i == j)
                    N(corner)(xt + i * step, tiles, size, out, sums + i * EDGE, 1);
                else
                    N(pairs)(xt + i * step, xt + j * step, tiles, size, size, out, 1);
            } else if (i == j)
                N(corner)(xt + i * step, tiles, size, out, sums + i * EDGE, ALGOS_TILE_VECTORS);
            else
                N(pairs)(xt + i * step, xt + j * step, tiles, size, size, out,
                         ALGOS_TILE_VECTORS);
        }
}

/* Block (i, j) of xt' zt, for all of both: out holds m x l blocks. */
static void N(cross)(const T *xt, const T *zt, Py_ssize_t tiles, Py_ssize_t stride,
                     Py_ssize_t x_size, Py_ssize_t z_size, Py_ssize_t m, Py_ssize_t l,
                     double *out) {
    const Py_ssize_t step = EDGE * stride;
    for (Py_ssize_t i = 0; i < m; i++)
        for (Py_ssize_t j = 0; j < l; j++, out += PAIRS)
            if (stride == LANES)
                N(pairs)(xt + i * step, zt + j * step, tiles, x_size, z_size, out, 1);
            else
                N(pairs)(xt + i * step, zt + j * step, tiles, x_size, z_size, out,
                         ALGOS_TILE_VECTORS);
}

static const ALGOS_TABLE N(syrk) = {POINTS, EDGE, N(scatter), N(cross)};

#undef T
#undef N
#undef LANES
#undef POINTS
#undef EDGE
#undef PAIRS
