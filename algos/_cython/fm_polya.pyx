"""Pólya-Gamma variables: the latent precisions of rows of two classes under the logistic link.

PG(1, c) is drawn exactly, by rejection with the alternating series of its density (Polson,
Scott and Windle, "Bayesian inference for logistic models using Pólya-Gamma latent variables",
JASA 108, 2013, section 4 and its supplement, after Devroye, 2009). The names are those of the
supplement: J*(1, z) with z = |c| / 2 and PG(1, c) = J*(1, z) / 4.

The sum of many such variables is drawn as a gamma variable with the same mean and variance, whose
skewness is too small by 0.02 for c = 0, and for any c by less than 0.04.
"""

from cython cimport floating
from libc.math cimport M_PI, cos, erfc, exp, fabs, fmin, log, sqrt, tanh
from libc.stdint cimport int32_t, uint64_t

from algos._cython._lanes cimport CHUNK
from algos._cython._rng cimport Rng, rng_start
from algos._cython._threads cimport run_region

cdef extern from "_fm_draws.h" nogil:
    const uint64_t ALGOS_FM_ROW_STREAMS
    double algos_open_unit(Rng* rng)

cdef double CUT = 0.64      # where the two forms of the series meet
cdef double STEEPEST = 1e6  # beyond, PG(1, c) is 1 / (2 |c|) to all digits of float32
cdef double NANOSECONDS_A_NUMBER = 200.0
cdef int MANY = 256         # copies of a row whose sum is drawn at once


cdef struct PolyaJob:
    bint single
    const void* scores
    const int32_t* levels
    const int32_t* copies   # or NULL: one each
    const uint64_t* key     # or NULL: means
    uint64_t step
    void* target
    void* weight
    Py_ssize_t n


cdef inline double _exponential(Rng* rng) noexcept nogil:
    return -log(algos_open_unit(rng))


cdef inline double _square_of_normal(Rng* rng) noexcept nogil:
    cdef double turn = cos(2 * M_PI * algos_open_unit(rng))
    return 2 * _exponential(rng) * turn * turn


cdef inline double _below(double x) noexcept nogil:
    """Return the standard normal distribution function."""
    return erfc(-x * sqrt(0.5)) / 2


cdef inline double _term(int n, double x) noexcept nogil:
    """a_n(x)."""
    cdef double h = n + 0.5
    if x <= CUT:
        return M_PI * h * exp(-1.5 * log(M_PI * x / 2) - 2 * h * h / x)
    return M_PI * h * exp(-h * h * M_PI * M_PI * x / 2)


cdef inline double _short_inverse_gaussian(double z, Rng* rng) noexcept nogil:
    """Draw an inverse Gaussian variable with mean 1 / z and shape 1, below CUT."""
    cdef double e, x, mean, y
    if z * CUT < 1:
        while True:
            e = _exponential(rng)
            while e * e * CUT > 2 * _exponential(rng):
                e = _exponential(rng)
            x = CUT / ((1 + CUT * e) * (1 + CUT * e))
            if algos_open_unit(rng) <= exp(-z * z * x / 2):
                return x
    mean = 1 / z
    while True:
        y = mean * _square_of_normal(rng)
        # the smaller root, without cancellation
        x = mean / (1 + y / 2 + sqrt(y + y * y / 4))
        if algos_open_unit(rng) * (mean + x) > mean:
            x = mean * mean / x
        if x <= CUT:
            return x


cdef inline double _share_of_tail(double z) noexcept nogil:
    """Return the probability that a proposal is beyond CUT."""
    cdef double rate = M_PI * M_PI / 8 + z * z / 2
    cdef double tail = M_PI / (2 * rate) * exp(-rate * CUT)
    cdef double root = sqrt(1 / CUT)
    cdef double body = 2 * exp(-z) * _below(root * (CUT * z - 1))
    if z < 20:  # beyond, this part is negligible
        body += 2 * exp(z) * _below(-root * (CUT * z + 1))
    return tail / (tail + body) if tail > 0 else 0


