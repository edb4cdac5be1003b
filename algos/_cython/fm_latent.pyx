"""Latent normal variables of labels and levels: z ~ N(score, 1), between cut points.

A row of level l has cuts[l] < z < cuts[l + 1], where the first cut is -infinity and the last
infinity; two classes are two levels cut at 0. The formulas are in `_fm_latent.h`.
"""

from cython cimport floating
from libc.stdint cimport int32_t, uint64_t

from algos._cython._lanes cimport CHUNK, lane_count, lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._rng cimport Rng, rng_start
from algos._cython._threads cimport run_region

cdef extern from "_fm_draws.h" nogil:
    const uint64_t ALGOS_FM_ROW_STREAMS
    double algos_open_unit(Rng* rng)

cdef extern from "_fm_latent.h" nogil:
    enum:
        ALGOS_MOST_LATENTS
    int algos_draw_latents(
        const double* f, const double* lower, const double* upper, const double* u,
        Py_ssize_t n, double* z, int* far)
    double algos_draw_far(double f, double lower, double upper, Rng* rng)
    void algos_latent_means(
        const double* f, const double* lower, const double* upper, Py_ssize_t n, double* z)
    void algos_interval_terms(
        const double* f, const double* lower, const double* upper, Py_ssize_t n,
        double* values, double* terms)
    void algos_normal_cdfs(const double* x, Py_ssize_t n, double* out)

cdef double NANOSECONDS_A_LATENT = 20.0


cdef struct LatentJob:
    bint single
    const void* scores
    const int32_t* levels
    const int32_t* copies    # or NULL: one each
    const double* weights    # or NULL: one each
    const double* cuts       # (n_levels + 1,)
    Py_ssize_t n, n_levels
    const uint64_t* key
    uint64_t step
    void* out
    double* lanes            # (n_lanes, 1 + 3 (n_levels + 1))
    Py_ssize_t n_lanes


# Latent variables of one chunk's rows, gathered until they fill a block.
cdef struct Block:
    Py_ssize_t size
    Py_ssize_t[ALGOS_MOST_LATENTS] place
    double[ALGOS_MOST_LATENTS] f
    double[ALGOS_MOST_LATENTS] lower
    double[ALGOS_MOST_LATENTS] upper
    double[ALGOS_MOST_LATENTS] u
    double[ALGOS_MOST_LATENTS] z
    int[ALGOS_MOST_LATENTS] far


cdef inline double _score(const LatentJob* job, Py_ssize_t row) noexcept nogil:
    if job.single:
        return (<const float*> job.scores)[row]
    return (<const double*> job.scores)[row]


cdef inline void _write(const LatentJob* job, Py_ssize_t row, double value) noexcept nogil:
    if job.single:
        (<float*> job.out)[row] = <float> value
    else:
        (<double*> job.out)[row] = value


cdef inline void _clear(Block* block) noexcept nogil:
    block.size = 0
    block.f[0] = block.lower[0] = block.upper[0] = 0  # compilers do not see that rows > 0


cdef inline void _gather(
    const LatentJob* job, Py_ssize_t row, Py_ssize_t place, Block* block
) noexcept nogil:
    cdef const double* cut = job.cuts + job.levels[row]
    block.place[block.size] = place
    block.f[block.size] = _score(job, row)
    block.lower[block.size] = cut[0]
    block.upper[block.size] = cut[1]
    block.size += 1


cdef void _draw_block(Block* block, Rng* rng, double* sums) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(block.size):
        block.u[j] = algos_open_unit(rng)
    if algos_draw_latents(
            block.f, block.lower, block.upper, block.u, block.size, block.z, block.far):
        for j in range(block.size):
            if block.far[j]:
                block.z[j] = algos_draw_far(block.f[j], block.lower[j], block.upper[j], rng)
    for j in range(block.size):
        sums[block.place[j]] += block.z[j]
    block.size = 0


