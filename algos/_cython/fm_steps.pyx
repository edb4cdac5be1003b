"""Stochastic steps of factorization machines: see `_fm_steps.h`.

Bits hang on the batches alone: in the first phase of a batch threads share its rows, in the
second one the columns, and each column's steps are made in the order of the rows.
"""

from libc.stdint cimport int32_t, int64_t
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region

cdef extern from "_team.h" nogil:
    enum:
        ALGOS_TEAM_MOST
    ctypedef struct algos_team:
        pass
    ctypedef void (*algos_phase)(void* arg, int64_t phase, int part) noexcept nogil
    void algos_team_start(
        algos_team* team, algos_phase run, void* arg, int64_t n_phases, double nanoseconds,
        int size)
    void algos_team_join(algos_team* team, int self)

cdef extern from "_fm_steps.h" nogil:
    enum:
        ALGOS_FM_MOST_RANK
        ALGOS_FM_ASIDE
    ctypedef struct algos_fm_steps:
        const int64_t* indptr
        const int32_t* indices
        const float* values
        const float* target
        const float* weight
        const int64_t* order
        const int64_t* rival
        Py_ssize_t n_order, batch
        int loss, outputs, rank
        float rate, rate_linear, rate_intercept
        float l2, l2_linear, l2_intercept
        float clip
        float* table
        float* line
        float* intercept
        const int64_t* cuts
        int parts
        const int32_t* slots
        const int32_t* common
        Py_ssize_t n_common
        float* sums
        Py_ssize_t ahead
        float* q
        float* slope
        float* value
        double total
    ctypedef struct algos_fm_table:
        void (*gather)(
            algos_fm_steps*, Py_ssize_t start, Py_ssize_t count, int part) noexcept nogil
        void (*step)(
            algos_fm_steps*, Py_ssize_t start, Py_ssize_t count, int part) noexcept nogil
        void (*score)(
            const algos_fm_steps*, Py_ssize_t first, Py_ssize_t count, float* z) noexcept nogil
    const algos_fm_table* algos_fm_choose(const algos_fm_steps* job)
    float algos_inverse_root(float a)

MOST_RANK = ALGOS_FM_MOST_RANK
MOST_THREADS = ALGOS_TEAM_MOST

cdef enum:
    ROWS = 512  # of a task that scores
    AHEAD = 24  # values, fetched before their turn

cdef struct StepsJob:
    algos_fm_steps steps
    const algos_fm_table* table
    algos_team team
    float* z


cdef void _phase(void* arg, int64_t phase, int part) noexcept nogil:
    cdef StepsJob* job = <StepsJob*> arg
    cdef algos_fm_steps* steps = &job.steps
    cdef Py_ssize_t start = phase // 2 * steps.batch
    cdef Py_ssize_t count = min(steps.batch, steps.n_order - start)
    if phase % 2 == 0:
        job.table.gather(steps, start, count, part)
    else:
        job.table.step(steps, start, count, part)


