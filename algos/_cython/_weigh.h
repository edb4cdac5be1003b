/* Packed tiles (_tile.h) whose rows are multiplied by numbers, which also become a column. */
#ifndef ALGOS_WEIGH_H
#define ALGOS_WEIGH_H

#include <Python.h>
#include <math.h>
#include "_simd.h"

#define ALGOS_WEIGH(T, name)                                                                 \
    /* xt[p][i] *= sqrt(weight[i]) and xt[d][i] = sqrt(weight[i]); zeros from `rows` on */   \
    ALGOS_CLONES static void name(T *restrict xt, Py_ssize_t stride, Py_ssize_t rows,        \
                                  Py_ssize_t d, const double *restrict weight) {             \
        T *restrict root = xt + d * stride;                                                  \
        for (Py_ssize_t i = 0; i < stride; i++)                                              \
            root[i] = i < rows ? (T)sqrt(weight[i]) : (T)0;                                  \
        for (Py_ssize_t p = 0; p < d; p++)                                                   \
            for (Py_ssize_t i = 0; i < stride; i++)                                          \
                xt[p * stride + i] *= root[i];                                               \
    }

ALGOS_WEIGH(float, algos_weigh_f32)
ALGOS_WEIGH(double, algos_weigh_f64)

#endif
