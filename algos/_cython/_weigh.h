/* Packed tiles (_tile.h) whose rows are multiplied by numbers, which also become a column,
 * and other columns are put beside them. */
#ifndef ALGOS_WEIGH_H
#define ALGOS_WEIGH_H

#include <Python.h>
#include <math.h>
#include <string.h>
#include "_simd.h"

#define ALGOS_WEIGH(T, name)                                                                 \
    /* xt[p][i] *= sqrt(weight[i]), xt[d][i] = sqrt(weight[i]), and for the k targets        \
     * xt[d + 1 + j][i] = sqrt(weight[i]) target[i][j]; zeros from `rows` on, as there are in\
     * the d columns. No weights (NULL) are ones. */                                         \
    ALGOS_CLONES static void name(T *restrict xt, Py_ssize_t stride, Py_ssize_t rows,        \
                                  Py_ssize_t d, const double *restrict weight,               \
                                  const double *restrict target, Py_ssize_t k) {             \
        T *restrict root = xt + d * stride;                                                  \
        memset(root, 0, (size_t)((1 + k) * stride) * sizeof(T));                             \
        for (Py_ssize_t i = 0; i < rows; i++)                                                \
            root[i] = weight != NULL ? (T)sqrt(weight[i]) : (T)1;                            \
        for (Py_ssize_t p = 0; weight != NULL && p < d; p++)                                 \
            for (Py_ssize_t i = 0; i < stride; i++)                                          \
                xt[p * stride + i] *= root[i];                                               \
        for (Py_ssize_t j = 0; j < k; j++)                                                   \
            for (Py_ssize_t i = 0; i < rows; i++)                                            \
                root[(j + 1) * stride + i] = (T)((double)root[i] * target[i * k + j]);       \
    }

ALGOS_WEIGH(float, algos_weigh_f32)
ALGOS_WEIGH(double, algos_weigh_f64)

#endif
