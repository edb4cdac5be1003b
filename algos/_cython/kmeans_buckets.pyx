"""Rows drawn by weighted values: first a bucket of the row keys, then a row within it."""

from cython cimport floating
from libc.stdint cimport int32_t, int64_t, uint16_t

from algos._cython._lanes cimport lane_count, lane_start, reduce_lanes
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region

cdef enum:
    LANES = 16  # of 32 kB each, if there are 2**12 buckets

ctypedef fused index:
    int32_t
    int64_t


cdef struct BucketJob:
    bint single
    const void* values
    const double* weight
    const uint16_t* bucket
    Py_ssize_t n, n_buckets
    double* sums             # (lanes, n_buckets)
    Py_ssize_t n_lanes


cdef void _bucket_lane(BucketJob* job, const floating* values, Py_ssize_t lane) noexcept nogil:
    cdef double* sums = job.sums + lane * job.n_buckets
    cdef Py_ssize_t i
    for i in range(
        lane_start(lane, job.n_lanes, job.n), lane_start(lane + 1, job.n_lanes, job.n)
    ):
        if job.weight == NULL:
            sums[job.bucket[i]] += values[i]
        else:
            sums[job.bucket[i]] += job.weight[i] * values[i]


cdef void _bucket_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef BucketJob* job = <BucketJob*> arg
    if job.single:
        _bucket_lane(job, <const float*> job.values, lane)
    else:
        _bucket_lane(job, <const double*> job.values, lane)


def bucket_sums(
    const floating[::1] values,   # IN (n,)
    const double[::1] weight,     # IN (n,) or None
    const uint16_t[::1] bucket,   # IN (n,)
    double[::1] sums,             # OUT (n_buckets,)
    int n_threads,
):
    """Weighted sums of the values in each bucket."""
    cdef Py_ssize_t n = values.shape[0], n_buckets = sums.shape[0]
    cdef Py_ssize_t lanes = min(
        <Py_ssize_t> LANES, lane_count(n, 8 * n_buckets, n * sizeof(floating)))
    cdef Scratch lane_sums = scratch(lanes * n_buckets, sizeof(double))
    cdef BucketJob job
    job.single = floating is float
    job.values, job.bucket, job.n, job.n_buckets = &values[0], &bucket[0], n, n_buckets
    job.weight = NULL
    if weight is not None:
        job.weight = &weight[0]
    job.sums, job.n_lanes = <double*> lane_sums.data, lanes
    with nogil:
        run_region(_bucket_task, &job, lanes, 1.2 * n, n_threads)
        reduce_lanes(job.sums, lanes, n_buckets, &sums[0])


def group_by_bucket(
    const uint16_t[::1] bucket,  # IN (n,)
    int64_t[::1] starts,         # OUT (n_buckets + 1,): where each bucket's members start
    index[::1] members,          # OUT (n,): the rows, bucket by bucket
):
    """Sort the rows by bucket, those of a bucket in row order."""
    cdef Py_ssize_t i, n = bucket.shape[0], n_buckets = starts.shape[0] - 1
    with nogil:
        starts[:] = 0
        for i in range(n):
            starts[bucket[i] + 1] += 1
        for i in range(n_buckets):
            starts[i + 1] += starts[i]
        for i in range(n):
            members[starts[bucket[i]]] = <index> i
            starts[bucket[i]] += 1
        for i in range(n_buckets, 0, -1):
            starts[i] = starts[i - 1]
        starts[0] = 0


def draw_members(
    const floating[::1] values,   # IN (n,)
    const double[::1] weight,     # IN (n,) or None
    const int64_t[::1] starts,    # IN (n_buckets + 1,)
    const index[::1] members,     # IN (n,)
    const int64_t[::1] buckets,   # IN (n_draws,)
    const double[::1] targets,    # IN (n_draws,): a part of the bucket's sum
    int64_t[::1] drawn,           # OUT (n_draws,)
):
    """Draw the first member at which the weighted sum of the values exceeds the target.

    Where rounding leaves none it is the last one whose value is not zero.
    """
    cdef Py_ssize_t draw, i, row
    cdef double total, mass
    with nogil:
        for draw in range(buckets.shape[0]):
            total = 0
            drawn[draw] = members[starts[buckets[draw]]]
            for i in range(starts[buckets[draw]], starts[buckets[draw] + 1]):
                row = members[i]
                mass = values[row] if weight is None else weight[row] * values[row]
                if mass > 0:
                    drawn[draw] = row
                    total += mass
                    if total > targets[draw]:
                        break
