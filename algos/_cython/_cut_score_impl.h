/* Scores of a block of rows in one tree, for one level of instructions: see _cut_score.h. */
#define N ALGOS_NAME
#define LANES ((Py_ssize_t)(ALGOS_BYTES / sizeof(float)))

typedef float N(vec)
    __attribute__((vector_size(ALGOS_BYTES), aligned(sizeof(float)), may_alias));
typedef int32_t N(index) __attribute__((vector_size(ALGOS_BYTES), may_alias));

/* The first `rest` <= LANES of some floats, and zeros. */
ALGOS_INLINE N(vec) N(load)(const float *x, Py_ssize_t rest) {
#if ALGOS_BYTES == 64
    return (N(vec))_mm512_maskz_loadu_ps((__mmask16)((1u << rest) - 1), x);
#elif ALGOS_BYTES == 32
    const N(index) mask = *(const N(index) *)algos_iota_f32 < (int32_t)rest;
    return (N(vec))_mm256_maskload_ps(x, (__m256i)mask);
#else
    N(vec) all = {0};
    for (Py_ssize_t i = 0; i < rest; i++)
        all[i] = x[i];
    return all;
#endif
}

/* Copy d <= ALGOS_CUT_NEAR floats, and zeros behind them. */
ALGOS_INLINE void N(copy)(const float *from, Py_ssize_t d, float *to) {
#pragma GCC unroll 4
    for (Py_ssize_t p = 0; p < ALGOS_CUT_NEAR; p += LANES) {
        const Py_ssize_t rest = d - p < 0 ? 0 : d - p;
        *(N(vec) *)(to + p) =
            rest < LANES ? N(load)(from + p, rest) : *(const N(vec) *)(from + p);
    }
}

ALGOS_INLINE N(vec) N(larger)(N(vec) a, N(vec) b) {
#if ALGOS_BYTES == 64
    return (N(vec))_mm512_max_ps((__m512)a, (__m512)b);
#elif ALGOS_BYTES == 32
    return (N(vec))_mm256_max_ps((__m256)a, (__m256)b);
#else
    const N(index) first = a > b;
    return (N(vec))(((N(index))a & first) | ((N(index))b & ~first));
#endif
}

ALGOS_INLINE float N(total)(N(vec) x) {
#if ALGOS_BYTES == 64
    return _mm512_reduce_add_ps((__m512)x);
#else
#pragma GCC unroll 3
    for (int32_t half = LANES / 2; half > 0; half /= 2)
        x += ALGOS_SHUFFLE(x, x, *(const N(index) *)algos_iota_f32 ^ half);
    return x[0];
#endif
}

ALGOS_INLINE N(vec) N(outside)(N(vec) row, N(vec) low, N(vec) high) {
    const N(vec) zero = {0};
    return N(larger)(N(larger)(low - row, row - high), zero);
}

/* How far a row is outside a box, summed over the columns: perhaps infinite, and never NaN.
 * `few` says that the columns fit into one register. */
ALGOS_INLINE float N(excess)(const float *row, const float *low, const float *high,
                             Py_ssize_t d, const int few) {
    const Py_ssize_t rest = d % LANES, whole = d - rest;
    N(vec) sum = {0};
    if (few)
        return N(total)(N(outside)(N(load)(row, d), N(load)(low, d), N(load)(high, d)));
    for (Py_ssize_t p = 0; p < whole; p += LANES)
        sum += N(outside)(*(const N(vec) *)(row + p), *(const N(vec) *)(low + p),
                          *(const N(vec) *)(high + p));
    if (rest)
        sum += N(outside)(N(load)(row + whole, rest), N(load)(low + whole, rest),
                          N(load)(high + whole, rest));
    return N(total)(sum);
}

/* As algos_cut_unseen, and quick near the root. */
ALGOS_INLINE float N(unseen)(const algos_cut_tree *tree, int32_t node, int32_t depth,
                             int method) {
    if (method <= ALGOS_CUT_EXPECTED_DEPTH && depth < ALGOS_CUT_SHALLOW)
        return algos_cut_by_depth[method][depth];
    return (float)algos_cut_unseen(tree, node, depth, method);
}

