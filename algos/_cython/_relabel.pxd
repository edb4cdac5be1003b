# New labels of rows, and what they change in the sums by label, lane by lane.
from cython cimport floating
from libc.stdint cimport int32_t
from algos._cython._tile cimport move_row

cdef struct Relabelling:
    Py_ssize_t d, k
    const double* weight  # (n,) or NULL
    const void* shift     # (d,)
    int32_t* labels       # (n,), -1 for a row that has none
    double* sums          # (lanes, k, d) changes, or NULL
    double* counts        # (lanes, k) changes
    Py_ssize_t* changed   # (lanes,) how many labels


cdef inline void relabel(
    const Relabelling* job, const floating* row, Py_ssize_t i, int32_t label, Py_ssize_t lane
) noexcept nogil:
    """Give row i, whose values are at `row`, a label."""
    cdef int32_t old = job.labels[i]
    cdef double weight = 1 if job.weight == NULL else job.weight[i]
    cdef double* sums
    cdef double* counts
    if label == old:
        return
    job.labels[i] = label
    job.changed[lane] += 1
    if job.sums == NULL:
        return
    sums = job.sums + lane * job.k * job.d
    counts = job.counts + lane * job.k
    move_row(
        row, <const floating*> job.shift, job.d, weight,
        NULL if old < 0 else sums + old * job.d, sums + label * job.d,
    )
    counts[label] += weight
    if old >= 0:
        counts[old] -= weight