cdef void _join(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    algos_team_join(&(<StepsJob*> arg).team, <int> task)


cdef void _score_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef StepsJob* job = <StepsJob*> arg
    cdef Py_ssize_t first = task * ROWS
    job.table.score(&job.steps, first, min(<Py_ssize_t> ROWS, job.steps.n_order - first), job.z)


cdef void _set_model(
    algos_fm_steps* job, const int64_t[::1] indptr, const int32_t[::1] indices,
    const float[::1] values, const float[:, :, :, ::1] table, const float[:, :, ::1] line,
    const float[:, ::1] intercept,
) noexcept:
    job.indptr = &indptr[0]
    job.indices = &indices[0] if indices.shape[0] else NULL
    job.values = &values[0] if values is not None and values.shape[0] else NULL
    job.outputs, job.rank = <int> table.shape[1], <int> table.shape[3]
    job.table = <float*> &table[0, 0, 0, 0] if table.shape[0] else NULL
    job.line = <float*> &line[0, 0, 0] if line.shape[0] else NULL
    job.intercept = <float*> &intercept[0, 0]
    job.order = job.rival = NULL


cdef double _nanoseconds(algos_fm_steps* job, Py_ssize_t stored) noexcept nogil:
    return stored * (4.0 + 0.5 * job.rank * job.outputs)


def learn(
    const int64_t[::1] indptr,    # IN (n + 1,)
    const int32_t[::1] indices,   # IN: rising in each row
    const float[::1] values,      # IN, or None: all are 1
    const float[::1] target,      # IN (n,): log loss: 0 or 1; multinomial: the class
    const float[::1] weight,      # IN (n,)
    const int64_t[::1] order,     # IN: rows, batch after batch
    const int64_t[::1] rival,     # IN, or None: for each the row that it must beat
    const int64_t[::1] cuts,      # IN (parts + 1,): where ranges of columns begin
    const int32_t[::1] slots,     # IN (d,): of a column in `common`, or -1
    const int32_t[::1] common,    # IN: the columns that many rows of a batch have, ascending
    const float[::1] rates,       # IN (3,): of factors, linear terms and intercepts
    const float[::1] l2,          # IN (3,)
    float[:, :, :, ::1] table,    # INOUT (d, outputs, 2, rank): v and G; rank a multiple of 8
    float[:, :, ::1] line,        # INOUT (d, outputs, 2): w and G
    float[:, ::1] intercept,      # INOUT (outputs, 2): b and G
    int loss,
    Py_ssize_t batch,
    float clip,
):
    """Learn rows once, in their order; return the sum of their losses before they were learned.

    As many threads are at work as there are ranges of columns.
    """
    cdef StepsJob job
    cdef algos_fm_steps* steps = &job.steps
    cdef Py_ssize_t n = order.shape[0], stored, room
    cdef Scratch q, slope, value, sums
    cdef double work
    if n == 0:
        return 0.0
    _set_model(steps, indptr, indices, values, table, line, intercept)
    batch = min(batch, n)
    steps.target, steps.weight = &target[0], &weight[0]
    steps.order, steps.n_order, steps.batch = &order[0], n, batch
    if rival is not None:
        steps.rival = &rival[0]
    steps.rate, steps.rate_linear, steps.rate_intercept = rates[0], rates[1], rates[2]
    steps.l2, steps.l2_linear, steps.l2_intercept = l2[0], l2[1], l2[2]
    steps.loss, steps.clip, steps.total = loss, clip, 0
    steps.cuts, steps.parts = &cuts[0], <int> cuts.shape[0] - 1
    if slots.shape[0]:
        steps.slots = &slots[0]
    steps.n_common = common.shape[0]
    if steps.n_common:
        steps.common = &common[0]
    stored = indices.shape[0] // max(<Py_ssize_t> 1, indptr.shape[0] - 1)
    steps.ahead = max(<Py_ssize_t> 1, AHEAD // max(<Py_ssize_t> 1, stored))
    room = batch * steps.outputs
    q = scratch(room * steps.rank * (1 if rival is None else 2), sizeof(float))
    slope, value = scratch(room, sizeof(float)), scratch(batch, sizeof(float))
    sums = scratch(
        steps.n_common * steps.outputs * (steps.rank + ALGOS_FM_ASIDE) + 1, sizeof(float))
    steps.sums = <float*> sums.data
    steps.q, steps.slope, steps.value = <float*> q.data, <float*> slope.data, <float*> value.data
    job.table = algos_fm_choose(steps)
    work = _nanoseconds(steps, n * stored)
    algos_team_start(&job.team, _phase, &job, (n + batch - 1) // batch * 2, work, steps.parts)
    with nogil:
        run_region(_join, &job, steps.parts, work, steps.parts)
    return steps.total


def score(
    const int64_t[::1] indptr,        # IN (n + 1,)
    const int32_t[::1] indices,       # IN
    const float[::1] values,          # IN, or None: all are 1
    const float[:, :, :, ::1] table,  # IN (d, outputs, 2, rank)
    const float[:, :, ::1] line,      # IN (d, outputs, 2)
    const float[:, ::1] intercept,    # IN (outputs, 2)
    float[:, ::1] z,                  # OUT (n, outputs)
    int n_threads,
):
    """Compute scores from the state of a learner, without copying it."""
    cdef StepsJob job
    cdef Py_ssize_t n = z.shape[0]
    if n == 0:
        return
    _set_model(&job.steps, indptr, indices, values, table, line, intercept)
    job.steps.n_order = n
    job.table = algos_fm_choose(&job.steps)
    job.z = &z[0, 0]
    with nogil:
        run_region(_score_task, &job, (n + ROWS - 1) // ROWS,
                   _nanoseconds(&job.steps, indices.shape[0]) / 2, n_threads)


def _test_inverse_root(const float[::1] a, float[::1] out):
    """Compute 1 / sqrt(a) as steps do."""
    cdef Py_ssize_t i
    for i in range(a.shape[0]):
        out[i] = algos_inverse_root(a[i])
