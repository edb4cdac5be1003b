/* CSR rows against a panel, for one type of values, one of indices and one instruction set:
 * see _csr.h and _csr_tables.h. */
#define T ALGOS_T
#define I ALGOS_INDEX
#define N ALGOS_NAME
#define LANES ((Py_ssize_t)(ALGOS_BYTES / sizeof(T)))
#define WIDE ((Py_ssize_t)(ALGOS_BYTES / sizeof(double)))

typedef T N(vec) __attribute__((vector_size(ALGOS_BYTES)));
typedef ALGOS_LANE N(lane) __attribute__((vector_size(ALGOS_BYTES), may_alias));
typedef double N(wide) __attribute__((vector_size(ALGOS_BYTES)));
typedef T N(part) __attribute__((vector_size(ALGOS_BYTES / sizeof(double) * sizeof(T))));

ALGOS_INLINE Py_ssize_t N(begin)(const algos_csr *x, Py_ssize_t row) {
    return (Py_ssize_t)((const I *)x->indptr)[row];
}

/* Stored values of a row. */
static Py_ssize_t N(length)(const algos_csr *x, Py_ssize_t row) {
    return N(begin)(x, row + 1) - N(begin)(x, row);
}

/* How many centres the block that begins at centre j holds, padding included. */
ALGOS_INLINE Py_ssize_t N(block_width)(Py_ssize_t j, Py_ssize_t k, Py_ssize_t width) {
    const Py_ssize_t left = (k - j + LANES - 1) / LANES * LANES;
    return left < width ? left : width;
}

/* The columns from `begin` to `end` of centres (k, d), into blocks; padding is zero. */
static void N(pack)(const double *centers, Py_ssize_t begin, Py_ssize_t end,
                    const algos_panel *panel) {
    const Py_ssize_t k = panel->k, d = panel->d;
    for (Py_ssize_t j = 0; j < k; j += panel->width) {
        const Py_ssize_t w = N(block_width)(j, k, panel->width);
        T *block = (T *)panel->values + j * d;
        for (Py_ssize_t p = begin; p < end; p++)
            for (Py_ssize_t l = 0; l < w; l++)
                block[p * w + l] = j + l < k ? (T)centers[(j + l) * d + p] : (T)0;
    }
}

/* acc -= sum_p x_p block[p] */
ALGOS_INLINE void N(subtract_products)(const T *values, const I *columns, Py_ssize_t stored,
                                       const T *block, N(vec) acc[ALGOS_CSR_VECTORS],
                                       const int v) {
    for (Py_ssize_t e = 0; e < stored; e++) {
        const N(vec) x = ALGOS_CSR_SPREAD(N(vec), values[e]);
        const T *c = block + (Py_ssize_t)columns[e] * v * LANES;
#pragma GCC unroll 8
        for (int i = 0; i < v; i++)
            acc[i] -= x * *(const N(vec) *)(c + i * LANES);
    }
}

ALGOS_INLINE N(lane) N(choose)(N(lane) mask, N(lane) yes, N(lane) no) {
    return (mask & yes) | (~mask & no);
}

ALGOS_INLINE N(vec) N(choose_value)(N(lane) mask, N(vec) yes, N(vec) no) {
    return (N(vec))N(choose)(mask, (N(lane))yes, (N(lane))no);
}

