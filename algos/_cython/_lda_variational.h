/* Variational Bayes for latent Dirichlet allocation: Dirichlet distributions γ_d of the
 * documents' mixtures, λ_k of the topics (Hoffman, Blei and Bach, "Online learning for latent
 * Dirichlet allocation", NIPS 2010, equations 5 and 9).
 *
 *   a_dk = exp(E log θ_dk) = exp(ψ(γ_dk) - ψ(Σ_k γ_dk))      γ_dk = α_k + a_dk Σ_w s_dw b_wk
 *   b_wk = exp(E log φ_kw) = exp(ψ(λ_kw) - ψ(Σ_w λ_kw))      s_dw = c_dw / Σ_k a_dk b_wk
 *
 * A document's fixed point does not change if its a, or a word's b, are all multiplied by
 * one number, so both are scaled to their largest: exp ψ(0.005) is no float32, but what the
 * fixed point makes of it is one. The scales come back in the bound alone.
 */
#ifndef ALGOS_LDA_VARIATIONAL_H
#define ALGOS_LDA_VARIATIONAL_H

#include <Python.h>
#include "_lda_digamma.h"

#define ALGOS_VB_TOP 0x1p90f   /* the largest a of a document, nearly: 150 e-folds of room */
#define ALGOS_VB_LOW 8.756510763e-27f /* exp(-60) */
#define ALGOS_VB_NONE 1e-25f   /* a smaller b is 0: s a is at most c / b */

/* γ = prior + a sums, then a of it; returned is Σ |γ - γ before|. For sums NULL only a. In
 * shift log of what a is multiplied by on top of exp ψ, as shift[0] - log shift[1]. below
 * (width,) is room. */
ALGOS_CLONES static float algos_vb_mixture(const float *restrict prior,
                                           const float *restrict sums, Py_ssize_t width,
                                           float *restrict gamma, float *restrict a,
                                           float *restrict below, float *shift) {
    float change = 0, least = INFINITY, top = 0;
    if (sums) {
        _Pragma("omp simd reduction(+ : change)")
        for (Py_ssize_t k = 0; k < width; k++) {
            const float g = prior[k] + a[k] * sums[k];
            change += algos_abs_f32(g - gamma[k]);
            gamma[k] = g;
        }
    }
    _Pragma("omp simd reduction(min : least) reduction(max : top)")
    for (Py_ssize_t k = 0; k < width; k++) {
        a[k] = algos_exp_digamma_f32(gamma[k], &below[k]);
        least = below[k] < least ? below[k] : least;
        top = a[k] > top ? a[k] : top;
    }
    const float factor = ALGOS_VB_TOP / top;
    for (Py_ssize_t k = 0; k < width; k++) { /* exp below -60 by way of a normal number */
        const float x = least - below[k];
        const int low = x < -60;
        a[k] *= algos_exp_f32(low ? x + 60 : x) * (low ? factor * ALGOS_VB_LOW : factor);
    }
    shift[0] = least;
    shift[1] = top / ALGOS_VB_TOP;
    return change;
}

/* The b of a word from its counts, λ = factor counts + prior. prior has `step` numbers: one
 * for all topics, or one each. Of the topics, tops = 1 / E and belows = S of Σ_w λ. In *scale
 * log of what exp(E log φ) is multiplied by. below (width,) is room. */
ALGOS_CLONES static void algos_vb_word(const float *restrict counts, float factor,
                                       const float *restrict prior, Py_ssize_t step,
                                       const float *restrict tops,
                                       const float *restrict belows, Py_ssize_t width,
                                       float *restrict b, float *restrict below,
                                       double *scale) {
    float least = INFINITY, top = 0;
    const float first = prior[0];
    _Pragma("omp simd reduction(min : least)")
    for (Py_ssize_t k = 0; k < width; k++) {
        const float own = step ? prior[k] : first;
        b[k] = tops[k] * algos_exp_digamma_f32(factor * counts[k] + own, &below[k]);
        below[k] -= belows[k];
        least = below[k] < least ? below[k] : least;
    }
    _Pragma("omp simd reduction(max : top)")
    for (Py_ssize_t k = 0; k < width; k++) {
        b[k] *= algos_exp_f32(least - below[k]);
        top = b[k] > top ? b[k] : top;
    }
    const float inverse = 1 / top;
    for (Py_ssize_t k = 0; k < width; k++) {
        const float x = b[k] * inverse;
        b[k] = x > ALGOS_VB_NONE ? x : 0;
    }
    *scale = least - algos_log_f64(top);
}

/* Σ_k (prior - x) (ψ(x) - psi) + log Γ(x) - log Γ(prior) over n numbers x = factor counts +
 * prior (counts NULL: x is given), what a Dirichlet distribution adds to the bound but for
 * its normalisation; psi = ψ(Σ x), one for each number or (step 0) one for all. */
ALGOS_CLONES static double algos_vb_dirichlet(const float *restrict x, double factor,
                                              int are_counts, const float *restrict prior,
                                              Py_ssize_t prior_step,
                                              const double *restrict psi, Py_ssize_t psi_step,
                                              Py_ssize_t n) {
    double total = 0, of_one = 0;
    if (!prior_step)
        algos_digamma_f64(prior[0], &of_one);
    _Pragma("omp simd reduction(+ : total)")
    for (Py_ssize_t k = 0; k < n; k++) {
        double log_gamma;
        const double own = prior_step ? prior[k] : prior[0];
        const double y = are_counts ? factor * x[k] + own : x[k];
        const double digamma = algos_digamma_f64(y, &log_gamma);
        total += (own - y) * (digamma - (psi_step ? psi[k] : psi[0])) + log_gamma;
    }
    if (!prior_step)
        return total - n * of_one;
    _Pragma("omp simd reduction(+ : total)")
    for (Py_ssize_t k = 0; k < n; k++) {
        double log_gamma;
        algos_digamma_f64(prior[k], &log_gamma);
        total -= log_gamma;
    }
    return total;
}

/* Σ_w c_w log Σ_k exp(E log θ_k + E log φ_kw), but for the document's own scales: from the
 * shares, which are c over the sum of what is scaled. */
ALGOS_CLONES static double algos_vb_words(const int32_t *restrict words,
                                          const float *restrict counts,
                                          const float *restrict shares, Py_ssize_t size,
                                          const double *restrict scales, double *tokens) {
    double total = 0, all = 0;
    _Pragma("omp simd reduction(+ : total, all)")
    for (Py_ssize_t i = 0; i < size; i++) {
        const double c = counts[i];
        const double least = 1e-38; /* of counts that are next to nothing */
        const double share = shares[i] > least ? shares[i] : least;
        total += c * (algos_log_f64((c > least ? c : least) / share) - scales[words[i]]);
        all += c;
    }
    *tokens = all;
    return total;
}

#endif
