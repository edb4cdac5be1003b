/* Scores of a block of rows in one tree, for one level of instructions: see _cut_score.h. */
#define N ALGOS_NAME
#define LANES ((Py_ssize_t)(ALGOS_BYTES / sizeof(float)))

typedef float N(vec) __attribute__((vector_size(ALGOS_BYTES), aligned(sizeof(float)), may_alias));
typedef int32_t N(index) __attribute__((vector_size(ALGOS_BYTES), may_alias));

/* The first `rest` < LANES of some floats, and zeros. */
ALGOS_INLINE N(vec) N(load)(const float *x, Py_ssize_t rest) {
#if ALGOS_BYTES == 64
    return (N(vec))_mm512_maskz_loadu_ps((__mmask16)((1u << rest) - 1), x);
#elif ALGOS_BYTES == 32
    return (N(vec))_mm256_maskload_ps(x, (__m256i)(*(const N(index) *)algos_iota_f32 < (int32_t)rest));
#else
    N(vec) all = {0};
    for (Py_ssize_t i = 0; i < rest; i++)
        all[i] = x[i];
    return all;
#endif
}

ALGOS_INLINE N(vec) N(outside)(N(vec) row, N(vec) low, N(vec) high) {
    const N(vec) below = low - row, above = row - high;
    N(vec) out;
    for (Py_ssize_t i = 0; i < LANES; i++) {
        const float more = below[i] > above[i] ? below[i] : above[i];
        out[i] = more > 0 ? more : 0;
    }
    return out;
}

/* How far a row is outside a box, summed over the columns. */
ALGOS_INLINE float N(excess)(const float *row, const float *low, const float *high,
                             Py_ssize_t d) {
    const Py_ssize_t rest = d % LANES, whole = d - rest;
    N(vec) sum = {0};
    for (Py_ssize_t p = 0; p < whole; p += LANES)
        sum += N(outside)(*(const N(vec) *)(row + p), *(const N(vec) *)(low + p),
                          *(const N(vec) *)(high + p));
    if (rest)
        sum += N(outside)(N(load)(row + whole, rest), N(load)(low + whole, rest),
                          N(load)(high + whole, rest));
#pragma GCC unroll 4
    for (int32_t half = LANES / 2; half > 0; half /= 2)
        sum += ALGOS_SHUFFLE(sum, sum, *(const N(index) *)algos_iota_f32 ^ half);
    return sum[0];
}

/* The probability that a new cut does not separate a row from a node's box; at a leaf 1 or 0. */
ALGOS_INLINE double N(keeps)(const algos_cut_tree *tree, int32_t node, const float *row) {
    const float *low = algos_cut_low(tree, node);
    const double span = tree->spans[node];
    return span / (span + N(excess)(row, low, low + tree->d, tree->d));
}

ALGOS_INLINE int N(equals)(const algos_cut_tree *tree, int32_t leaf, const float *row) {
    const float *point = algos_cut_point(tree, leaf);
    return !(N(excess)(row, point, point, tree->d) > 0);
}

/* The leaves to which the cuts lead, and their depths. */
ALGOS_INLINE void N(find)(const algos_cut_tree *tree, const float *rows, Py_ssize_t stride,
                          Py_ssize_t n, int32_t *restrict leaf, int32_t *restrict depth) {
    const int32_t inner = (int32_t)tree->size - 1;
    for (Py_ssize_t start = 0; start < n; start += ALGOS_CUT_STEP) {
        const float *row[ALGOS_CUT_STEP];
        int32_t at[ALGOS_CUT_STEP], levels[ALGOS_CUT_STEP], going;
        for (int l = 0; l < ALGOS_CUT_STEP; l++) {
            row[l] = rows + stride * (start + l < n ? start + l : n - 1);
            at[l] = tree->heads[0];
            levels[l] = 0;
        }
        do {
            going = 0;
#pragma GCC unroll 8
            for (int l = 0; l < ALGOS_CUT_STEP; l++) {
                const algos_cut_node *here = tree->nodes + at[l];
                levels[l] += at[l] < inner;
                at[l] = here->child[row[l][here->column] > here->cut];
                going |= at[l] < inner;
            }
        } while (going);
        for (int l = 0; l < ALGOS_CUT_STEP && start + l < n; l++) {
            leaf[start + l] = at[l];
            depth[start + l] = levels[l];
        }
    }
}

