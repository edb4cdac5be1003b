/* Rows against a panel, for one element type and one instruction set: see _tile.h.
 *
 * A tile holds POINTS rows, transposed: lane i of every vector belongs to row i, so that
 * row i's result is one chain of operations in column order, whatever rows stand beside
 * it. One row alone and the same row inside a million give the same bits.
 */
#define T ALGOS_T
#define N ALGOS_NAME
#define LANES ((Py_ssize_t)(ALGOS_BYTES / sizeof(T)))
#define POINTS (ALGOS_TILE_VECTORS * LANES)

typedef T N(vec) __attribute__((vector_size(ALGOS_BYTES)));
typedef T N(loose) __attribute__((vector_size(ALGOS_BYTES), aligned(sizeof(T)), may_alias));
typedef ALGOS_INDEX N(index) __attribute__((vector_size(ALGOS_BYTES), may_alias));

/* Exchange b-wide blocks between r[i] and r[i + b], for every i with bit b unset. */
ALGOS_INLINE void N(exchange)(N(vec) *r, ALGOS_INDEX b) {
    const N(index) lane = *(const N(index) *)ALGOS_IOTA;
    const N(index) moved = (lane & b) == 0; /* -1 or 0 */
    const N(index) even = lane + (moved + 1) * (ALGOS_INDEX)(LANES - b);
    const N(index) odd = lane - moved * (ALGOS_INDEX)b + (moved + 1) * (ALGOS_INDEX)LANES;
#pragma GCC unroll 16
    for (Py_ssize_t i = 0; i < LANES; i++)
        if (!(i & b)) {
            const N(vec) low = r[i], high = r[i + b];
            r[i] = ALGOS_SHUFFLE(low, high, even);
            r[i + b] = ALGOS_SHUFFLE(low, high, odd);
        }
}

/* LANES rows of LANES columns: x (row stride ldx) minus shift, transposed into xt. The
 * same columns of the next tile are fetched into cache while this one is worked on. */
ALGOS_INLINE void N(pack_square)(const T *x, Py_ssize_t ldx, const T *shift, T *xt,
                                 Py_ssize_t stride) {
    N(vec) r[LANES];
    const N(vec) s = *(const N(loose) *)shift;
#pragma GCC unroll 16
    for (Py_ssize_t i = 0; i < LANES; i++)
        r[i] = *(const N(loose) *)(x + i * ldx) - s;
#pragma GCC unroll 16
    for (Py_ssize_t i = 0; i < LANES; i++)
        __builtin_prefetch(x + (POINTS + i) * ldx);
#pragma GCC unroll 4
    for (ALGOS_INDEX b = 1; b < LANES; b *= 2)
        N(exchange)(r, b);
#pragma GCC unroll 16
    for (Py_ssize_t i = 0; i < LANES; i++)
        *(N(vec) *)(xt + i * stride) = r[i];
}

/* The same of rows narrower than a vector, which are read with some numbers beyond them:
 * `ahead` of those before the row, the others behind it. */
ALGOS_INLINE void N(pack_narrow)(const T *x, Py_ssize_t ldx, Py_ssize_t d, const T *shift,
                                 T *xt, Py_ssize_t stride, Py_ssize_t ahead) {
    N(vec) r[LANES], s = ALGOS_SPREAD(N(vec), (T)0);
    for (Py_ssize_t p = 0; p < d; p++)
        s[ahead + p] = shift[p];
#pragma GCC unroll 16
    for (Py_ssize_t i = 0; i < LANES; i++)
        r[i] = *(const N(loose) *)(x + i * ldx - ahead) - s;
#pragma GCC unroll 4
    for (ALGOS_INDEX b = 1; b < LANES; b *= 2)
        N(exchange)(r, b);
#pragma GCC unroll 16
    for (Py_ssize_t i = 0; i < LANES; i++)
        if (i >= ahead && i < ahead + d)
            *(N(vec) *)(xt + (i - ahead) * stride) = r[i];
}

/* One vector's worth of rows, `before` others standing before them; absent rows are zero. */
ALGOS_INLINE void N(pack_lanes)(const T *x, Py_ssize_t ldx, Py_ssize_t before,
                                Py_ssize_t rows, Py_ssize_t d, const T *shift, T *xt,
                                Py_ssize_t stride) {
    if (rows >= LANES && d >= LANES) {
        for (Py_ssize_t p = 0; p + LANES <= d; p += LANES)
            N(pack_square)(x + p, ldx, shift + p, xt + p * stride, stride);
        const Py_ssize_t last = d - LANES; /* may overlap the square before it */
        N(pack_square)(x + last, ldx, shift + last, xt + last * stride, stride);
        return;
    }
    if (rows >= LANES && (before * ldx + d >= LANES || (rows - LANES) * ldx + d >= LANES)) {
        const Py_ssize_t ahead = before * ldx + d >= LANES ? LANES - d : 0;
        N(pack_narrow)(x, ldx, d, shift, xt, stride, ahead);
        return;
    }
    for (Py_ssize_t p = 0; p < d; p++)
        for (Py_ssize_t i = 0; i < LANES; i++)
            xt[p * stride + i] = i < rows ? x[i * ldx + p] - shift[p] : (T)0;
}

