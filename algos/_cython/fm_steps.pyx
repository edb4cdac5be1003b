"""Stochastic steps of factorization machines: see `_fm_steps.h`.

Bits depend on the batches and on the parts of the columns only, not on the threads that share
these parts.
"""

from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy
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
        const int64_t* starts
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
        float* factor_state
        float* linear_state
        const int64_t* cuts
        int parts, members, sides
        const int32_t* slots
        const int32_t* common
        Py_ssize_t n_common
        float* sums
        Py_ssize_t ahead
        float* records
    ctypedef struct algos_fm_member:
        int first, last
        float* q
        float* slope
        float* value
        float* intercept
        double total
    ctypedef struct algos_fm_table:
        void (*score)(
            const algos_fm_steps*, const float* intercept, Py_ssize_t first, Py_ssize_t count,
            float* z) noexcept nogil
    const algos_fm_table* algos_fm_choose(const algos_fm_steps* job)
    void algos_fm_task(
        const algos_fm_steps* job, const algos_fm_table* kernels, algos_fm_member* own,
        Py_ssize_t batch)
    float algos_inverse_root(float a)

MOST_RANK = ALGOS_FM_MOST_RANK

cdef enum:
    ROWS = 512  # of a task that scores
    AHEAD = 24  # values that are prefetched

cdef struct StepsJob:
    algos_fm_steps steps
    const algos_fm_table* kernels
    algos_team team
    algos_fm_member[ALGOS_TEAM_MOST] members
    const float* intercept
    float* z


cdef void _phase(void* arg, int64_t batch, int member) noexcept nogil:
    cdef StepsJob* job = <StepsJob*> arg
    algos_fm_task(&job.steps, job.kernels, &job.members[member], batch)


