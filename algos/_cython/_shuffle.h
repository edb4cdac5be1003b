/* What the register kernels share: the shape of a tile, and moves between lanes. */
#ifndef ALGOS_SHUFFLE_H
#define ALGOS_SHUFFLE_H

#include <stdint.h>

/* Vectors in one column of a tile. 4 x 6 accumulators and 5 operands: 29 of 32 registers. */
#define ALGOS_TILE_VECTORS 4

#ifdef __clang__
/* Clang shuffles by literal masks only; it turns this loop into shuffles itself. */
#define ALGOS_SHUFFLE(a, b, mask)                                                            \
    ({                                                                                       \
        __typeof__((a) + (b)) r_; /* without their const */                                  \
        for (size_t l_ = 0; l_ < sizeof(a) / sizeof((a)[0]); l_++) {                         \
            const size_t m_ = (size_t)(mask)[l_], n_ = sizeof(a) / sizeof((a)[0]);           \
            r_[l_] = m_ < n_ ? (a)[m_] : (b)[m_ - n_];                                       \
        }                                                                                    \
        r_;                                                                                  \
    })
#else
#define ALGOS_SHUFFLE(a, b, mask) __builtin_shuffle(a, b, mask)
#endif

/* Hold a vector in a register: compilers like to read an operand of many products from
 * memory again each time, and loads are then what the processor waits for. */
#if defined(__x86_64__)
#define ALGOS_HOLD(x) __asm__("" : "+v"(x))
#elif defined(__aarch64__)
#define ALGOS_HOLD(x) __asm__("" : "+w"(x))
#else
#define ALGOS_HOLD(x) (void)(x)
#endif

static const int32_t algos_iota_f32[16] __attribute__((aligned(64))) = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const int64_t algos_iota_f64[8] __attribute__((aligned(64))) = {0, 1, 2, 3, 4, 5, 6, 7};

#endif