/* Rows that one vector holds need only a narrow tile: a lone row is cheap. */
ALGOS_INLINE Py_ssize_t N(stride)(Py_ssize_t rows) { return rows <= LANES ? LANES : POINTS; }

static void N(pack)(const T *x, Py_ssize_t ldx, Py_ssize_t rows, Py_ssize_t d, const T *shift,
                    T *xt) {
    const Py_ssize_t stride = N(stride)(rows);
    for (Py_ssize_t i = 0; i < stride; i += LANES)
        N(pack_lanes)(x + i * ldx, ldx, i, rows > i ? rows - i : 0, d, shift, xt + i, stride);
}

/* The register block: c panel rows against v vectors of points.
 * product:  acc = init + sum_p x_p b_p        distance: acc = sum_p (x_p - b_p)^2 */
ALGOS_INLINE void N(block)(const T *restrict xt, Py_ssize_t d, const T *restrict panel,
                           const T *restrict init, N(vec) acc[6][ALGOS_TILE_VECTORS],
                           const int c, const int v, const int distance) {
#pragma GCC unroll 6
    for (int j = 0; j < c; j++)
#pragma GCC unroll 4
        for (int i = 0; i < v; i++)
            acc[j][i] = ALGOS_SPREAD(N(vec), distance ? (T)0 : init[j]);
    for (Py_ssize_t p = 0; p < d; p++) {
        N(vec) x[ALGOS_TILE_VECTORS];
#pragma GCC unroll 4
        for (int i = 0; i < v; i++)
            x[i] = *(const N(vec) *)(xt + (p * v + i) * LANES);
#pragma GCC unroll 6
        for (int j = 0; j < c; j++) {
            const N(vec) b = ALGOS_SPREAD(N(vec), panel[p * c + j]);
#pragma GCC unroll 4
            for (int i = 0; i < v; i++)
                if (distance) {
                    const N(vec) t = x[i] - b;
                    acc[j][i] += t * t;
                } else
                    acc[j][i] += x[i] * b;
        }
    }
}

ALGOS_INLINE void N(block_to)(const T *restrict xt, Py_ssize_t d, const T *restrict panel,
                              const T *restrict init, T *restrict out, const int c,
                              const int v, const int distance) {
    N(vec) acc[6][ALGOS_TILE_VECTORS];
    N(block)(xt, d, panel, init, acc, c, v, distance);
#pragma GCC unroll 6
    for (int j = 0; j < c; j++)
#pragma GCC unroll 4
        for (int i = 0; i < v; i++)
            *(N(vec) *)(out + (j * v + i) * LANES) = acc[j][i];
}

/* The sizes as constants, so that every block is unrolled into registers. */
#define ALGOS_CASE(C)                                                                        \
    case C:                                                                                  \
        if (stride == LANES)                                                                 \
            N(block_to)(xt, d, panel, init, out, C, 1, distance);                               \
        else                                                                                 \
            N(block_to)(xt, d, panel, init, out, C, ALGOS_TILE_VECTORS, distance);              \
        break;
ALGOS_INLINE void N(any_block)(const T *xt, Py_ssize_t stride, Py_ssize_t d, const T *panel,
                               const T *init, T *out, Py_ssize_t c, const int distance) {
    switch (c) {
        ALGOS_CASE(4)
        ALGOS_CASE(5)
        ALGOS_CASE(6)
    }
}
#undef ALGOS_CASE

static void N(products)(const T *xt, Py_ssize_t rows, Py_ssize_t d, const T *panel,
                        const T *init, Py_ssize_t k, T *out) {
    const Py_ssize_t c = algos_panel_width(k), stride = N(stride)(rows);
    for (Py_ssize_t j = 0; j < k; j += c)
        N(any_block)(xt, stride, d, panel + j * d, init + j, out + j * stride, c, 0);
}

static void N(distances)(const T *xt, Py_ssize_t rows, Py_ssize_t d, const T *panel,
                         Py_ssize_t k, T *out) {
    const Py_ssize_t c = algos_panel_width(k), stride = N(stride)(rows);
    for (Py_ssize_t j = 0; j < k; j += c)
        N(any_block)(xt, stride, d, panel + j * d, NULL, out + j * stride, c, 1);
}