cdef void _draw_task(void* arg, Py_ssize_t chunk, int slot) noexcept nogil:
    cdef LatentJob* job = <LatentJob*> arg
    cdef Py_ssize_t begin = chunk * CHUNK, row, i, rows = min(job.n - begin, <Py_ssize_t> CHUNK)
    cdef int32_t _copy
    cdef double[CHUNK] sums
    cdef Block block
    cdef Rng rng
    rng_start(&rng, job.key, ALGOS_FM_ROW_STREAMS + chunk, job.step)
    _clear(&block)
    for i in range(rows):
        row = begin + i
        sums[i] = 0
        for _copy in range(1 if job.copies == NULL else job.copies[row]):
            if block.size == ALGOS_MOST_LATENTS:
                _draw_block(&block, &rng, sums)
            _gather(job, row, i, &block)
    _draw_block(&block, &rng, sums)
    for i in range(rows):
        row = begin + i
        _write(job, row, sums[i] if job.copies == NULL else sums[i] / job.copies[row])


cdef void _mean_task(void* arg, Py_ssize_t chunk, int slot) noexcept nogil:
    cdef LatentJob* job = <LatentJob*> arg
    cdef Py_ssize_t begin = chunk * CHUNK, i, rows = min(job.n - begin, <Py_ssize_t> CHUNK)
    cdef Block block
    _clear(&block)
    for i in range(rows):
        _gather(job, begin + i, i, &block)
    algos_latent_means(block.f, block.lower, block.upper, rows, block.z)
    for i in range(rows):
        _write(job, begin + i, block.z[i])


