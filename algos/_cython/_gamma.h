/* What ψ and log Γ of x > 0 are made of in double, free of branches: loops over it become vectors.
 *
 * With x lifted to y = x + 8 where x < 8, else y = x,
 *   ψ(x) = ψ(y) - Σ_{i<8} 1 / (x + i)       log Γ(x) = log Γ(y) - log Π_{i<8} (x + i)
 * and Stirling's series of y (Abramowitz and Stegun, 6.3.18 and 6.1.40):
 *   ψ(y) = log y - 1/(2 y) - …               log Γ(y) = (y - 1/2) log y - y + log(2 pi)/2 + …
 * Callers put these together, each so that what is large cancels.
 */
#ifndef ALGOS_GAMMA_H
#define ALGOS_GAMMA_H

#include "_math.h"

#define ALGOS_LOG_ROOT_TURN 0.91893853320467274178 /* log(2 pi) / 2 */

typedef struct {
    int is_lifted;
    double y, inverse;         /* and 1 / y */
    double of_psi, of_gamma;   /* …, of ψ to be taken away, of log Γ to be added */
    double sum, left, right;   /* Σ 1 / (x + i) and, in two parts, Π (x + i); of use if lifted */
} algos_stirling;

ALGOS_INLINE algos_stirling algos_stirling_of(double x) {
    const int small = x < 8;
    /* Π_{i<8} (x + i) = u (u + 6) (u + 10) (u + 12) = v w */
    const double low = small ? x : 1;
    const double u = low * (low + 7), v = u * (u + 6), w = (u + 10) * (u + 12);
    const double sum = (2 * low + 7) * ((2 * u + 6) * w + v * (2 * u + 22)) / (v * w);
    const double y = small ? x + 8 : x, r = 1 / y, q = r * r;
    double p = 1.0 / 132, g = 1.0 / 1188;
    p = p * q - 1.0 / 240;
    p = p * q + 1.0 / 252;
    p = p * q - 1.0 / 120;
    p = p * q + 1.0 / 12;
    g = g * q - 1.0 / 1680;
    g = g * q + 1.0 / 1260;
    g = g * q - 1.0 / 360;
    g = g * q + 1.0 / 12;
    return (algos_stirling){small, y, r, q * p, r * g, sum, v, w};
}

#endif