/* Where a < b, take `yes`, else `no`: no branch, whatever the compiler thinks of stores. */
ALGOS_INLINE N(index) N(choose)(N(index) mask, N(index) yes, N(index) no) {
    return (mask & yes) | (~mask & no);
}

ALGOS_INLINE N(vec) N(choose_value)(N(index) mask, N(vec) yes, N(vec) no) {
    return (N(vec))N(choose)(mask, (N(index))yes, (N(index))no);
}

ALGOS_INLINE void N(nearest_groups)(const T *xt, Py_ssize_t d, const T *panel, const T *init,
                                    Py_ssize_t k, N(vec) *best, N(vec) *next, N(index) *where,
                                    const int c, const int v, const int with_next) {
    for (Py_ssize_t j = 0; j < k; j += c) {
        N(vec) acc[6][ALGOS_TILE_VECTORS];
        N(block)(xt, d, panel + j * d, init + j, acc, c, v, 0);
#pragma GCC unroll 4
        for (int i = 0; i < v; i++)
#pragma GCC unroll 6
            for (int l = 0; l < c; l++) {
                const N(vec) value = acc[l][i];
                const N(index) less = value < best[i];
                if (with_next) {
                    const N(vec) loser = N(choose_value)(less, best[i], value);
                    next[i] = N(choose_value)(loser < next[i], loser, next[i]);
                }
                best[i] = N(choose_value)(less, value, best[i]);
                where[i] = N(choose)(less, ALGOS_SPREAD(N(index), (ALGOS_INDEX)(j + l)), where[i]);
            }
    }
}

#define ALGOS_CASE(C)                                                                        \
    case C:                                                                                  \
        if (rows <= LANES)                                                                   \
            N(nearest_groups)(xt, d, panel, init, k, best, next, where, C, 1, with_next);    \
        else                                                                                 \
            N(nearest_groups)(xt, d, panel, init, k, best, next, where, C,                   \
                              ALGOS_TILE_VECTORS, with_next);                                \
        break;
ALGOS_INLINE void N(find_nearest)(const T *xt, Py_ssize_t rows, Py_ssize_t d, const T *panel,
                                  const T *init, Py_ssize_t k, int32_t *label, T *least,
                                  T *second, const int with_next) {
    N(vec) best[ALGOS_TILE_VECTORS], next[ALGOS_TILE_VECTORS];
    N(index) where[ALGOS_TILE_VECTORS];
    for (int i = 0; i < ALGOS_TILE_VECTORS; i++) {
        best[i] = next[i] = ALGOS_SPREAD(N(vec), (T)INFINITY);
        where[i] = (N(index)){0};
    }
    switch (algos_panel_width(k)) {
        ALGOS_CASE(4)
        ALGOS_CASE(5)
        ALGOS_CASE(6)
    }
    for (Py_ssize_t i = 0; i < rows; i++) {
        label[i] = (int32_t)where[i / LANES][i % LANES];
        least[i] = best[i / LANES][i % LANES];
        if (with_next)
            second[i] = next[i / LANES][i % LANES];
    }
}
#undef ALGOS_CASE

/* The panel row with the least product, the first of equals, and that product. */
static void N(nearest)(const T *xt, Py_ssize_t rows, Py_ssize_t d, const T *panel,
                       const T *init, Py_ssize_t k, int32_t *label, T *least) {
    N(find_nearest)(xt, rows, d, panel, init, k, label, least, NULL, 0);
}

/* The same, and the least product of all other panel rows. */
static void N(nearest_two)(const T *xt, Py_ssize_t rows, Py_ssize_t d, const T *panel,
                           const T *init, Py_ssize_t k, int32_t *label, T *least, T *second) {
    N(find_nearest)(xt, rows, d, panel, init, k, label, least, second, 1);
}

/* Squared norm of each row of a tile. */
static void N(norms)(const T *xt, Py_ssize_t rows, Py_ssize_t d, T *out) {
    const Py_ssize_t stride = N(stride)(rows);
    for (Py_ssize_t i = 0; i < rows; i += LANES) {
        N(vec) sum = ALGOS_SPREAD(N(vec), (T)0);
        for (Py_ssize_t p = 0; p < d; p++) {
            const N(vec) x = *(const N(vec) *)(xt + p * stride + i);
            sum += x * x;
        }
        for (Py_ssize_t l = 0; l < LANES && i + l < rows; l++)
            out[i + l] = sum[l];
    }
}