cdef void _join(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    algos_team_join(&(<StepsJob*> arg).team, <int> task)


cdef void _score_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef StepsJob* job = <StepsJob*> arg
    cdef Py_ssize_t first = task * ROWS
    job.kernels.score(
        &job.steps, job.intercept, first, min(<Py_ssize_t> ROWS, job.steps.n_order - first), job.z)


cdef Py_ssize_t _lines(Py_ssize_t floats) noexcept:
    """Return a number of floats that fills whole cache lines, so that members share none."""
    return (floats + 15) // 16 * 16


cdef class _Rooms:
    """Scratch memory of a pass: records, and what each member has to itself."""
    cdef Scratch records, sums, floats

    cdef int take(self, StepsJob* job, const float[:, ::1] intercept) except -1:
        cdef algos_fm_steps* steps = &job.steps
        cdef algos_fm_member* own
        cdef Py_ssize_t record = steps.outputs * (steps.rank + ALGOS_FM_ASIDE)
        cdef Py_ssize_t rows = steps.batch * steps.sides, member
        cdef Py_ssize_t q = _lines(rows * steps.outputs * steps.rank)
        cdef Py_ssize_t slope = _lines(steps.batch * steps.outputs)
        cdef Py_ssize_t value = _lines(steps.batch), pair = _lines(2 * steps.outputs)
        cdef Py_ssize_t each = q + slope + value + pair
        cdef float* room
        self.records = scratch(
            steps.parts * record * (1 if steps.members == 1 else 2 * rows), sizeof(float))
        self.sums = scratch(steps.n_common * record + 1, sizeof(float))
        self.floats = scratch(steps.members * each, sizeof(float))
        steps.records, steps.sums = <float*> self.records.data, <float*> self.sums.data
        for member in range(steps.members):
            own = &job.members[member]
            room = <float*> self.floats.data + member * each
            own.first = <int> (steps.parts * member // steps.members)
            own.last = <int> (steps.parts * (member + 1) // steps.members)
            own.q, own.slope = room, room + q
            own.value, own.intercept = room + q + slope, room + q + slope + value
            memcpy(own.intercept, &intercept[0, 0], 2 * steps.outputs * sizeof(float))
            own.total = 0
        return 0


cdef void _set_model(
    algos_fm_steps* job, const int64_t[::1] starts, const int32_t[::1] indices,
    const float[::1] values, const float[:, :, :, ::1] factor_state,
    const float[:, :, ::1] linear_state,
) noexcept:
    job.starts = &starts[0]
    job.indices = &indices[0] if indices.shape[0] else NULL
    job.values = &values[0] if values is not None and values.shape[0] else NULL
    job.outputs, job.rank = <int> factor_state.shape[1], <int> factor_state.shape[3]
    job.factor_state = <float*> &factor_state[0, 0, 0, 0] if factor_state.shape[0] else NULL
    job.linear_state = <float*> &linear_state[0, 0, 0] if linear_state.shape[0] else NULL
    job.order = job.rival = NULL


cdef double _nanoseconds(algos_fm_steps* job, Py_ssize_t stored) noexcept nogil:
    return stored * (4.0 + 0.5 * job.rank * job.outputs)


def learn(
    const int64_t[::1] starts,    # IN (n * parts + 1,): of each row, where its parts begin
    const int32_t[::1] indices,   # IN: rising in each row
    const float[::1] values,      # IN, or None: all are 1
    const float[::1] target,      # IN (n,): log loss: 0 or 1; multinomial: the class
    const float[::1] weight,      # IN (n,)
    const int64_t[::1] order,     # IN: rows, batch after batch
    const int64_t[::1] rival,     # IN, or None: for each the row that it must beat
    const int64_t[::1] cuts,      # IN (parts + 1,): where parts of the columns begin
    const int32_t[::1] slots,     # IN (d,): of a column in `common`, or -1
    const int32_t[::1] common,    # IN: the columns that many rows of a batch have, ascending
    const float[::1] rates,       # IN (3,): of factors, linear terms and intercepts
    const float[::1] l2,          # IN (3,)
    float[:, :, :, ::1] factor_state,  # INOUT (d, outputs, 2, rank): v and G; rank a multiple of 8
    float[:, :, ::1] linear_state,     # INOUT (d, outputs, 2): w and G
    float[:, ::1] intercept,      # INOUT (outputs, 2): b and G
    int loss,
    Py_ssize_t batch,
    float clip,
    int n_threads,                # as many are at work as there are parts, at most
):
    """Learn rows once, in their order; return the sum of their losses before they were learned."""
    cdef StepsJob job
    cdef algos_fm_steps* steps = &job.steps
    cdef Py_ssize_t n = order.shape[0], stored
    cdef _Rooms rooms = _Rooms()
    cdef double work
    if n == 0:
        return 0.0
    _set_model(steps, starts, indices, values, factor_state, linear_state)
    batch = min(batch, n)
    steps.target, steps.weight = &target[0], &weight[0]
    steps.order, steps.n_order, steps.batch, steps.sides = &order[0], n, batch, 1
    if rival is not None:
        steps.rival, steps.sides = &rival[0], 2
    steps.rate, steps.rate_linear, steps.rate_intercept = rates[0], rates[1], rates[2]
    steps.l2, steps.l2_linear, steps.l2_intercept = l2[0], l2[1], l2[2]
    steps.loss, steps.clip = loss, clip
    steps.cuts, steps.parts = &cuts[0], <int> cuts.shape[0] - 1
    steps.members = max(1, min(n_threads, steps.parts, ALGOS_TEAM_MOST))
    if slots.shape[0]:
        steps.slots = &slots[0]
    steps.n_common = common.shape[0]
    if steps.n_common:
        steps.common = &common[0]
    stored = indices.shape[0] // max(<Py_ssize_t> 1, (starts.shape[0] - 1) // steps.parts)
    steps.ahead = max(<Py_ssize_t> 1, AHEAD // max(<Py_ssize_t> 1, stored // steps.members))
    rooms.take(&job, intercept)
    job.kernels = algos_fm_choose(steps)
    work = _nanoseconds(steps, n * stored)
    algos_team_start(&job.team, _phase, &job, (n + batch - 1) // batch + 1, work, steps.members)
    with nogil:
        run_region(_join, &job, steps.members, work, steps.members)
    memcpy(&intercept[0, 0], job.members[0].intercept, 2 * steps.outputs * sizeof(float))
    return job.members[0].total


def score(
    const int64_t[::1] indptr,        # IN (n + 1,)
    const int32_t[::1] indices,       # IN
    const float[::1] values,          # IN, or None: all are 1
    const float[:, :, :, ::1] factor_state,  # IN (d, outputs, 2, rank)
    const float[:, :, ::1] linear_state,     # IN (d, outputs, 2)
    const float[:, ::1] intercept,    # IN (outputs, 2)
    float[:, ::1] z,                  # OUT (n, outputs)
    int n_threads,
):
    """Compute scores from the state of a learner, without copying it."""
    cdef StepsJob job
    cdef Py_ssize_t n = z.shape[0]
    if n == 0:
        return
    _set_model(&job.steps, indptr, indices, values, factor_state, linear_state)
    job.steps.n_order = n
    job.kernels = algos_fm_choose(&job.steps)
    job.intercept, job.z = &intercept[0, 0], &z[0, 0]
    with nogil:
        run_region(_score_task, &job, (n + ROWS - 1) // ROWS,
                   _nanoseconds(&job.steps, indices.shape[0]) / 2, n_threads)


def _test_inverse_root(const float[::1] a, float[::1] out):
    """Compute 1 / sqrt(a) as steps do."""
    cdef Py_ssize_t i
    for i in range(a.shape[0]):
        out[i] = algos_inverse_root(a[i])