ALGOS_INLINE int N(equals)(const algos_cut_tree *tree, int32_t leaf, const float *row,
                           const int few) {
    const float *point = algos_cut_point(tree, leaf);
    return !(N(excess)(row, point, point, tree->d, few) > 0);
}

/* One level down; a leaf stays. */
ALGOS_INLINE int32_t N(next)(const algos_cut_node *nodes, int32_t node, const float *row) {
    const algos_cut_node *here = nodes + node;
    return here->child[row[here->column] > here->cut];
}

/* Rows in step some levels down. Those of few columns are copied to where the compiler knows
 * their distance, which frees a register for each. */
ALGOS_INLINE void N(step)(const algos_cut_node *const *nodes, const float *const *row, int many,
                          Py_ssize_t d, uint32_t inner, int levels, int32_t *restrict at,
                          uint32_t *restrict depth) {
    float near[ALGOS_CUT_STEP][ALGOS_CUT_NEAR];
    const int is_near = d <= ALGOS_CUT_NEAR;
    if (is_near)
        for (int l = 0; l < ALGOS_CUT_STEP; l++)
            N(copy)(row[l], d, near[l]);
    for (int level = 0; level < levels; level++) {
#pragma GCC unroll 8
        for (int l = 0; l < ALGOS_CUT_STEP; l++) {
            depth[l] += (uint32_t)at[l] < inner;
            at[l] = N(next)(nodes[many ? l : 0], at[l], is_near ? near[l] : row[l]);
        }
    }
}

/* Send the rows of a list some levels down, and keep in it those that have not arrived. */
ALGOS_INLINE Py_ssize_t N(descend)(ALGOS_CUT_ITEMS, int32_t *restrict list, Py_ssize_t n,
                                   int levels, int32_t *restrict node,
                                   int32_t *restrict depth) {
    const Py_ssize_t d = trees->d;
    const uint32_t inner = (uint32_t)trees->size - 1;
    Py_ssize_t left = 0;
    for (Py_ssize_t start = 0; start < n; start += ALGOS_CUT_STEP) {
        int32_t item[ALGOS_CUT_STEP], at[ALGOS_CUT_STEP];
        uint32_t passed[ALGOS_CUT_STEP] = {0};
        const float *row[ALGOS_CUT_STEP];
        const algos_cut_node *nodes[ALGOS_CUT_STEP];
        for (int l = 0; l < ALGOS_CUT_STEP; l++) {
            item[l] = list[start + l < n ? start + l : n - 1];
            row[l] = rows + stride * item[l];
            nodes[l] = trees[many * item[l]].nodes;
            at[l] = node[item[l]];
        }
        if (d <= ALGOS_CUT_NEAR)
            N(step)(nodes, row, many, d, inner, levels, at, passed);
        else
            N(step)(nodes, row, many, ALGOS_CUT_NEAR + 1, inner, levels, at, passed);
        for (int l = 0; l < ALGOS_CUT_STEP && start + l < n; l++) {
            node[item[l]] = at[l];
            depth[item[l]] += passed[l];
            list[left] = item[l];
            left += (uint32_t)at[l] < inner;
        }
    }
    return left;
}

/* The leaves to which the cuts lead, and their depths. */
static void N(find)(ALGOS_CUT_ITEMS, Py_ssize_t n, int32_t *restrict leaf,
                    int32_t *restrict depth) {
    int32_t list[ALGOS_CUT_BLOCK];
    for (Py_ssize_t i = 0; i < n; i++) {
        list[i] = (int32_t)i;
        leaf[i] = trees[many * i].heads[0];
        depth[i] = 0;
    }
    for (int levels = 8; n > 0; levels = 3)
        n = N(descend)(trees, many, rows, stride, list, n, levels, leaf, depth);
}

/* A row on its way up: what it scores at the node below, and whether it goes on. */
typedef struct {
    int32_t node, depth;
    float score;
    int goes_on;
} N(climber);

