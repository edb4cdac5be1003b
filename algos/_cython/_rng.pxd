# Random streams for kernels, each named by (key, stream, step): see `_rng.h`.
from libc.stdint cimport uint64_t

cdef extern from "_rng.h" nogil:
    ctypedef struct Rng "algos_rng":
        pass

    void rng_start "algos_rng_start"(Rng* rng, const uint64_t* key, uint64_t stream, uint64_t step)
    uint64_t rng_next "algos_rng_next"(Rng* rng)
    double rng_double "algos_rng_double"(Rng* rng)  # in [0, 1)
    uint64_t rng_below "algos_rng_below"(Rng* rng, uint64_t bound)  # in [0, bound), bound > 0
