/* Distances of staged rows to one vector, for one element type and level: see _pairs.h. */
#define T ALGOS_T
#define N ALGOS_NAME
#define LANES ((Py_ssize_t)(ALGOS_BYTES / sizeof(T)))

typedef T N(vec) __attribute__((vector_size(ALGOS_BYTES), aligned(sizeof(T)), may_alias));
typedef ALGOS_INDEX N(index) __attribute__((vector_size(ALGOS_BYTES), may_alias));

/* The rows of the mask, less the shift, each at its place in y (64, size). */
static void N(stage)(const T *restrict x, Py_ssize_t d, const T *restrict shift, uint64_t mask,
                     T *restrict y, Py_ssize_t size) {
    const Py_ssize_t whole = d / LANES * LANES;
    for (; mask; mask &= mask - 1) {
        const Py_ssize_t i = __builtin_ctzll(mask);
        const T *row = x + i * d;
        T *to = y + i * size;
        for (Py_ssize_t p = 0; p < whole; p += LANES)
            *(N(vec) *)(to + p) = *(const N(vec) *)(row + p) - *(const N(vec) *)(shift + p);
        for (Py_ssize_t p = whole; p < d; p++)
            to[p] = row[p] - shift[p];
    }
}

ALGOS_INLINE N(vec) N(square)(const T *row, const T *center) {
    const N(vec) t = *(const N(vec) *)row - *(const N(vec) *)center;
    return t * t;
}

/* Two chains of sums hide the time of one. */
ALGOS_INLINE T N(distance)(const T *row, const T *center, Py_ssize_t size) {
    N(vec) a = N(square)(row, center), b = a - a;
    Py_ssize_t p = LANES;
    for (; p + LANES < size; p += 2 * LANES) {
        b += N(square)(row + p, center + p);
        a += N(square)(row + p + LANES, center + p + LANES);
    }
    if (p < size)
        b += N(square)(row + p, center + p);
    a += b;
#pragma GCC unroll 4
    for (ALGOS_INDEX half = LANES / 2; half > 0; half /= 2)
        a += ALGOS_SHUFFLE(a, a, *(const N(index) *)ALGOS_IOTA ^ half);
    return a[0];
}

static void N(distances)(const T *restrict y, Py_ssize_t size, const T *restrict center,
                         uint64_t mask, T *restrict out) {
    for (; mask; mask &= mask - 1) {
        const Py_ssize_t i = __builtin_ctzll(mask);
        out[i] = N(distance)(y + i * size, center, size);
    }
}

/* Whether a bit is the last of its mask, or a distance the least, cannot be foreseen, so neither
 * is waited for: all pairs of up to 256 centres are one loop without a branch. */
#define MOST_CENTERS 256

static Py_ssize_t N(nearest_of_some)(const T *restrict y, Py_ssize_t size,
                                     const T *restrict centers, int32_t first, int32_t count,
                                     const uint64_t *restrict masks, uint64_t rows,
                                     T *restrict least, T *restrict second,
                                     int32_t *restrict label) {
    uint64_t reached[MOST_CENTERS + 1];
    int32_t center[MOST_CENTERS + 1], place = 0;
    Py_ssize_t pairs = 0;
    for (int32_t j = first; j < first + count; j++) {
        reached[place] = masks[j] & rows;
        center[place] = j;
        pairs += __builtin_popcountll(reached[place]);
        place += reached[place] != 0;
    }
    reached[place] = 0;
    place = 0;
    uint64_t mask = reached[0];
    for (Py_ssize_t pair = 0; pair < pairs; pair++) {
        const Py_ssize_t i = __builtin_ctzll(mask);
        const int32_t j = center[place];
        const T distance = N(distance)(y + i * size, centers + j * size, size);
        const int32_t nearer = -(distance < least[i]); /* all bits or none */
        const T farther = distance < least[i] ? least[i] : distance;
        label[i] = (nearer & j) | (~nearer & label[i]);
        second[i] = farther < second[i] ? farther : second[i];
        least[i] = distance < least[i] ? distance : least[i];
        mask &= mask - 1;
        place += mask == 0;
        mask = mask ? mask : reached[place];
    }
    return pairs;
}

/* The nearest, the first of equals, of the centres j in whose mask a row of `rows` is, and the
 * two least squared distances. */
static Py_ssize_t N(nearest)(const T *restrict y, Py_ssize_t size, const T *restrict centers,
                             Py_ssize_t k, const uint64_t *restrict masks, uint64_t rows,
                             int32_t *restrict label, T *restrict least,
                             T *restrict second) {
    Py_ssize_t measured = 0;
    for (int i = 0; i < 64; i++)
        least[i] = second[i] = (T)INFINITY;
    for (Py_ssize_t j = 0; j < k; j += MOST_CENTERS)
        measured += N(nearest_of_some)(y, size, centers, (int32_t)j,
                                       (int32_t)(k - j < MOST_CENTERS ? k - j : MOST_CENTERS),
                                       masks, rows, least, second, label);
    return measured;
}

#undef MOST_CENTERS

static const ALGOS_TABLE N(table) = {LANES, N(stage), N(distances), N(nearest)};

#undef T
#undef N
#undef LANES
