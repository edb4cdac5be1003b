"""Windows of series: drawn by weight, and gathered into the arrays of a batch."""

from libc.math cimport fabs, log
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memset

from algos._cython._rng cimport Rng, rng_below, rng_double, rng_start
from algos._cython._threads cimport run_region

cdef enum:
    STREAM = 0xDEE9  # of the draws
    CHUNK = 8  # windows in a task

cdef double NANOSECONDS_AN_INPUT = 0.6
cdef double FURTHEST = 8.0  # largest distance of a log scale from the center, in spreads


def draw(
    const uint64_t[::1] key,          # IN (2,)
    const double[::1] heaped,         # IN (n_series,): running sum of the weights
    const int64_t[::1] order,         # IN (n_series,): the series of each weight
    const int64_t[::1] first,         # IN (n_series,): of the positions of each series
    const int64_t[::1] last,          # IN (n_series,)
    int64_t[::1] series,              # OUT (n_windows,)
    int64_t[::1] positions,           # OUT (n_windows,)
    uint64_t step,
):
    """Draw a window from each of n_windows equal parts of the sum of the weights."""
    cdef Py_ssize_t w, low, high, middle, n = heaped.shape[0], n_windows = series.shape[0]
    cdef double target
    cdef int64_t i
    cdef Rng rng
    if n == 0:
        raise ValueError("there are no series to draw from")
    with nogil:
        rng_start(&rng, &key[0], STREAM, step)
        for w in range(n_windows):
            target = (w + rng_double(&rng)) / n_windows * heaped[n - 1]
            low, high = 0, n - 1
            while low < high:  # the first whose running sum exceeds the target
                middle = (low + high) // 2
                if heaped[middle] > target:
                    high = middle
                else:
                    low = middle + 1
            i = order[low]
            series[w] = i
            positions[w] = first[i] + <int64_t> rng_below(&rng, last[i] - first[i] + 1)


cdef struct Job:
    # the panel
    const float* filled
    const uint8_t* observed
    const int64_t* offsets
    const int64_t* lengths
    const double* log_unit
    const float* own_scale
    const float* typical
    const float* calendar
    const int64_t* calendar_rows
    const float* dynamic
    const int64_t* dynamic_rows
    const int32_t* categories
    const float* static_real
    int64_t horizon
    # the plan
    const int32_t* lags
    const float* age
    Py_ssize_t n_lags, n_calendar, n_dynamic, n_categories, n_static_real, n_inputs
    int64_t context
    bint is_scaled
    double log_center, log_spread, floor
    # the batch
    const int64_t* series
    const int64_t* positions
    Py_ssize_t n_windows, n_steps
    float* inputs
    float* statics
    int32_t* codes
    float* targets
    float* mask
    float* scale


cdef inline float _scale(const Job* job, int64_t i, int64_t position) noexcept nogil:
    """Mean magnitude of the context, or that of the series if the context has none.

    It is the typical one if the series has not begun.
    """
    cdef const float* z = job.filled + job.offsets[i]
    cdef const uint8_t* observed = job.observed + job.offsets[i]
    cdef int64_t t, n_observed = 0
    cdef double total = 0, own = job.own_scale[i]
    if position == 0:
        return job.typical[i]
    for t in range(max(<int64_t> 0, position - job.context), position):
        total += observed[t] * fabs(<double> z[t])
        n_observed += observed[t]
    if total == 0:
        return <float> own
    return <float> max(total / n_observed, job.floor * own)


cdef inline void _write_lags(
    const Job* job, const float* z, int64_t t, int64_t length, float inverse, float* row
) noexcept nogil:
    """Write the lags of step t; 0 for the future, and for times before the series."""
    cdef Py_ssize_t k, n = job.n_lags
    cdef int64_t at
    if n == 0:
        return
    if t >= job.lags[n - 1] and t - job.lags[0] < length:
        for k in range(n):
            row[k] = z[t - job.lags[k]] * inverse
        return
    for k in range(n):
        at = t - job.lags[k]
        row[k] = z[at] * inverse if 0 <= at < length else <float> 0