cdef double _draw(double c, Rng* rng) noexcept nogil:
    """Draw from PG(1, c)."""
    cdef double z = fmin(fabs(c), STEEPEST) / 2, share = _share_of_tail(z)
    cdef double rate = M_PI * M_PI / 8 + z * z / 2, x, sum_, y
    cdef int n
    while True:
        if algos_open_unit(rng) < share:
            x = CUT + _exponential(rng) / rate
        else:
            x = _short_inverse_gaussian(z, rng)
        sum_ = _term(0, x)
        y = algos_open_unit(rng) * sum_
        n = 0
        while True:
            n += 1
            if n % 2:
                sum_ -= _term(n, x)
                if y <= sum_:
                    return x / 4
            else:
                sum_ += _term(n, x)
                if y > sum_:
                    break


cdef inline double _mean(double c) noexcept nogil:
    """Return the mean of PG(1, c)."""
    cdef double size = fabs(c)
    return tanh(size / 2) / (2 * size) if size > 1e-6 else 0.25


cdef inline double _variance(double c) noexcept nogil:
    """Return the variance of PG(1, c)."""
    cdef double size = fabs(c), t = tanh(size / 2)
    if size < 0.01:
        return (1 - size * size / 5) / 24
    return (2 * t - size * (1 - t) * (1 + t)) / (4 * size * size * size)


cdef double _gamma(double shape, Rng* rng) noexcept nogil:
    """Draw a gamma variable with mean and variance `shape`, at least 1.

    Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26, 2000.
    """
    cdef double d = shape - 1.0 / 3, x, v
    while True:
        x = sqrt(2 * _exponential(rng)) * cos(2 * M_PI * algos_open_unit(rng))
        v = 1 + x / sqrt(9 * d)
        if v <= 0:
            continue
        v = v * v * v
        if -_exponential(rng) < x * x / 2 + d - d * v + d * log(v):
            return d * v


cdef double _draw_sum(double c, int32_t copies, Rng* rng) noexcept nogil:
    """Draw the sum of `copies` variables PG(1, c)."""
    cdef double total = 0, mean, variance
    cdef int32_t _copy
    if copies > MANY:
        c = fmin(fabs(c), STEEPEST)
        mean, variance = _mean(c), _variance(c)
        return variance / mean * _gamma(copies * mean * mean / variance, rng)
    for _copy in range(copies):
        total += _draw(c, rng)
    return total


cdef void _polya_task(void* arg, Py_ssize_t chunk, int slot) noexcept nogil:
    cdef PolyaJob* job = <PolyaJob*> arg
    cdef Py_ssize_t row
    cdef int32_t copies
    cdef double score, precision, target
    cdef Rng rng
    cdef uint64_t[2] no_key
    cdef const uint64_t* key = job.key
    no_key[0] = no_key[1] = 0
    if key == NULL:
        key = no_key
    rng_start(&rng, key, ALGOS_FM_ROW_STREAMS + chunk, job.step)
    for row in range(chunk * CHUNK, min(job.n, (chunk + 1) * CHUNK)):
        copies = 1 if job.copies == NULL else job.copies[row]
        score = (<const float*> job.scores)[row] if job.single else (
            <const double*> job.scores)[row]
        if job.key == NULL:
            precision = _mean(score)
        else:
            precision = _draw_sum(score, copies, &rng)
        target = (0.5 if job.levels[row] else -0.5) * copies / precision
        if job.single:
            (<float*> job.target)[row] = <float> target
            (<float*> job.weight)[row] = <float> precision
        else:
            (<double*> job.target)[row] = target
            (<double*> job.weight)[row] = precision


def polya_gammas(
    const floating[::1] scores,  # IN (n,), n > 0
    const int32_t[::1] levels,   # IN (n,): 0 or 1
    const int32_t[::1] copies,   # IN (n,) number of copies of a row, or None: 1
    const uint64_t[::1] key,     # IN (2,), or None: means instead of draws
    floating[::1] target,        # OUT (n,)
    floating[::1] weight,        # OUT (n,): the precision of the target
    uint64_t step,
    int n_threads,
):
    """Represent rows by normal variables around their scores, with Pólya-Gamma precisions."""
    cdef PolyaJob job
    job.single, job.scores, job.levels = floating is float, &scores[0], &levels[0]
    job.copies = NULL
    if copies is not None:
        job.copies = &copies[0]
    job.key = NULL
    if key is not None:
        job.key = &key[0]
    job.step, job.n = step, scores.shape[0]
    job.target, job.weight = &target[0], &weight[0]
    with nogil:
        run_region(
            _polya_task, &job, (job.n + CHUNK - 1) // CHUNK, NANOSECONDS_A_NUMBER * job.n,
            n_threads)
