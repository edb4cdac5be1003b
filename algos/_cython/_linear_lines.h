/* Lines of a matrix against one vector: rows of CSR or dense rows for dual coordinate
 * descent, columns of CSC or dense columns for the primal one.
 *
 * A file that sets
 *   ALGOS_T  type of the values           ALGOS_INDEX    type of the indices
 *   ALGOS_V  type of the vector           ALGOS_NAME(f)  f with these types in its name
 * includes this one. Dense lines have no `indices` and no `starts`.
 */
#ifndef ALGOS_LINEAR_LINES_H
#define ALGOS_LINEAR_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "_simd.h"

typedef struct {
    const void *values;
    const void *indices; /* (n_stored,), ascending in a line; NULL for dense lines */
    const void *starts;  /* (n_lines + 1,) */
    ptrdiff_t length;    /* of the vector, and of a dense line */
} algos_lines;

#define ALGOS_CACHE_LINE 64
#define ALGOS_LINES_AHEAD 6 /* cache lines; the processor foresees those that follow */

#endif

#ifdef ALGOS_T
#define T ALGOS_T
#define I ALGOS_INDEX
#define V ALGOS_V
#define N ALGOS_NAME

typedef struct {
    const T *values;
    const I *at; /* NULL for dense lines */
    ptrdiff_t count;
} N(line);

ALGOS_INLINE N(line) N(take)(const algos_lines *x, ptrdiff_t i) {
    N(line) line;
    if (x->indices == NULL) {
        line.values = (const T *)x->values + i * x->length;
        line.at = NULL;
        line.count = x->length;
    } else {
        const I *starts = (const I *)x->starts;
        line.values = (const T *)x->values + starts[i];
        line.at = (const I *)x->indices + starts[i];
        line.count = (ptrdiff_t)(starts[i + 1] - starts[i]);
    }
    return line;
}

/* Ask for the beginning of a line that is soon taken. */
ALGOS_INLINE void N(fetch)(const algos_lines *x, ptrdiff_t i) {
    const N(line) line = N(take)(x, i);
    for (ptrdiff_t k = 0; k < ALGOS_LINES_AHEAD; k++) {
        __builtin_prefetch((const char *)line.values + k * ALGOS_CACHE_LINE);
        if (line.at != NULL)
            __builtin_prefetch((const char *)line.at + k * ALGOS_CACHE_LINE);
    }
}

/* Sum of x_j v_j, in several running sums. */
ALGOS_INLINE double N(dot)(N(line) line, const V *restrict v) {
    const T *restrict x = line.values;
    const ptrdiff_t n = line.count;
    ptrdiff_t k = 0;
    if (line.at == NULL) {
        V sum = 0;
#pragma omp simd reduction(+ : sum)
        for (k = 0; k < n; k++)
            sum += (V)x[k] * v[k];
        return (double)sum;
    }
    const I *restrict at = line.at;
    V a = 0, b = 0, c = 0, e = 0;
    for (; k + 4 <= n; k += 4) {
        a += (V)x[k] * v[at[k]];
        b += (V)x[k + 1] * v[at[k + 1]];
        c += (V)x[k + 2] * v[at[k + 2]];
        e += (V)x[k + 3] * v[at[k + 3]];
    }
    for (; k < n; k++)
        a += (V)x[k] * v[at[k]];
    return (double)((a + b) + (c + e));
}

/* v += step x */
ALGOS_INLINE void N(add)(N(line) line, double step, V *restrict v) {
    const T *restrict x = line.values;
    const V factor = (V)step;
    if (line.at == NULL) {
#pragma omp simd
        for (ptrdiff_t k = 0; k < line.count; k++)
            v[k] += factor * (V)x[k];
        return;
    }
    for (ptrdiff_t k = 0; k < line.count; k++)
        v[line.at[k]] += factor * (V)x[k];
}

#undef T
#undef I
#undef V
#undef N
#endif
