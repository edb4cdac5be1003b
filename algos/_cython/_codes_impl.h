/* Products of a tile of codes with a panel, for one set of instructions: see _codes.h. */

/* The nearest whole number of steps, at most 127 of either sign, plus 128. */
ALGOS_INLINE algos_code_vec ALGOS_CODE(round)(algos_value_vec steps) {
    /* positive, so that truncation rounds */
    return __builtin_convertvector(ALGOS_WITHIN(steps, 127.0f) + 128.5f, algos_code_vec);
}

ALGOS_INLINE algos_value_vec ALGOS_CODE(left)(algos_value_vec y, algos_code_vec code, float step) {
    return y - step * __builtin_convertvector(code - 128, algos_value_vec);
}

/* 16 rows, transposed: xt[column][row], to words of codes, 64 rows apart, the low ones `low`
 * words after the high ones. Returns the squared lengths of the rows and of what is left. */
static void ALGOS_CODE(encode)(const float *xt, Py_ssize_t stride, Py_ssize_t d, float step,
                               int fine, int32_t *words, Py_ssize_t low, float *norm,
                               float *error) {
    algos_value_vec squares = {0}, rest = {0};
    for (Py_ssize_t begin = 0; begin < d; begin += 64) { /* so that short sums are added */
        algos_value_vec some_squares = {0}, some_rest = {0};
        for (Py_ssize_t p = begin; p < d && p < begin + 64; p += 4) {
            algos_code_vec word = {0}, low_word = {0};
            for (Py_ssize_t q = p; q < p + 4; q++) {
                algos_code_vec high = ALGOS_SPREAD32(128), fraction = high;
                if (q < d) {
                    const algos_value_vec y = *(const algos_value_vec *)(xt + q * stride);
                    high = ALGOS_CODE(round)(y * (1 / step));
                    algos_value_vec left = ALGOS_CODE(left)(y, high, step);
                    if (fine) {
                        fraction = ALGOS_CODE(round)(left * (256 / step));
                        left = ALGOS_CODE(left)(left, fraction, step / 256);
                    }
                    some_squares += y * y;
                    some_rest += left * left;
                }
                word |= high << (int)(8 * (q - p));
                low_word |= fraction << (int)(8 * (q - p));
            }
            memcpy(words + p / 4 * ALGOS_CODE_ROWS, &word, sizeof(word));
            if (fine)
                memcpy(words + (p / 4 + low) * ALGOS_CODE_ROWS, &low_word, sizeof(word));
        }
        squares += some_squares;
        rest += some_rest;
    }
    memcpy(norm, &squares, sizeof(squares));
    memcpy(error, &rest, sizeof(rest));
}

/* Add the products of some words of the rows with as many words of c panel vectors. */
ALGOS_INLINE void ALGOS_CODE(add)(const algos_loose_code_vec *restrict x, Py_ssize_t words,
                                  const int32_t *restrict panel,
                                  algos_code_vec acc[6][ALGOS_CODE_VECTORS], const int c) {
    for (Py_ssize_t w = 0; w < words; w++) {
        algos_code_vec r[ALGOS_CODE_VECTORS];
#pragma GCC unroll 4
        for (int i = 0; i < ALGOS_CODE_VECTORS; i++)
            r[i] = x[w * ALGOS_CODE_VECTORS + i];
#pragma GCC unroll 6
        for (int j = 0; j < c; j++) {
            const algos_code_vec b = ALGOS_SPREAD32(panel[w * c + j]);
#pragma GCC unroll 4
            for (int i = 0; i < ALGOS_CODE_VECTORS; i++)
                acc[j][i] = ALGOS_DOT(acc[j][i], r[i], b);
        }
    }
}

