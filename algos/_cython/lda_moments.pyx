"""Moments of documents: products of counts with a panel of vectors, and third moments.

The sums stand in `_lda_moments.h`. Both kernels divide what they write among the threads: rows
of the product, and slices of the tensor, which is written down whole at the end.
"""

from libc.stdint cimport int32_t, int64_t
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region

cdef extern from "_lda_moments.h" nogil:
    enum:
        LANES "ALGOS_PANEL_LANES"
        SUMS "ALGOS_PANEL_SUMS"
    void algos_panel_rows(
        const int64_t* indptr, const int32_t* columns, const float* values, Py_ssize_t stored,
        Py_ssize_t begin, Py_ssize_t end, const float* panel, Py_ssize_t stride,
        const double* scale, float* out) noexcept
    void algos_panel_cubes(
        const float* y, const float* f, const double* weights, Py_ssize_t n,
        Py_ssize_t stride, Py_ssize_t m, Py_ssize_t i, Py_ssize_t first,
        double* totals) noexcept

cdef enum:
    TASK_ENTRIES = 8192  # least number of stored values in a task, except in the last one


cdef struct RowsJob:
    const int64_t* indptr
    const int32_t* columns
    const float* values
    const float* panel
    const double* scale
    const int64_t* tasks  # rows of task i: [tasks[i], tasks[i + 1])
    float* out
    Py_ssize_t stored, stride


cdef struct ThirdJob:
    const float* y
    const float* f
    const double* weights
    double* slices        # (m, m, stride): [i, j - i, l]
    double* rooms         # for each slot
    Py_ssize_t n, m, stride
    bint is_symmetric


cdef void _rows_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef RowsJob* job = <RowsJob*> arg
    algos_panel_rows(
        job.indptr, job.columns, job.values, job.stored, job.tasks[task], job.tasks[task + 1],
        job.panel, job.stride, job.scale, job.out)


cdef Py_ssize_t _divide(const int64_t* indptr, Py_ssize_t n, int64_t* tasks) noexcept nogil:
    """Divide rows into tasks of enough entries; return the number of tasks."""
    cdef Py_ssize_t row, count = 0
    tasks[0] = 0
    for row in range(n):
        if indptr[row + 1] + row - indptr[tasks[count]] - tasks[count] >= TASK_ENTRIES:
            count += 1
            tasks[count] = row + 1
    if tasks[count] < n:
        count += 1
        tasks[count] = n
    return count


def sum_panel_rows(
    const int64_t[::1] indptr,    # IN (n + 1,)
    const int32_t[::1] columns,   # IN (stored,)
    const float[::1] values,      # IN (stored,)
    const float[:, ::1] panel,    # IN (n_columns, stride)
    const double[::1] scale,      # IN (n,) or None
    float[:, ::1] out,            # OUT (n, stride)
    int n_threads,
):
    """Write, for each CSR row, the sum of value times row of the panel, times its scale."""
    cdef Py_ssize_t n = out.shape[0], stored = columns.shape[0], n_tasks
    cdef RowsJob job
    cdef Scratch tasks
    if panel.shape[1] != out.shape[1] or out.shape[1] % LANES:
        raise ValueError(f"rows of {panel.shape[1]} and {out.shape[1]} must be equal and padded")
    if n == 0 or out.shape[1] == 0:
        return
    tasks = scratch(n + 1, sizeof(int64_t))
    job.indptr, job.columns, job.values = &indptr[0], NULL, NULL
    job.panel, job.scale = NULL, NULL
    if stored:
        job.columns, job.values, job.panel = &columns[0], &values[0], &panel[0, 0]
    if scale is not None:
        job.scale = &scale[0]
    job.tasks, job.out = <int64_t*> tasks.data, &out[0, 0]
    job.stored, job.stride = stored, out.shape[1]
    with nogil:
        n_tasks = _divide(job.indptr, n, <int64_t*> tasks.data)
        run_region(_rows_task, &job, n_tasks, 0.1 * job.stride * (n + stored), n_threads)


cdef void _slice_task(void* arg, Py_ssize_t i, int slot) noexcept nogil:
    """Slice i of the tensor: all pairs (i, j >= i)."""
    cdef ThirdJob* job = <ThirdJob*> arg
    cdef Py_ssize_t first = i // LANES * LANES if job.is_symmetric else 0, j, l
    cdef double* room = job.rooms + slot * (job.m + SUMS) * job.stride
    cdef double* out = job.slices + i * job.m * job.stride
    algos_panel_cubes(
        job.y, job.f, job.weights, job.n, job.stride, job.m, i, first, room)
    for j in range(job.m - i):
        for l in range(first, job.m):
            out[j * job.stride + l] = room[j * job.stride + l]


cdef inline double _slice_entry(
    const ThirdJob* job, Py_ssize_t i, Py_ssize_t j, Py_ssize_t l
) noexcept nogil:
    """Σ w y_i y_j f_l, where i <= j."""
    return job.slices[(i * job.m + j - i) * job.stride + l]


cdef void _add_all_orders(const ThirdJob* job, double* out) noexcept nogil:
    """Add the slices' terms to out[i, j, l]."""
    cdef Py_ssize_t i, j, l, m = job.m
    cdef double x
    for i in range(m):
        for j in range(i, m):
            for l in range(j, m):
                x = _slice_entry(job, i, j, l)
                if not job.is_symmetric:
                    x += _slice_entry(job, i, l, j) + _slice_entry(job, j, l, i)
                out[(i * m + j) * m + l] += x
                if i != j:
                    out[(j * m + i) * m + l] += x
                if j != l:
                    out[(i * m + l) * m + j] += x
                if i != j and j != l:
                    out[(j * m + l) * m + i] += x
                    out[(l * m + i) * m + j] += x
                if i != l:
                    out[(l * m + j) * m + i] += x


def add_third_moments(
    const float[:, ::1] y,        # IN (n, stride)
    const float[:, ::1] f,        # IN (n, stride) or None
    const double[::1] weights,    # IN (n,) or None
    double[:, :, ::1] out,        # INOUT (m, m, m)
    int n_threads,
):
    """Add Σ w (y ⊗ y ⊗ f + y ⊗ f ⊗ y + f ⊗ y ⊗ y), or Σ w y ⊗ y ⊗ y where f is None."""
    cdef Py_ssize_t n = y.shape[0], m = out.shape[0], stride = y.shape[1]
    cdef ThirdJob job
    cdef Scratch slices, rooms
    if stride % LANES or m > stride or (f is not None and f.shape[1] != stride):
        raise ValueError(f"rows of {stride} must be padded")
    if n == 0 or m == 0:
        return
    slices = scratch(m * m * stride, sizeof(double))
    rooms = scratch(n_threads * (m + SUMS) * stride, sizeof(double))
    job.is_symmetric = f is None
    job.y, job.f = &y[0, 0], &y[0, 0] if f is None else &f[0, 0]
    job.weights = NULL
    if weights is not None:
        job.weights = &weights[0]
    job.slices, job.rooms = <double*> slices.data, <double*> rooms.data
    job.n, job.m, job.stride = n, m, stride
    with nogil:
        run_region(_slice_task, &job, m, 0.02 * n * m * m * stride, n_threads)
        _add_all_orders(&job, &out[0, 0, 0])