/* The same block of centres against every row of a tile. */
ALGOS_INLINE void N(nearest_block)(const algos_csr *x, Py_ssize_t start, Py_ssize_t rows,
                                   const T *block, const T *init, Py_ssize_t first,
                                   int32_t *label, T *least, T *second, const int v) {
    const N(lane) iota = *(const N(lane) *)ALGOS_IOTA;
    for (Py_ssize_t i = 0; i < rows; i++) {
        const Py_ssize_t e = N(begin)(x, start + i);
        N(vec) acc[ALGOS_CSR_VECTORS];
#pragma GCC unroll 8
        for (int l = 0; l < v; l++)
            acc[l] = *(const N(vec) *)(init + l * LANES);
        N(subtract_products)((const T *)x->values + e, (const I *)x->indices + e,
                             N(begin)(x, start + i + 1) - e, block, acc, v);
        N(vec) best = acc[0], next = ALGOS_CSR_SPREAD(N(vec), (T)INFINITY);
        N(lane) where = iota;
#pragma GCC unroll 8
        for (int l = 1; l < v; l++) {
            const N(lane) less = acc[l] < best;
            const N(vec) loser = N(choose_value)(less, best, acc[l]);
            next = N(choose_value)(loser < next, loser, next);
            best = N(choose_value)(less, acc[l], best);
            where = N(choose)(less, iota + (ALGOS_LANE)(l * LANES), where);
        }
        /* Fold the upper half of the lanes onto the lower until one is left. */
#pragma GCC unroll 4
        for (ALGOS_LANE half = LANES / 2; half; half /= 2) {
            const N(lane) upper = (iota + half) & (ALGOS_LANE)(LANES - 1);
            const N(vec) other = ALGOS_SHUFFLE(best, best, upper);
            const N(vec) behind = ALGOS_SHUFFLE(next, next, upper);
            const N(lane) place = ALGOS_SHUFFLE(where, where, upper);
            const N(lane) less = (other < best) | ((other == best) & (place < where));
            const N(vec) loser = N(choose_value)(less, best, other);
            next = N(choose_value)(behind < next, behind, next);
            next = N(choose_value)(loser < next, loser, next);
            best = N(choose_value)(less, other, best);
            where = N(choose)(less, place, where);
        }
        if (best[0] < least[i]) {
            second[i] = next[0] < least[i] ? next[0] : least[i];
            least[i] = best[0];
            label[i] = (int32_t)(first + where[0]);
        } else if (best[0] < second[i])
            second[i] = best[0];
    }
}

/* Label, least and second least of init_j - x.c_j for the rows of a tile; the first of
 * equals. Block after block, so that a block is in cache for all of the tile. */
#define ALGOS_CASE(V)                                                                        \
    case V:                                                                                  \
        N(nearest_block)(x, start, rows, block, (const T *)init + j, j, label, (T *)least,   \
                         (T *)second, V);                                                    \
        break;
static void N(nearest)(const algos_csr *x, Py_ssize_t start, Py_ssize_t rows,
                       const algos_panel *panel, const void *init, int32_t *label,
                       void *least, void *second) {
    const Py_ssize_t k = panel->k, width = panel->width;
    for (Py_ssize_t i = 0; i < rows; i++) {
        label[i] = 0;
        ((T *)least)[i] = ((T *)second)[i] = (T)INFINITY;
    }
    for (Py_ssize_t j = 0; j < k; j += width) {
        const T *block = (const T *)panel->values + j * panel->d;
        switch (N(block_width)(j, k, width) / LANES) {
            ALGOS_CASE(1)
            ALGOS_CASE(2)
            ALGOS_CASE(3)
            ALGOS_CASE(4)
            ALGOS_CASE(5)
            ALGOS_CASE(6)
            ALGOS_CASE(7)
            ALGOS_CASE(8)
        }
    }
}
#undef ALGOS_CASE

/* u registers of products in double with columns of a block that is w wide. */
ALGOS_INLINE void N(wide_products)(const T *values, const I *columns, Py_ssize_t stored,
                                   const int32_t *slots, const T *block, Py_ssize_t w,
                                   double *out, const int u) {
    N(wide) acc[4];
#pragma GCC unroll 4
    for (int i = 0; i < u; i++)
        acc[i] = (N(wide)){0};
    for (Py_ssize_t e = 0; e < stored; e++) {
        const N(wide) x = ALGOS_CSR_SPREAD(N(wide), (double)values[e]);
        const Py_ssize_t p = slots == NULL ? (Py_ssize_t)columns[e] : slots[columns[e]];
        const T *c = block + p * w;
#pragma GCC unroll 4
        for (int i = 0; i < u; i++)
            acc[i] += x * __builtin_convertvector(*(const N(part) *)(c + i * WIDE), N(wide));
    }
#pragma GCC unroll 4
    for (int i = 0; i < u; i++)
        memcpy(out + i * WIDE, &acc[i], sizeof(acc[i]));
}