/* The climber at a node, given where it comes from. */
ALGOS_INLINE N(climber) N(rise)(const algos_cut_tree *tree, const float *row, N(climber) from,
                                const int few, int method) {
    const float *low = algos_cut_low(tree, from.node);
    const float excess = N(excess)(row, low, low + tree->d, tree->d, few);
    const float span = tree->spans[from.node], keeps = span / (span + excess);
    const float here = N(unseen)(tree, from.node, from.depth, method);
    const int32_t parent = tree->parent[from.node];
    return (N(climber)){parent, from.depth - 1, here + keeps * (from.score - here),
                        excess > 0 && parent >= 0};
}

/* The climber that leaves a leaf. */
ALGOS_INLINE N(climber) N(depart)(const algos_cut_tree *tree, const float *row, int32_t leaf,
                                  int32_t depth, const int few, int method) {
    const int seen = N(equals)(tree, leaf, row, few);
    const int32_t parent = tree->parent[leaf];
    return (N(climber)){parent, depth - 1,
                        seen ? (float)algos_cut_seen(tree, leaf, depth, method)
                             : N(unseen)(tree, leaf, depth, method),
                        !seen && parent >= 0};
}

/* Scores of rows that climb from their leaves while they are outside of the boxes: in step while
 * there are many, so that none waits for another's end. */
ALGOS_INLINE void N(climb)(ALGOS_CUT_ITEMS, const int few, Py_ssize_t n, int method,
                           float *restrict score) {
    int32_t node[ALGOS_CUT_BLOCK], depth[ALGOS_CUT_BLOCK], active[ALGOS_CUT_BLOCK];
    Py_ssize_t n_active = 0;
    N(find)(trees, many, rows, stride, n, node, depth);
    for (Py_ssize_t i = 0; i < n; i++) {
        const N(climber) next = N(depart)(trees + many * i, rows + i * stride, node[i], depth[i],
                                          few, method);
        node[i] = next.node;
        depth[i] = next.depth;
        score[i] = next.score;
        active[n_active] = (int32_t)i;
        n_active += next.goes_on;
    }
    while (n_active >= ALGOS_CUT_CROWD) {
        const Py_ssize_t m = n_active;
        n_active = 0;
        for (Py_ssize_t a = 0; a < m; a++) {
            const int32_t i = active[a];
            const N(climber) from = {node[i], depth[i], score[i], 1};
            const N(climber) next =
                N(rise)(trees + many * i, rows + i * stride, from, few, method);
            node[i] = next.node;
            depth[i] = next.depth;
            score[i] = next.score;
            active[n_active] = i;
            n_active += next.goes_on;
        }
    }
    for (Py_ssize_t a = 0; a < n_active; a++) {
        const int32_t i = active[a];
        N(climber) climber = {node[i], depth[i], score[i], 1};
        while (climber.goes_on)
            climber = N(rise)(trees + many * i, rows + i * stride, climber, few, method);
        score[i] = climber.score;
    }
}

ALGOS_INLINE void N(depths)(ALGOS_CUT_ITEMS, Py_ssize_t n, float *restrict score) {
    int32_t leaf[ALGOS_CUT_BLOCK], depth[ALGOS_CUT_BLOCK];
    N(find)(trees, many, rows, stride, n, leaf, depth);
    for (Py_ssize_t i = 0; i < n; i++)
        score[i] = (float)algos_cut_seen(trees + many * i, leaf[i], depth[i], ALGOS_CUT_DEPTH);
}

/* Collusive displacement: rows go down together, for the groups that are largest by what they
 * push down lie above. A row that is equal to a leaf belongs to its groups, another joins. */
