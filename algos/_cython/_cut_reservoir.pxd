# Reservoirs of a forest's trees: see `_cut_reservoir.h`.
from libc.stdint cimport int32_t, int64_t, uint64_t

from algos._cython._rng cimport Rng

cdef extern from "_cut_reservoir.h" nogil:
    const int64_t NEVER "ALGOS_CUT_NEVER"
    int SEEN "ALGOS_CUT_SEEN"
    int NEXT "ALGOS_CUT_NEXT"
    int SAMPLED "ALGOS_CUT_SAMPLED"
    int DRAWN "ALGOS_CUT_DRAWN"

    ctypedef struct Reservoir "algos_cut_reservoir":
        double* keys
        int32_t* leaves
        int64_t* clock
        double* coming

    void resume "algos_cut_resume"(Rng* rng, const uint64_t* key, uint64_t stream, int64_t drawn)
    int64_t drawn "algos_cut_drawn"(const Rng* rng)
    double exponential "algos_cut_exponential"(Rng* rng)
    void sift_down "algos_cut_sift_down"(double* keys, int32_t* leaves, Py_ssize_t n, Py_ssize_t at)
    void sift_up "algos_cut_sift_up"(double* keys, int32_t* leaves, Py_ssize_t at)
    void heapify "algos_cut_heapify"(double* keys, int32_t* leaves, Py_ssize_t n)
    double log_rate "algos_cut_log_rate"(double largest_key, double decay, int64_t row)
    int64_t jump "algos_cut_jump"(double log_rate, double decay, Rng* rng, double* own)
    double key_of "algos_cut_key"(double own, double decay, int64_t row)
    void draw_next "algos_cut_draw_next"(
        const Reservoir* reservoir, Py_ssize_t size, double decay, int64_t first, Rng* rng)
    void change_decay "algos_cut_change_decay"(
        const Reservoir* reservoir, Py_ssize_t size, double before, double decay, Rng* rng)


cdef inline Reservoir reservoir_of(Reservoir first, Py_ssize_t size, Py_ssize_t t) noexcept nogil:
    """Return that of tree t, given that of the first tree."""
    return Reservoir(
        first.keys + t * size, first.leaves + t * size, first.clock + 4 * t, first.coming + t)