/* Squared distance of one row, less the shift, to one centre, in double. */
static double N(own_distance)(const T *restrict row, const T *restrict shift,
                              const T *restrict center, Py_ssize_t d) {
    double total = 0;
#pragma omp simd reduction(+ : total)
    for (Py_ssize_t p = 0; p < d; p++) {
        const double t = (double)(T)(row[p] - shift[p]) - (double)center[p];
        total += t * t;
    }
    return total;
}

/* Add each row, less the shift, to the sum of its label, in row order. */
static void N(add_rows)(const T *restrict x, Py_ssize_t ldx, Py_ssize_t rows, Py_ssize_t d,
                        const T *restrict shift, const int32_t *restrict label,
                        const double *restrict weight, double *restrict sums,
                        double *restrict counts) {
    for (Py_ssize_t i = 0; i < rows; i++) {
        const T *restrict row = x + i * ldx;
        double *restrict sum = sums + (Py_ssize_t)label[i] * d;
        if (weight == NULL) {
#pragma omp simd
            for (Py_ssize_t p = 0; p < d; p++)
                sum[p] += (double)(row[p] - shift[p]);
            counts[label[i]] += 1.0;
        } else {
            const double w = weight[i];
#pragma omp simd
            for (Py_ssize_t p = 0; p < d; p++)
                sum[p] += w * (double)(row[p] - shift[p]);
            counts[label[i]] += w;
        }
    }
}

/* Take w times a row, less the shift, from one sum (or from none) and give it to another. */
static void N(move_row)(const T *restrict row, const T *restrict shift, Py_ssize_t d, double w,
                        double *restrict from, double *restrict to) {
    if (from == NULL) {
#pragma omp simd
        for (Py_ssize_t p = 0; p < d; p++)
            to[p] += w * (double)(row[p] - shift[p]);
    } else {
#pragma omp simd
        for (Py_ssize_t p = 0; p < d; p++) {
            const double y = w * (double)(row[p] - shift[p]);
            from[p] -= y;
            to[p] += y;
        }
    }
}

/* Squared distance of each row to the centre of its label, by differences, in double. */
static void N(row_distances)(const T *restrict x, Py_ssize_t ldx, Py_ssize_t rows,
                             Py_ssize_t d, const T *restrict centers,
                             const int32_t *restrict label, double *restrict distance) {
    for (Py_ssize_t i = 0; i < rows; i++) {
        const T *restrict row = x + i * ldx;
        const T *restrict center = centers + (Py_ssize_t)label[i] * d;
        double total = 0;
#pragma omp simd reduction(+ : total)
        for (Py_ssize_t p = 0; p < d; p++) {
            const double t = (double)row[p] - (double)center[p];
            total += t * t;
        }
        distance[i] = total;
    }
}

/* Half the squared norm of each row, in double. */
static void N(half_norms)(const T *restrict rows, Py_ssize_t k, Py_ssize_t d, T *restrict out) {
    for (Py_ssize_t j = 0; j < k; j++) {
        double total = 0;
#pragma omp simd reduction(+ : total)
        for (Py_ssize_t p = 0; p < d; p++)
            total += (double)rows[j * d + p] * (double)rows[j * d + p];
        out[j] = (T)(total / 2);
    }
}

/* Sums and sums of squares of the columns of x less an origin, in row order. */
static void N(add_moments)(const T *restrict x, Py_ssize_t ldx, Py_ssize_t rows, Py_ssize_t d,
                           const T *restrict origin, const double *restrict weight,
                           double *restrict sums, double *restrict squares) {
    for (Py_ssize_t i = 0; i < rows; i++) {
        const T *restrict row = x + i * ldx;
        const double w = weight == NULL ? 1.0 : weight[i];
#pragma omp simd
        for (Py_ssize_t p = 0; p < d; p++) {
            const double t = (double)row[p] - (double)origin[p];
            sums[p] += w * t;
            squares[p] += w * t * t;
        }
    }
}

/* distance = min(distance, bound), row by row; returns the weighted sum. */
static double N(lower)(T *restrict distance, const T *restrict bound,
                       const double *restrict weight, Py_ssize_t rows) {
    double total = 0;
#pragma omp simd reduction(+ : total)
    for (Py_ssize_t i = 0; i < rows; i++) {
        distance[i] = distance[i] < bound[i] ? distance[i] : bound[i];
        total += weight == NULL ? (double)distance[i] : weight[i] * (double)distance[i];
    }
    return total;
}

static const ALGOS_TABLE N(table) = {POINTS,        N(pack),    N(products),
                                     N(distances), N(nearest), N(add_rows),
                                     N(row_distances), N(add_moments), N(lower),
                                     N(half_norms), N(nearest_two), N(norms), N(own_distance),
                                     N(move_row)};

#undef T
#undef N
#undef LANES
#undef POINTS
