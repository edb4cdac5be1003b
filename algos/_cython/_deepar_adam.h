/* Adam with decoupled weight decay, over flat arrays (Kingma and Ba, "Adam: a method for
 * stochastic optimization", ICLR 2015, algorithm 1; Loshchilov and Hutter, "Decoupled weight
 * decay regularization", ICLR 2019, algorithm 2), and a running average of the weights.
 */
#ifndef ALGOS_DEEPAR_ADAM_H
#define ALGOS_DEEPAR_ADAM_H

#include <math.h>
#include "_simd.h"

#define ALGOS_DEEPAR_BETA1 0.9
#define ALGOS_DEEPAR_BETA2 0.999
#define ALGOS_DEEPAR_EPSILON 1e-8f

typedef struct {
    float scale;    /* of the gradient: by its weight and by clipping */
    float rate;     /* of the step, times the correction of the first moment */
    float decay;    /* of the weights, in this step */
    float correct2; /* of the second moment: 1 / (1 - beta2^t) */
    float share;    /* of these weights in their average */
} algos_deepar_adam;

/* Sum of squares in double, which no finite float32 overflows. */
ALGOS_CLONES static double algos_deepar_squares(const float *restrict gradient, ptrdiff_t n) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (ptrdiff_t i = 0; i < n; i++)
        sum += (double)gradient[i] * (double)gradient[i];
    return sum;
}

ALGOS_CLONES static void algos_deepar_step(const algos_deepar_adam *how,
                                           const float *restrict gradient, ptrdiff_t n,
                                           float *restrict weights, float *restrict first,
                                           float *restrict second, float *restrict average) {
    const algos_deepar_adam a = *how;
    const float beta1 = (float)ALGOS_DEEPAR_BETA1, beta2 = (float)ALGOS_DEEPAR_BETA2;
#pragma omp simd
    for (ptrdiff_t i = 0; i < n; i++) {
        const float g = gradient[i] * a.scale;
        const float m = beta1 * first[i] + (1 - beta1) * g;
        const float v = beta2 * second[i] + (1 - beta2) * g * g;
        const float w = weights[i];
        const float next =
            w - a.decay * w - a.rate * m / (__builtin_sqrtf(v * a.correct2) + ALGOS_DEEPAR_EPSILON);
        first[i] = m;
        second[i] = v;
        weights[i] = next;
        average[i] += a.share * (next - average[i]);
    }
}

#endif