/* One group of c panel vectors: products to out[vector][row], their largest to most[row]. */
ALGOS_INLINE void ALGOS_CODE(group)(const algos_loose_code_vec *restrict x, Py_ssize_t words,
                                    const int32_t *restrict panel, const int32_t *restrict init,
                                    algos_code_vec *restrict out, algos_code_vec *restrict most,
                                    const int c, const int fine) {
    algos_code_vec acc[6][ALGOS_CODE_VECTORS];
#pragma GCC unroll 6
    for (int j = 0; j < c; j++)
#pragma GCC unroll 4
        for (int i = 0; i < ALGOS_CODE_VECTORS; i++)
            acc[j][i] = ALGOS_SPREAD32(fine ? 0 : init[j]);
    ALGOS_CODE(add)(x, words, panel, acc, c);
    if (fine) { /* 256 high.high + high.low + low.high */
#pragma GCC unroll 6
        for (int j = 0; j < c; j++)
#pragma GCC unroll 4
            for (int i = 0; i < ALGOS_CODE_VECTORS; i++)
                acc[j][i] = acc[j][i] * 256 + init[j];
        ALGOS_CODE(add)(x, words, panel + words * c, acc, c);
        ALGOS_CODE(add)(x + words * ALGOS_CODE_VECTORS, words, panel, acc, c);
    }
#pragma GCC unroll 6
    for (int j = 0; j < c; j++)
#pragma GCC unroll 4
        for (int i = 0; i < ALGOS_CODE_VECTORS; i++) {
            out[j * ALGOS_CODE_VECTORS + i] = acc[j][i];
            most[i] = ALGOS_LARGER(most[i], acc[j][i]);
        }
}

#define ALGOS_CASE(C)                                                                        \
    case C:                                                                                  \
        if (fine)                                                                            \
            ALGOS_CODE(group)(x, words, group, init + j, to, largest, C, 1);                 \
        else                                                                                 \
            ALGOS_CODE(group)(x, words, group, init + j, to, largest, C, 0);                 \
        break;
/* init + products of a tile with the padded panel of k vectors: out[k padded][64], most[64]. */
static void ALGOS_CODE(products)(const uint8_t *codes, Py_ssize_t words, int fine,
                                 const int32_t *panel, const int32_t *init, Py_ssize_t k,
                                 int32_t *out, int32_t *most) {
    const algos_loose_code_vec *x = (const algos_loose_code_vec *)codes;
    const Py_ssize_t c = algos_panel_width(k);
    algos_code_vec largest[ALGOS_CODE_VECTORS];
    for (int i = 0; i < ALGOS_CODE_VECTORS; i++)
        largest[i] = ALGOS_SPREAD32((int32_t)INT32_MIN);
    for (Py_ssize_t j = 0; j < k; j += c) {
        algos_code_vec *to = (algos_code_vec *)out + j * ALGOS_CODE_VECTORS;
        const int32_t *group = panel + j * words * (fine ? 2 : 1);
        switch (c) {
            ALGOS_CASE(4)
            ALGOS_CASE(5)
            ALGOS_CASE(6)
        }
    }
    memcpy(most, largest, sizeof(largest));
}

#undef ALGOS_CASE

/* Which products reach their row's threshold: bit i of masks[j] for row i and vector j.
 * Returns the rows that two or more reach; where[i] is the last vector that does, and below[i]
 * (unless it is NULL) the largest product that does not. */
static uint64_t ALGOS_CODE(reaching)(const int32_t *products, Py_ssize_t k,
                                     const int32_t *threshold, uint64_t *masks,
                                     int32_t *where, int32_t *below) {
    const algos_code_vec *value = (const algos_code_vec *)products;
    algos_code_vec least[ALGOS_CODE_VECTORS], last[ALGOS_CODE_VECTORS], rest[ALGOS_CODE_VECTORS];
    uint64_t once = 0, twice = 0;
    memcpy(least, threshold, sizeof(least));
    for (int i = 0; i < ALGOS_CODE_VECTORS; i++)
        last[i] = ALGOS_SPREAD32((int32_t)-1), rest[i] = ALGOS_SPREAD32((int32_t)INT32_MIN);
    for (Py_ssize_t j = 0; j < k; j++) {
        uint64_t mask = 0;
#pragma GCC unroll 4
        for (int i = 0; i < ALGOS_CODE_VECTORS; i++) {
            const algos_code_vec product = value[j * ALGOS_CODE_VECTORS + i];
            const uint64_t reached = ALGOS_MASK(product, least[i]);
            rest[i] = ALGOS_LARGER(rest[i], ALGOS_REPLACE(product, reached, (int32_t)INT32_MIN));
            last[i] = ALGOS_REPLACE(last[i], reached, (int32_t)j);
            mask |= reached << 16 * i;
        }
        masks[j] = mask;
        twice |= once & mask;
        once |= mask;
    }
    memcpy(where, last, sizeof(last));
    if (below != NULL)
        memcpy(below, rest, sizeof(rest));
    return twice;
}

static const algos_code_table ALGOS_CODE(table) = {ALGOS_CODE(encode), ALGOS_CODE(products),
                                                     ALGOS_CODE(reaching)};