cdef void _measure_lane(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef LatentJob* job = <LatentJob*> arg
    cdef Py_ssize_t width = job.n_levels + 1, row, i, rows, level
    cdef Py_ssize_t stop = lane_start(lane + 1, job.n_lanes, job.n)
    cdef double* value = job.lanes + lane * (1 + 3 * width)
    cdef double* slope = value + 1
    cdef double* curvature = slope + width
    cdef double* mixed = curvature + width  # by a cut and the next one
    cdef double[CHUNK] values
    cdef double[5 * CHUNK] terms
    cdef double weight
    cdef Block block
    for i in range(1 + 3 * width):
        value[i] = 0
    row = lane_start(lane, job.n_lanes, job.n)
    while row < stop:
        rows = min(stop - row, <Py_ssize_t> CHUNK)
        _clear(&block)
        for i in range(rows):
            _gather(job, row + i, i, &block)
        algos_interval_terms(block.f, block.lower, block.upper, rows, values, terms)
        for i in range(rows):
            weight = 1.0 if job.weights == NULL else job.weights[row + i]
            level = job.levels[row + i]
            value[0] += weight * values[i]
            slope[level] += weight * terms[i]
            slope[level + 1] += weight * terms[rows + i]
            curvature[level] += weight * terms[2 * rows + i]
            curvature[level + 1] += weight * terms[3 * rows + i]
            mixed[level] += weight * terms[4 * rows + i]
        row += rows


cdef void _probability_task(void* arg, Py_ssize_t chunk, int slot) noexcept nogil:
    cdef LatentJob* job = <LatentJob*> arg
    cdef Py_ssize_t begin = chunk * CHUNK, i, rows = min(job.n - begin, <Py_ssize_t> CHUNK)
    cdef Py_ssize_t level, last = job.n_levels - 1
    cdef double* out = <double*> job.out + begin * job.n_levels
    cdef double[CHUNK] x
    cdef double[CHUNK] below
    x[0] = 0
    for level in range(job.n_levels):
        if level < last:
            for i in range(rows):
                x[i] = job.cuts[level + 1] - _score(job, begin + i)
            algos_normal_cdfs(x, rows, below)
        for i in range(rows):
            if level < last:
                out[i * job.n_levels + level] += below[i]
                out[i * job.n_levels + level + 1] -= below[i]
            else:
                out[i * job.n_levels + level] += 1


cdef inline Py_ssize_t _n_chunks(Py_ssize_t n) noexcept nogil:
    return (n + CHUNK - 1) // CHUNK


def draw_latents(
    const floating[::1] scores,  # IN (n,), n > 0
    const int32_t[::1] levels,   # IN (n,)
    const double[::1] cuts,      # IN (n_levels + 1,), ascending, from -infinity to infinity
    const int32_t[::1] copies,   # IN (n,) number of copies of a row, or None: 1
    const uint64_t[::1] key,     # IN (2,)
    floating[::1] targets,       # OUT (n,): the mean of the row's latent variables
    uint64_t step,
    int n_threads,
):
    """Draw the latent variable of each copy of a row, and average over its copies."""
    cdef LatentJob job
    job.single, job.scores, job.levels = floating is float, &scores[0], &levels[0]
    job.copies = NULL
    if copies is not None:
        job.copies = &copies[0]
    job.cuts, job.n, job.n_levels = &cuts[0], scores.shape[0], cuts.shape[0] - 1
    job.key, job.step, job.out = &key[0], step, &targets[0]
    with nogil:
        run_region(
            _draw_task, &job, _n_chunks(job.n), NANOSECONDS_A_LATENT * job.n, n_threads)


def average_latents(
    const floating[::1] scores,  # IN (n,), n > 0
    const int32_t[::1] levels,   # IN (n,)
    const double[::1] cuts,      # IN (n_levels + 1,)
    floating[::1] targets,       # OUT (n,)
    int n_threads,
):
    """Compute the mean of each row's latent variable."""
    cdef LatentJob job
    job.single, job.scores, job.levels = floating is float, &scores[0], &levels[0]
    job.cuts, job.n, job.n_levels = &cuts[0], scores.shape[0], cuts.shape[0] - 1
    job.out = &targets[0]
    with nogil:
        run_region(
            _mean_task, &job, _n_chunks(job.n), NANOSECONDS_A_LATENT * job.n, n_threads)


def measure_levels(
    const floating[::1] scores,  # IN (n,), n > 0
    const int32_t[::1] levels,   # IN (n,)
    const double[::1] cuts,      # IN (n_levels + 1,)
    const double[::1] weights,   # IN (n,), or None: 1
    double[:, ::1] derivatives,  # OUT (3, n_levels + 1): by each cut; second; by it and the next
    int n_threads,
):
    """Return the weighted log-probability of the levels and compute its derivatives by the cuts."""
    cdef LatentJob job
    cdef Py_ssize_t n = scores.shape[0], size = 1 + 3 * cuts.shape[0], i
    cdef Py_ssize_t n_lanes = lane_count(n, size * sizeof(double), n * sizeof(double))
    cdef Scratch lanes = scratch((n_lanes + 1) * size, sizeof(double))
    cdef double* sums = <double*> lanes.data + n_lanes * size
    job.single, job.scores, job.levels = floating is float, &scores[0], &levels[0]
    job.weights = NULL
    if weights is not None:
        job.weights = &weights[0]
    job.cuts, job.n, job.n_levels = &cuts[0], n, cuts.shape[0] - 1
    job.lanes, job.n_lanes = <double*> lanes.data, n_lanes
    with nogil:
        run_region(_measure_lane, &job, n_lanes, 2 * NANOSECONDS_A_LATENT * n, n_threads)
        reduce_lanes(job.lanes, n_lanes, size, sums)
        for i in range(size - 1):
            derivatives[i // cuts.shape[0], i % cuts.shape[0]] = sums[1 + i]
    return sums[0]


def add_level_probabilities(
    const floating[::1] scores,    # IN (n,), n > 0
    const double[::1] cuts,        # IN (n_levels + 1,)
    double[:, ::1] probabilities,  # INOUT (n, n_levels)
    int n_threads,
):
    """Add the probability of each level."""
    cdef LatentJob job
    job.single, job.scores = floating is float, &scores[0]
    job.cuts, job.n, job.n_levels = &cuts[0], scores.shape[0], cuts.shape[0] - 1
    job.out = &probabilities[0, 0]
    with nogil:
        run_region(
            _probability_task, &job, _n_chunks(job.n),
            NANOSECONDS_A_LATENT * job.n * job.n_levels, n_threads)