ALGOS_INLINE void N(collude)(ALGOS_CUT_ITEMS, Py_ssize_t n, float *restrict score) {
    int32_t node[ALGOS_CUT_BLOCK], active[ALGOS_CUT_BLOCK];
    float left[ALGOS_CUT_BLOCK], joined[ALGOS_CUT_BLOCK], own[ALGOS_CUT_BLOCK];
    for (Py_ssize_t i = 0; i < n; i++) {
        active[i] = (int32_t)i;
        node[i] = trees[many * i].heads[0];
        left[i] = 1;
        score[i] = joined[i] = own[i] = 0;
    }
    while (n) {
        const Py_ssize_t m = n;
        n = 0;
        for (Py_ssize_t a = 0; a < m; a++) {
            const int32_t i = active[a], at = node[i];
            const algos_cut_tree *tree = trees + many * i;
            const float *row = rows + i * stride;
            const float mass = tree->mass[at], most = mass > joined[i] ? mass : joined[i];
            if (algos_cut_is_leaf(tree, at)) {
                score[i] = N(equals)(tree, at, row, 0) ? own[i] : score[i] + left[i] * most;
                continue;
            }
            const float *low = algos_cut_low(tree, at);
            const float span = tree->spans[at];
            const float keeps = span / (span + N(excess)(row, low, low + tree->d, tree->d, 0));
            score[i] += left[i] * (1 - keeps) * most;
            left[i] *= keeps;
            node[i] = N(next)(tree->nodes, at, row);
            const float below = tree->mass[node[i]], pushed = mass - below;
            joined[i] = pushed > joined[i] * (below + 1) ? pushed / (below + 1) : joined[i];
            own[i] = pushed > own[i] * below ? pushed / below : own[i];
            active[n++] = i;
        }
    }
}

/* Literal flags and methods let the compiler drop the others' code. */
ALGOS_INLINE void N(climb_by)(ALGOS_CUT_ITEMS, Py_ssize_t n, int method, float *score) {
    if (trees->d <= LANES)
        N(climb)(trees, many, rows, stride, 1, n, method, score);
    else
        N(climb)(trees, many, rows, stride, 0, n, method, score);
}

ALGOS_INLINE void N(score)(ALGOS_CUT_ITEMS, Py_ssize_t n, int method, float *score) {
    switch (method) {
    case ALGOS_CUT_INVERSE_DEPTH:
        N(climb_by)(trees, many, rows, stride, n, ALGOS_CUT_INVERSE_DEPTH, score);
        break;
    case ALGOS_CUT_EXPECTED_DEPTH:
        N(climb_by)(trees, many, rows, stride, n, ALGOS_CUT_EXPECTED_DEPTH, score);
        break;
    case ALGOS_CUT_DEPTH:
        N(depths)(trees, many, rows, stride, n, score);
        break;
    case ALGOS_CUT_DISPLACEMENT:
        N(climb_by)(trees, many, rows, stride, n, ALGOS_CUT_DISPLACEMENT, score);
        break;
    default:
        N(collude)(trees, many, rows, stride, n, score);
    }
}

static void N(scores)(const algos_cut_tree *tree, const float *rows, Py_ssize_t stride,
                      Py_ssize_t n, int method, double *out) {
    float score[ALGOS_CUT_BLOCK];
    N(score)(tree, 0, rows, stride, n, method, score);
    const double factor = algos_cut_factor(tree, method);
    double product[ALGOS_CUT_BLOCK]; /* rounded before it is added, as in row_score */
    for (Py_ssize_t i = 0; i < n; i++)
        product[i] = factor * score[i];
    for (Py_ssize_t i = 0; i < n; i++)
        out[i] += product[i];
}

static double N(row_score)(const algos_cut_tree *trees, const float *row, Py_ssize_t n,
                           int method, double sum) {
    float score[ALGOS_CUT_BLOCK];
    double product[ALGOS_CUT_BLOCK], factor = 1;
    N(score)(trees, 1, row, 0, n, method, score);
    for (Py_ssize_t t = 0; t < n; t++) {
        if (t == 0 || algos_cut_all(trees + t) != algos_cut_all(trees + t - 1))
            factor = algos_cut_factor(trees + t, method);
        product[t] = factor * score[t];
    }
    for (Py_ssize_t t = 0; t < n; t++)
        sum += product[t];
    return sum;
}

static const algos_cut_table N(table) = {N(scores), N(row_score)};

#undef N
#undef LANES