ALGOS_INLINE void N(all_products)(const algos_csr *x, Py_ssize_t row, const algos_panel *panel,
                                  const int32_t *slots, double *out) {
    const Py_ssize_t e = N(begin)(x, row), stored = N(begin)(x, row + 1) - e;
    const T *values = (const T *)x->values + e;
    const I *columns = (const I *)x->indices + e;
    const Py_ssize_t k = panel->k;
    for (Py_ssize_t j = 0; j < k; j += panel->width) {
        const Py_ssize_t w = N(block_width)(j, k, panel->width);
        const Py_ssize_t used = k - j < w ? k - j : w;
        const T *block = (const T *)panel->values + j * panel->d;
        Py_ssize_t l = 0;
        for (; l + 3 * WIDE < used; l += 4 * WIDE)
            N(wide_products)(values, columns, stored, slots, block + l, w, out + j + l, 4);
        for (; l < used; l += WIDE)
            N(wide_products)(values, columns, stored, slots, block + l, w, out + j + l, 1);
    }
}

/* One row's products with all centres, in double; some of the padding may follow in out. */
static void N(products)(const algos_csr *x, Py_ssize_t row, const algos_panel *panel,
                        double *out) {
    if (panel->slots == NULL)
        N(all_products)(x, row, panel, NULL, out);
    else
        N(all_products)(x, row, panel, panel->slots, out);
}

/* One row's product with a vector in double. */
static double N(product)(const algos_csr *x, Py_ssize_t row, const double *center) {
    const Py_ssize_t end = N(begin)(x, row + 1);
    double total = 0;
    for (Py_ssize_t e = N(begin)(x, row); e < end; e++)
        total += (double)((const T *)x->values)[e] * center[((const I *)x->indices)[e]];
    return total;
}

static double N(norm)(const algos_csr *x, Py_ssize_t row) {
    const Py_ssize_t end = N(begin)(x, row + 1);
    double total = 0;
    for (Py_ssize_t e = N(begin)(x, row); e < end; e++) {
        const double value = (double)((const T *)x->values)[e];
        total += value * value;
    }
    return total;
}

/* sum += weight * row */
static void N(add)(const algos_csr *x, Py_ssize_t row, double weight, double *sum) {
    const Py_ssize_t end = N(begin)(x, row + 1);
    for (Py_ssize_t e = N(begin)(x, row); e < end; e++)
        sum[((const I *)x->indices)[e]] += weight * (double)((const T *)x->values)[e];
}

/* Have a row in cache when its turn comes. */
static void N(fetch)(const algos_csr *x, Py_ssize_t row) {
    const Py_ssize_t begin = N(begin)(x, row), end = N(begin)(x, row + 1);
    const char *values = (const char *)((const T *)x->values + begin);
    const char *indices = (const char *)((const I *)x->indices + begin);
    for (; values < (const char *)((const T *)x->values + end); values += 64)
        __builtin_prefetch(values);
    for (; indices < (const char *)((const I *)x->indices + end); indices += 64)
        __builtin_prefetch(indices);
}

/* Whether the arrays are a CSR matrix with `stored` values at least: what every other
 * function takes for granted. */
static int N(check)(const algos_csr *x, Py_ssize_t stored) {
    const I *indptr = (const I *)x->indptr, *indices = (const I *)x->indices;
    int right = indptr[0] >= 0 && (Py_ssize_t)indptr[x->n] <= stored;
    for (Py_ssize_t i = 0; i < x->n; i++)
        right &= indptr[i] <= indptr[i + 1];
    if (!right)
        return 0;
    for (Py_ssize_t e = (Py_ssize_t)indptr[0]; e < (Py_ssize_t)indptr[x->n]; e++)
        right &= indices[e] >= 0 && (Py_ssize_t)indices[e] < x->d;
    return right;
}

static const algos_csr_table N(table) = {
    LANES,   N(pack),   N(nearest), N(products), N(product),
    N(norm), N(length), N(add),     N(fetch),    N(check),
};

#undef T
#undef I
#undef N
#undef LANES
#undef WIDE
