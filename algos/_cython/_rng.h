/* Counter-based random numbers: Philox4x64-10 (Salmon, Moraes, Dror and Shaw, "Parallel
 * random numbers: as easy as 1, 2, 3", SC11, section 3).
 *
 * A stream is named by (key, stream, step) alone, so any thread can draw it at any time:
 * `stream` is a lane or a row key, `step` an iteration. Its words are those of
 * numpy.random.Philox(key=key, counter=[0, step, stream, 0]).
 */
#ifndef ALGOS_RNG_H
#define ALGOS_RNG_H

#include <stdint.h>
#if defined(_MSC_VER)
#include <intrin.h>
#endif

typedef struct {
    uint64_t key[2];
    uint64_t counter[4];
    uint64_t block[4];
    int used; /* words of the block that are given out */
} algos_rng;

static inline uint64_t algos_multiply(uint64_t a, uint64_t b, uint64_t *high) {
#if defined(_MSC_VER)
    return _umul128(a, b, high);
#else
    const unsigned __int128 product = (unsigned __int128)a * b;
    *high = (uint64_t)(product >> 64);
    return (uint64_t)product;
#endif
}

/* Ten rounds over the counter. */
static inline void algos_philox(const uint64_t key[2], const uint64_t counter[4],
                                uint64_t block[4]) {
    uint64_t k0 = key[0], k1 = key[1];
    uint64_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < 10; round++) {
        uint64_t high0, high1;
        const uint64_t low0 = algos_multiply(0xD2E7470EE14C6C93u, c0, &high0);
        const uint64_t low1 = algos_multiply(0xCA5A826395121157u, c2, &high1);
        c0 = high1 ^ c1 ^ k0;
        c1 = low1;
        c2 = high0 ^ c3 ^ k1;
        c3 = low0;
        k0 += 0x9E3779B97F4A7C15u; /* the golden ratio */
        k1 += 0xBB67AE8584CAA73Bu; /* sqrt(3) - 1 */
    }
    block[0] = c0;
    block[1] = c1;
    block[2] = c2;
    block[3] = c3;
}

static inline void algos_rng_start(algos_rng *rng, const uint64_t *key, uint64_t stream,
                                   uint64_t step) {
    rng->key[0] = key[0];
    rng->key[1] = key[1];
    rng->counter[0] = 0;
    rng->counter[1] = step;
    rng->counter[2] = stream;
    rng->counter[3] = 0;
    rng->used = 4;
}

static inline uint64_t algos_rng_next(algos_rng *rng) {
    if (rng->used == 4) {
        rng->counter[0]++; /* numpy, too, counts before it draws */
        algos_philox(rng->key, rng->counter, rng->block);
        rng->used = 0;
    }
    return rng->block[rng->used++];
}

/* Uniform in [0, 1): a multiple of 2^-53. */
static inline double algos_rng_double(algos_rng *rng) {
    return (double)(algos_rng_next(rng) >> 11) * (1.0 / 9007199254740992.0);
}

/* Uniform in [0, bound), bound > 0, without modulo bias (Lemire, "Fast random integer
 * generation in an interval", ACM TOMACS 29, 2019, algorithm 5). */
static inline uint64_t algos_rng_below(algos_rng *rng, uint64_t bound) {
    uint64_t high;
    uint64_t low = algos_multiply(algos_rng_next(rng), bound, &high);
    if (low < bound) {
        const uint64_t threshold = (0 - bound) % bound;
        while (low < threshold)
            low = algos_multiply(algos_rng_next(rng), bound, &high);
    }
    return high;
}

#endif