cdef inline void _write_known(const Job* job, int64_t i, int64_t t, float* row) noexcept nogil:
    """Write calendar, age and covariates."""
    cdef const float* calendar = job.calendar + (job.calendar_rows[i] + t) * job.n_calendar
    cdef const float* dynamic = job.dynamic + (job.dynamic_rows[i] + t) * job.n_dynamic
    cdef Py_ssize_t k
    for k in range(job.n_calendar):
        row[k] = calendar[k]
    row[job.n_calendar] = job.age[t]
    row += job.n_calendar + 1
    for k in range(job.n_dynamic):
        row[k] = dynamic[k]


cdef inline void _write_static(const Job* job, Py_ssize_t w, int64_t i, float scale) \
        noexcept nogil:
    cdef float* row = job.statics + w * (1 + job.n_static_real)
    cdef double size = (log(scale) + job.log_unit[i] - job.log_center) / job.log_spread
    cdef Py_ssize_t k
    row[0] = <float> max(-FURTHEST, min(FURTHEST, size))
    for k in range(job.n_static_real):
        row[1 + k] = job.static_real[i * job.n_static_real + k]
    for k in range(job.n_categories):
        job.codes[w * job.n_categories + k] = job.categories[i * job.n_categories + k]


cdef void _gather_window(const Job* job, Py_ssize_t w) noexcept nogil:
    cdef int64_t i = job.series[w], t, step, at, length = job.lengths[i]
    cdef int64_t first = job.positions[w] - job.context
    cdef const float* z = job.filled + job.offsets[i]
    cdef float scale = _scale(job, i, job.positions[w])
    cdef float inverse = 1 / scale
    cdef float* row
    cdef bint is_known
    job.scale[w] = scale
    _write_static(job, w, i, scale)
    for step in range(job.n_steps):
        t = first + step
        at = step * job.n_windows + w
        row = job.inputs + at * job.n_inputs
        is_known = 0 <= t < length and job.observed[job.offsets[i] + t]
        job.mask[at] = is_known
        job.targets[at] = 0
        if is_known:
            job.targets[at] = z[t] * inverse if job.is_scaled else z[t]
        if t < 0 or t >= length + job.horizon:
            memset(row, 0, job.n_inputs * sizeof(float))
            continue
        _write_lags(job, z, t, length, inverse, row)
        _write_known(job, i, t, row + job.n_lags)


cdef void _gather_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef const Job* job = <const Job*> arg
    cdef Py_ssize_t w
    for w in range(task * CHUNK, min((task + 1) * CHUNK, job.n_windows)):
        _gather_window(job, w)