/* Scores of rows that climb from their leaves while they are outside of the boxes. */
ALGOS_INLINE void N(climb)(const algos_cut_tree *tree, const float *rows, Py_ssize_t stride,
                           Py_ssize_t n, int method, double *restrict score) {
    int32_t node[ALGOS_CUT_BLOCK], depth[ALGOS_CUT_BLOCK], active[ALGOS_CUT_BLOCK];
    Py_ssize_t n_active = 0;
    N(find)(tree, rows, stride, n, node, depth);
    for (Py_ssize_t i = 0; i < n; i++) {
        const int seen = N(equals)(tree, node[i], rows + i * stride);
        score[i] = seen ? algos_cut_seen(tree, node[i], depth[i], method)
                        : algos_cut_unseen(tree, node[i], depth[i], method);
        node[i] = tree->parent[node[i]];
        active[n_active] = (int32_t)i;
        n_active += !seen && node[i] >= 0;
    }
    while (n_active) {
        const Py_ssize_t m = n_active;
        n_active = 0;
        for (Py_ssize_t a = 0; a < m; a++) {
            const int32_t i = active[a], at = node[i];
            const double keeps = N(keeps)(tree, at, rows + i * stride);
            const double here = algos_cut_unseen(tree, at, --depth[i], method);
            score[i] = here + keeps * (score[i] - here);
            node[i] = tree->parent[at];
            active[n_active] = i;
            n_active += keeps < 1 && node[i] >= 0;
        }
    }
}

ALGOS_INLINE void N(depths)(const algos_cut_tree *tree, const float *rows, Py_ssize_t stride,
                            Py_ssize_t n, double *restrict score) {
    int32_t leaf[ALGOS_CUT_BLOCK], depth[ALGOS_CUT_BLOCK];
    N(find)(tree, rows, stride, n, leaf, depth);
    for (Py_ssize_t i = 0; i < n; i++)
        score[i] = algos_cut_seen(tree, leaf[i], depth[i], ALGOS_CUT_DEPTH);
}

/* Collusive displacement of one row, from the top: ratio is that of the groups above. */
static double N(collusive)(const algos_cut_tree *tree, const float *row) {
    const int32_t leaf = algos_cut_find(tree, row);
    const int seen = N(equals)(tree, leaf, row);
    double ratio = 0, left = 1, sum = 0;
    for (int32_t node = tree->heads[0];;) {
        const double mass = tree->mass[node];
        if (node == leaf)
            return seen ? ratio : sum + left * (mass > ratio ? mass : ratio);
        const double keeps = seen ? 1 : N(keeps)(tree, node, row);
        sum += left * (1 - keeps) * (mass > ratio ? mass : ratio);
        left *= keeps;
        const algos_cut_node *here = tree->nodes + node;
        node = here->child[row[here->column] > here->cut];
        const double below = tree->mass[node], pushed = (mass - below) / (below + !seen);
        ratio = pushed > ratio ? pushed : ratio;
    }
}

static void N(scores)(const algos_cut_tree *tree, const float *rows, Py_ssize_t stride,
                      Py_ssize_t n, int method, double *out) {
    double score[ALGOS_CUT_BLOCK];
    switch (method) { /* a literal method lets the compiler drop the others' code */
    case ALGOS_CUT_INVERSE_DEPTH:
        N(climb)(tree, rows, stride, n, ALGOS_CUT_INVERSE_DEPTH, score);
        break;
    case ALGOS_CUT_EXPECTED_DEPTH:
        N(climb)(tree, rows, stride, n, ALGOS_CUT_EXPECTED_DEPTH, score);
        break;
    case ALGOS_CUT_DEPTH:
        N(depths)(tree, rows, stride, n, score);
        break;
    case ALGOS_CUT_DISPLACEMENT:
        N(climb)(tree, rows, stride, n, ALGOS_CUT_DISPLACEMENT, score);
        break;
    default:
        for (Py_ssize_t i = 0; i < n; i++)
            score[i] = N(collusive)(tree, rows + i * stride);
    }
    const double factor = algos_cut_factor(tree, method);
    for (Py_ssize_t i = 0; i < n; i++)
        out[i] += factor * score[i];
}

#undef N
#undef LANES
