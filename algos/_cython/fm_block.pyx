"""Sweeps of block updates over the features of a factorization machine.

The formulas are in `_fm_block.h`. Features of a field have no row in common, so threads
take them in any order with the same bits; a feature of very many rows is summed up in lanes.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t
from cython cimport floating
from algos._cython._memory cimport Scratch, scratch
from algos._cython._rng cimport Rng, rng_start
from algos._cython._threads cimport run_region


cdef extern from "_fm_block.h" nogil:
    ctypedef struct algos_fm_problem:
        Py_ssize_t n, d, k, stride
        const int64_t* starts
        const int32_t* rows
        const void* values
        const int32_t* partners
        const int64_t* indptr
        const int32_t* indices
        const void* row_values
        void* factors
        void* linear
        void* errors
        void* sums
        const void* weights
        const int32_t* groups
        const double* means
        const double* penalties
        double precision
        uint64_t* key
        uint64_t sweep
        int is_random
    ctypedef struct algos_fm_part:
        Py_ssize_t first, size, padded
        int linear
    ctypedef struct algos_fm_sums:
        double* products
        double square, slope
    ctypedef struct algos_fm_step:
        double* step
    ctypedef struct algos_fm_block:
        void (*feature)(
            const algos_fm_problem*, Py_ssize_t, Py_ssize_t, void*) noexcept nogil
        void (*add)(
            const algos_fm_problem*, Py_ssize_t, const algos_fm_part*, Py_ssize_t,
            Py_ssize_t, void*, algos_fm_sums*) noexcept nogil
        void (*solve)(
            const algos_fm_problem*, Py_ssize_t, const algos_fm_part*, Rng*,
            const algos_fm_sums*, algos_fm_step*) noexcept nogil
        void (*apply)(
            const algos_fm_problem*, Py_ssize_t, const algos_fm_part*, Py_ssize_t,
            Py_ssize_t, const algos_fm_step*, void*) noexcept nogil
        void (*commit)(
            const algos_fm_problem*, Py_ssize_t, const algos_fm_part*,
            const algos_fm_step*) noexcept nogil
        void (*restore)(
            const algos_fm_problem*, Py_ssize_t, Py_ssize_t, const void*,
            double) noexcept nogil
    algos_fm_part algos_fm_part_of(Py_ssize_t k, Py_ssize_t part)
    Py_ssize_t algos_fm_parts(Py_ssize_t k)
    Py_ssize_t algos_fm_scratch(
        const algos_fm_problem* problem, Py_ssize_t kept, Py_ssize_t itemsize)
    void algos_fm_clear(algos_fm_sums* sums)
    void algos_fm_join(algos_fm_sums* sums, const algos_fm_sums* other)
    void algos_fm_normals(Rng* rng, Py_ssize_t count, double* out)
    const algos_fm_block* algos_fm_block_of(int single)
    int algos_fm_choose(int limit)

algos_fm_choose(4)

cdef enum:
    KEPT_BYTES = 1 << 17  # of a feature's rows that are gathered once and kept
    LONG = 32768          # rows of a feature that is worked on by many tasks
    LANE_ROWS = 4096
    MAX_LANES = 64
    ROW_TASK = 2048       # rows


cdef struct SweepJob:
    algos_fm_problem problem
    const algos_fm_block* block
    const int64_t* tasks      # features of task i: [tasks[i], tasks[i + 1])
    Py_ssize_t first_task     # of the field
    Py_ssize_t kept
    char* room                # for each slot
    Py_ssize_t slot_bytes
    Py_ssize_t feature        # a long one
    algos_fm_part part
    algos_fm_sums* lanes      # (n_lanes,)
    Py_ssize_t n_lanes
    algos_fm_step step
    const void* target
    double intercept


cdef inline bint _is_long(const algos_fm_problem* problem, Py_ssize_t feature) noexcept nogil:
    return problem.starts[feature + 1] - problem.starts[feature] > LONG


cdef void _features_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef SweepJob* job = <SweepJob*> arg
    cdef Py_ssize_t feature
    task += job.first_task
    for feature in range(job.tasks[task], job.tasks[task + 1]):
        if not _is_long(&job.problem, feature):
            job.block.feature(
                &job.problem, feature, job.kept, job.room + slot * job.slot_bytes)


cdef inline Py_ssize_t _lane_begin(const SweepJob* job, Py_ssize_t lane) noexcept nogil:
    cdef Py_ssize_t begin = job.problem.starts[job.feature]
    return begin + (job.problem.starts[job.feature + 1] - begin) * lane // job.n_lanes


cdef void _add_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef SweepJob* job = <SweepJob*> arg
    algos_fm_clear(&job.lanes[lane])
    job.block.add(
        &job.problem, job.feature, &job.part, _lane_begin(job, lane),
        _lane_begin(job, lane + 1), job.room + slot * job.slot_bytes, &job.lanes[lane])


cdef void _apply_task(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    cdef SweepJob* job = <SweepJob*> arg
    job.block.apply(
        &job.problem, job.feature, &job.part, _lane_begin(job, lane),
        _lane_begin(job, lane + 1), &job.step, job.room + slot * job.slot_bytes)


cdef void _update_long(SweepJob* job, double nanoseconds, int n_threads) noexcept nogil:
    """One feature, its rows in lanes."""
    cdef Py_ssize_t i, lane, count
    cdef Rng rng
    count = job.problem.starts[job.feature + 1] - job.problem.starts[job.feature]
    job.n_lanes = min(<Py_ssize_t> MAX_LANES, count // LANE_ROWS)
    rng_start(&rng, job.problem.key, <uint64_t> job.feature, job.problem.sweep)
    for i in range(algos_fm_parts(job.problem.k)):
        job.part = algos_fm_part_of(job.problem.k, i)
        run_region(_add_task, job, job.n_lanes, count * nanoseconds, n_threads)
        for lane in range(1, job.n_lanes):
            algos_fm_join(&job.lanes[0], &job.lanes[lane])
        job.block.solve(
            &job.problem, job.feature, &job.part, &rng, &job.lanes[0], &job.step)
        run_region(_apply_task, job, job.n_lanes, count * nanoseconds, n_threads)
        job.block.commit(&job.problem, job.feature, &job.part, &job.step)


cdef void _sweep(
    SweepJob* job, const int64_t* field_tasks, Py_ssize_t n_fields, int n_threads
) noexcept nogil:
    cdef Py_ssize_t field, task, entries
    cdef const algos_fm_problem* problem = &job.problem
    cdef double nanoseconds = 10 + 0.05 * problem.stride * problem.stride
    for field in range(n_fields):
        job.first_task = field_tasks[field]
        entries = (problem.starts[job.tasks[field_tasks[field + 1]]]
                   - problem.starts[job.tasks[job.first_task]])
        run_region(
            _features_task, job, field_tasks[field + 1] - job.first_task,
            entries * nanoseconds, n_threads)
        for task in range(job.first_task, field_tasks[field + 1]):
            if _is_long(problem, job.tasks[task]):
                job.feature = job.tasks[task]
                _update_long(job, nanoseconds, n_threads)


cdef void _restore_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef SweepJob* job = <SweepJob*> arg
    job.block.restore(
        &job.problem, task * ROW_TASK, min(job.problem.n, (task + 1) * ROW_TASK),
        job.target, job.intercept)


cdef const void* _data(array, bint single, Py_ssize_t size) except? NULL:
    """Return the address of a contiguous array of `size` floats, NULL for None."""
    cdef const float[::1] singles
    cdef const double[::1] doubles
    if array is None:
        return NULL
    if array.size != size:
        raise ValueError(f"an array of {array.size} numbers must have {size}")
    if single:
        singles = array.reshape(-1)
        return <const void*> &singles[0] if size else <const void*> 1
    doubles = array.reshape(-1)
    return <const void*> &doubles[0] if size else <const void*> 1


cdef class Block:
    """Rows by row and by column, parameters and errors: what sweeps work on.

    Parameters
    ----------
    indptr, indices, row_values : (n + 1,) int64, (stored,) int32, (stored,) or None
        The rows; None for values that are all 1.
    starts, rows, values : (d + 1,) int64, (stored,) int32, (stored,) or None
        The same by column.
    partners : (stored,) int32 or None
        By column: the other column of the row, where all rows have two ones.
    tasks : (n_tasks + 1,) int64
        Bounds of runs of features, within fields; a feature of very many rows is alone.
    field_tasks : (n_fields + 1,) int64
        Bounds of the fields' tasks.
    factors, linear : (d, stride), (d,)
        Changed in place; stride is a multiple of 8, factors from n_factors on are zero.
    errors : (n,)
        Target minus score; changed in place.
    sums : (n, stride) or None
        Room for Σ x v of each row, kept up to date; None recomputes them.
    n_factors : int
    """
    cdef algos_fm_problem problem
    cdef bint single
    cdef object _arrays
    cdef const int64_t[::1] tasks, field_tasks

    def __init__(
        self, const int64_t[::1] indptr, const int32_t[::1] indices, row_values,
        const int64_t[::1] starts, const int32_t[::1] rows, values,
        const int32_t[::1] partners, const int64_t[::1] tasks, const int64_t[::1] field_tasks,
        factors, linear, errors, sums, Py_ssize_t n_factors,
    ):
        cdef Py_ssize_t stored = indices.shape[0]
        cdef algos_fm_problem* problem = &self.problem
        self.single = errors.dtype == "f4"
        self.tasks, self.field_tasks = tasks, field_tasks
        self._arrays = (indptr, indices, row_values, starts, rows, values, partners,
                        factors, linear, errors, sums)
        problem.n, problem.d = indptr.shape[0] - 1, starts.shape[0] - 1
        problem.k, problem.stride = n_factors, factors.shape[1]
        problem.indptr, problem.starts = &indptr[0], &starts[0]
        problem.indices = &indices[0] if stored else NULL
        problem.rows = &rows[0] if stored else NULL
        problem.partners = NULL
        if partners is not None and stored:
            problem.partners = &partners[0]
        problem.row_values = _data(row_values, self.single, stored)
        problem.values = _data(values, self.single, stored)
        problem.factors = <void*> _data(
            factors, self.single, problem.d * problem.stride)
        problem.linear = <void*> _data(linear, self.single, problem.d)
        problem.errors = <void*> _data(errors, self.single, problem.n)
        problem.sums = <void*> _data(sums, self.single, problem.n * problem.stride)

    def sweep(
        self,
        weights,                       # IN (n,) or None: precisions of rows over `precision`
        const int32_t[::1] groups,     # IN (d,)
        const double[:, ::1] means,      # IN (n_groups, k + 1), of the linear term last
        const double[:, ::1] penalties,  # IN (n_groups, k + 1)
        const uint64_t[::1] key,       # IN (2,), or None: no noise
        double precision,
        uint64_t sweep,
        int n_threads,
    ):
        """Update every feature once, field by field."""
        cdef SweepJob job
        cdef Scratch room, lanes
        cdef Py_ssize_t itemsize = 4 if self.single else 8
        if self.problem.d == 0 or self.problem.n == 0:
            return
        job.problem = self.problem
        job.problem.weights = _data(weights, self.single, self.problem.n)
        job.problem.groups = &groups[0]
        job.problem.means, job.problem.penalties = &means[0, 0], &penalties[0, 0]
        job.problem.precision, job.problem.sweep = precision, sweep
        job.problem.is_random = key is not None
        job.problem.key[0] = 0 if key is None else key[0]
        job.problem.key[1] = 0 if key is None else key[1]
        job.block = algos_fm_block_of(self.single)
        job.tasks = &self.tasks[0]
        job.kept = KEPT_BYTES // (itemsize * self.problem.stride)
        job.slot_bytes = (algos_fm_scratch(&job.problem, job.kept, itemsize) + 63) // 64 * 64
        room = scratch(n_threads, job.slot_bytes)
        lanes = scratch(MAX_LANES, sizeof(algos_fm_sums))
        job.room, job.lanes = <char*> room.data, <algos_fm_sums*> lanes.data
        with nogil:
            _sweep(&job, &self.field_tasks[0], self.field_tasks.shape[0] - 1, n_threads)

    def restore(
        self,
        target,                   # IN (n,)
        double intercept,
        int n_threads,
    ):
        """Compute the errors, and the sums if there are, from the parameters."""
        cdef SweepJob job
        cdef double nanoseconds = self.problem.stride * (
            1.0 * self.problem.indptr[self.problem.n] + self.problem.n)
        if self.problem.n == 0:
            return
        job.problem = self.problem
        job.block = algos_fm_block_of(self.single)
        job.target = _data(target, self.single, self.problem.n)
        job.intercept = intercept
        with nogil:
            run_region(
                _restore_task, &job, (self.problem.n + ROW_TASK - 1) // ROW_TASK,
                nanoseconds, n_threads)


def group_moments(
    const floating[:, ::1] factors,  # IN (d, stride)
    const floating[::1] linear,      # IN (d,)
    const int32_t[::1] groups,       # IN (d,)
    double[:, ::1] centers,          # IN (n_groups, k + 1)
    double[:, ::1] sums,             # OUT (n_groups, k + 1) of θ minus the center
    double[:, ::1] squares,          # OUT (n_groups, k + 1)
):
    """Sum up the coordinates of each group's features, and their squares."""
    cdef Py_ssize_t j, f, g, k = sums.shape[1] - 1
    cdef double x
    sums[:, :] = 0
    squares[:, :] = 0
    with nogil:
        for j in range(linear.shape[0]):
            g = groups[j]
            for f in range(k):
                x = factors[j, f] - centers[g, f]
                sums[g, f] += x
                squares[g, f] += x * x
            x = linear[j] - centers[g, k]
            sums[g, k] += x
            squares[g, k] += x * x


def _test_normals(
    const uint64_t[::1] key,  # IN (2,)
    double[:, ::1] out,       # OUT (n_streams, count + 1): the last column is room
    uint64_t step,
):
    """Fill each row but for its last number from a stream of its own."""
    cdef Rng rng
    cdef Py_ssize_t i
    for i in range(out.shape[0]):
        rng_start(&rng, &key[0], <uint64_t> i, step)
        algos_fm_normals(&rng, out.shape[1] - 1, &out[i, 0])


def _test_choose_level(int limit):
    """Use the best instruction set up to `limit` (0, 3 or 4), for tests; return its level."""
    return algos_fm_choose(limit)