cdef class WindowSource:
    """The arrays of a panel and a plan, as `gather` reads them."""

    cdef Job job
    cdef tuple _kept  # owners of the pointers' memory
    cdef Py_ssize_t n_series, n_static

    def __init__(
        self,
        const float[::1] filled,           # IN (n_values,)
        const uint8_t[::1] observed,       # IN (n_values,)
        const int64_t[::1] offsets,        # IN (n_series,)
        const int64_t[::1] lengths,        # IN (n_series,)
        const double[::1] log_unit,        # IN (n_series,)
        const float[::1] scale,            # IN (n_series,), positive
        const float[::1] typical,          # IN (n_series,), positive
        const float[:, ::1] calendar,      # IN (n_rows, n_calendar)
        const int64_t[::1] calendar_rows,  # IN (n_series,)
        const float[:, ::1] dynamic,       # IN (n_rows, n_dynamic)
        const int64_t[::1] dynamic_rows,   # IN (n_series,)
        const int32_t[:, ::1] categories,  # IN (n_series, n_categories)
        const float[:, ::1] static_real,   # IN (n_series, n_static_real)
        const int32_t[::1] lags,           # IN (n_lags,), ascending
        const float[::1] age,              # IN (longest + horizon,)
        int64_t horizon,
        int64_t context,
        bint is_scaled,
        double log_center,
        double log_spread,
        double floor,
    ):
        cdef Job* job = &self.job
        self.n_series = offsets.shape[0]
        self.n_static = 1 + static_real.shape[1]
        self._kept = (filled, observed, offsets, lengths, log_unit, scale, typical,
                      calendar, calendar_rows, dynamic, dynamic_rows, categories, static_real,
                      lags, age)
        job.filled = &filled[0] if filled.shape[0] else NULL
        job.observed = &observed[0] if observed.shape[0] else NULL
        job.age = &age[0] if age.shape[0] else NULL
        job.lags = &lags[0] if lags.shape[0] else NULL
        job.calendar = &calendar[0, 0] if calendar.shape[0] and calendar.shape[1] else NULL
        job.dynamic = &dynamic[0, 0] if dynamic.shape[0] and dynamic.shape[1] else NULL
        if self.n_series:
            job.offsets, job.lengths = &offsets[0], &lengths[0]
            job.log_unit, job.own_scale, job.typical = &log_unit[0], &scale[0], &typical[0]
            job.calendar_rows, job.dynamic_rows = &calendar_rows[0], &dynamic_rows[0]
            job.categories = &categories[0, 0] if categories.shape[1] else NULL
            job.static_real = &static_real[0, 0] if static_real.shape[1] else NULL
        job.n_lags, job.n_calendar, job.n_dynamic = (
            lags.shape[0], calendar.shape[1], dynamic.shape[1])
        job.n_categories, job.n_static_real = categories.shape[1], static_real.shape[1]
        job.n_inputs = job.n_lags + job.n_calendar + 1 + job.n_dynamic
        job.horizon, job.context, job.is_scaled = horizon, context, is_scaled
        job.log_center, job.log_spread, job.floor = log_center, log_spread, floor

    def gather(
        self,
        const int64_t[::1] series,     # IN (n_windows,)
        const int64_t[::1] positions,  # IN (n_windows,): the first step to forecast
        float[:, :, ::1] inputs,       # OUT (n_steps, n_windows, n_inputs)
        float[:, ::1] statics,         # OUT (n_windows, 1 + n_static_real)
        int32_t[:, ::1] categories,    # OUT (n_windows, n_categories)
        float[:, ::1] targets,         # OUT (n_steps, n_windows)
        float[:, ::1] mask,            # OUT (n_steps, n_windows)
        float[::1] scale,              # OUT (n_windows,)
        int n_threads,
    ):
        """Write the windows that begin to forecast at `positions` of `series`."""
        cdef Job job = self.job
        cdef Py_ssize_t w, n_steps = inputs.shape[0], n = series.shape[0]
        if not (
            positions.shape[0] == inputs.shape[1] == statics.shape[0] == categories.shape[0]
            == targets.shape[1] == mask.shape[1] == scale.shape[0] == n
            and targets.shape[0] == mask.shape[0] == n_steps
            and inputs.shape[2] == job.n_inputs and statics.shape[1] == self.n_static
            and categories.shape[1] == job.n_categories
        ):
            raise ValueError("the shapes of the windows and the batch disagree")
        for w in range(n):
            if not (0 <= series[w] < self.n_series
                    and 0 <= positions[w] <= job.lengths[series[w]]):
                raise ValueError(f"there is no step {positions[w]} in series {series[w]}")
        if n == 0 or n_steps == 0:
            return
        job.series, job.positions, job.n_windows, job.n_steps = (
            &series[0], &positions[0], n, n_steps)
        job.inputs, job.statics, job.targets = &inputs[0, 0, 0], &statics[0, 0], &targets[0, 0]
        job.mask, job.scale = &mask[0, 0], &scale[0]
        job.codes = &categories[0, 0] if job.n_categories else NULL
        with nogil:
            run_region(_gather_task, &job, (n + CHUNK - 1) // CHUNK,
                       NANOSECONDS_AN_INPUT * n * n_steps * job.n_inputs, n_threads)
