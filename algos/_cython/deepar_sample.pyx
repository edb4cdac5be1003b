"""Prediction of series: the context is read once, then paths are drawn step by step.

Steps of the network process a row (a series, or one of its paths) in each lane: `_deepar_paths.h`.
Only the lags that reach back to a path's own draws differ between paths: all other inputs are the
same for the paths of a series, and their contribution to the gates is computed once.

Rows are independent: fixed chunks of them are taken by any thread.
"""

from cython cimport floating
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.string cimport memset

from algos._cython._deepar_draw cimport (
    algos_deepar_draw_f32, algos_deepar_draw_f64, algos_deepar_parameters, algos_deepar_stream,
)
from algos._cython._deepar_likelihood cimport algos_deepar_loss_f32, algos_deepar_loss_f64
from algos._cython._deepar_paths cimport (
    ALGOS_PATHS_MOST_LANES, algos_paths, algos_paths_choose, algos_paths_give,
    algos_paths_height, algos_paths_network, algos_paths_start, algos_paths_take,
)
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region

algos_paths_choose(4)

cdef enum:
    ROWS = 192  # in a chunk: whole tiles at any level
    FEW = 8 * ROWS  # with no more rows, a tile is a chunk, so that there is work for all threads

cdef double NANOSECONDS_A_WEIGHT = 0.022  # and row
cdef float FURTHEST = 1e10  # largest draw that is fed back, in scales


cdef struct Job:
    algos_paths_network net
    Py_ssize_t n_series, n_steps, n_inputs, n_static, n_gates
    const float* inputs     # (n_steps, n_series, n_inputs)
    const float* statics    # (n_series, n_static)
    const float* by_input   # (n_inputs, n_gates)
    const float* by_static  # (n_static, n_gates)
    const float* base       # (n_gates,)
    float* states           # (n_series, 2, L, H): h and c
    # of paths
    const float* scale      # (n_series,)
    const float* feed       # (n_series,): factor from draws to inputs
    const uint64_t* seed    # (2,)
    const uint64_t* keys    # (n_series, 2)
    const int32_t* lags     # (n_inputs of net,), ascending
    float* paths            # (n_series, n_samples, n_steps)
    Py_ssize_t n_samples
    int kind
    Py_ssize_t rows         # in a chunk, at most ROWS
    Py_ssize_t most         # series in a chunk
    float* rooms            # the threads' memory


cdef struct Room:
    # A thread's memory, for a chunk of rows.
    float* block      # (tiles, height, width)
    float* own        # (most, n_gates): gates from the static inputs
    float* gates      # (n_gates,)
    float* values     # (n_gates, stride): gates from common inputs, for each series
    float* outputs    # (n_outputs, width)
    float* heads      # (ROWS, n_outputs)
    float* drawn      # (n_steps, ROWS)
    float* feed       # (ROWS,): factor from a row's draws to inputs
    int32_t* first    # (ROWS,): for each register the first series of its rows
    int32_t* index    # (ROWS,): for each row its series, counted from there


cdef inline Py_ssize_t _stride(const Job* job) noexcept nogil:
    return job.most + ALGOS_PATHS_MOST_LANES  # a register is read from any series


cdef inline Py_ssize_t _width(Py_ssize_t rows) noexcept nogil:
    """Return the rows of a tile; few rows need one register."""
    return algos_paths.lanes * (1 if rows <= algos_paths.lanes else algos_paths.vectors)


cdef inline float* _take(float** left, Py_ssize_t size) noexcept nogil:
    cdef float* part = left[0]
    left[0] += size  # a multiple of 16, as ROWS and n_gates are
    return part


cdef inline Py_ssize_t _room_size(const Job* job) noexcept nogil:
    """Return the size of a thread's memory in floats."""
    return (
        (algos_paths_height(&job.net) + 2 * job.net.n_outputs + job.n_steps + 3) * ROWS
        + (job.most + 1 + _stride(job)) * job.n_gates)


cdef void _divide(const Job* job, int slot, Room* room) noexcept nogil:
    """Divide a thread's memory."""
    cdef float* left = job.rooms + slot * _room_size(job)
    room.block = _take(&left, algos_paths_height(&job.net) * ROWS)
    room.own = _take(&left, job.most * job.n_gates)
    room.gates = _take(&left, job.n_gates)
    room.values = _take(&left, job.n_gates * _stride(job))
    room.outputs = _take(&left, job.net.n_outputs * ROWS)
    room.heads = _take(&left, job.net.n_outputs * ROWS)
    room.drawn = _take(&left, job.n_steps * ROWS)
    room.feed = _take(&left, ROWS)
    room.first = <int32_t*> _take(&left, ROWS)
    room.index = <int32_t*> _take(&left, ROWS)


cdef void _place(
    const Job* job, Py_ssize_t begin, Py_ssize_t rows, Py_ssize_t per_series, Room* room
) noexcept nogil:
    """Write the series of each row, counted from the chunk's first one."""
    cdef Py_ssize_t first = begin // per_series, last = (begin + rows - 1) // per_series
    cdef Py_ssize_t row, lanes = algos_paths.lanes, of_register = 0, own
    for row in range(ROWS):
        own = min((begin + row) // per_series, last) - first
        if row % lanes == 0:
            of_register = own
            room.first[row // lanes] = <int32_t> own
        room.index[row] = <int32_t> (own - of_register)


cdef void _begin_gates(
    const Job* job, Py_ssize_t series, Py_ssize_t place, const float* inputs, Room* room
) noexcept nogil:
    """Compute the common part of a series' gates; inputs (n_inputs,) may be NULL."""
    cdef Py_ssize_t j, stride = _stride(job)
    cdef float* own = room.own + place * job.n_gates
    if inputs == NULL:
        algos_paths.gates(job.statics + series * job.n_static, job.n_static, job.by_static,
                          job.base, job.n_gates, own)
        for j in range(job.n_gates):
            room.values[j * stride + place] = own[j]
        return
    algos_paths.gates(inputs, job.n_inputs, job.by_input, own, job.n_gates, room.gates)
    for j in range(job.n_gates):
        room.values[j * stride + place] = room.gates[j]


cdef inline algos_paths_start _start(
    const Job* job, const Room* room, Py_ssize_t tile, Py_ssize_t width
) noexcept nogil:
    cdef algos_paths_start start
    start.values, start.stride = room.values, _stride(job)
    start.first = room.first + tile * width // algos_paths.lanes
    start.index = room.index + tile * width
    return start


# ---- the context: a series in each row ----

cdef inline void _read_inputs(
    const Job* job, Py_ssize_t step, Py_ssize_t begin, Py_ssize_t rows, Py_ssize_t width,
    float* block
) noexcept nogil:
    cdef const float* row
    cdef Py_ssize_t i, j
    for i in range(rows):
        row = job.inputs + (step * job.n_series + begin + i) * job.n_inputs
        for j in range(job.n_inputs):
            block[j * width + i] = row[j]


cdef void _read_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    """Read the context of a tile of series."""
    cdef const Job* job = <const Job*> arg
    cdef Room room
    cdef Py_ssize_t width = _width(job.n_series), begin = task * width, i, step
    cdef Py_ssize_t rows = min(width, job.n_series - begin)
    cdef Py_ssize_t state = 2 * job.net.n_layers * job.net.hidden
    cdef algos_paths_start start
    _divide(job, slot, &room)
    _place(job, begin, rows, 1, &room)
    for i in range(rows):
        _begin_gates(job, begin + i, i, NULL, &room)
    memset(room.block, 0, algos_paths_height(&job.net) * width * sizeof(float))
    start = _start(job, &room, 0, width)
    for step in range(job.n_steps):
        _read_inputs(job, step, begin, rows, width, room.block)
        algos_paths.step(&job.net, &start, 0, width, room.block, room.outputs)
    for i in range(rows):
        algos_paths_take(&job.net, room.block, i, width, job.states + (begin + i) * state)


# ---- the forecast: a path in each row ----

cdef Py_ssize_t _feed_back(
    const Job* job, Py_ssize_t step, Py_ssize_t tile, Py_ssize_t width, const Room* room,
    float* block
) noexcept nogil:
    """Write the inputs from a tile's own draws; return how many inputs have none yet."""
    cdef Py_ssize_t n = job.net.n_inputs, j, i, known = 0
    cdef const float* feed = room.feed + tile * width
    cdef const float* drawn
    cdef float* into
    cdef float value
    while known < n and job.lags[known] <= step:
        known += 1
    for j in range(known):
        drawn = room.drawn + (step - job.lags[j]) * ROWS + tile * width
        into = block + (n - 1 - j) * width
        for i in range(width):
            value = drawn[i] * feed[i]
            into[i] = max(-FURTHEST, min(FURTHEST, value))
    return n - known


cdef void _draw_step(
    const Job* job, Py_ssize_t step, Py_ssize_t begin, Py_ssize_t rows, Room* room
) noexcept nogil:
    """Draw a step of all rows of a chunk, series by series."""
    cdef Py_ssize_t row = 0, n_outputs = job.net.n_outputs, series, path, n
    cdef algos_deepar_stream stream
    stream.seed[0], stream.seed[1], stream.step = job.seed[0], job.seed[1], <uint32_t> step
    while row < rows:
        series, path = (begin + row) // job.n_samples, (begin + row) % job.n_samples
        n = min(rows - row, job.n_samples - path)
        stream.series[0], stream.series[1] = job.keys[2 * series], job.keys[2 * series + 1]
        algos_deepar_draw_f32(
            job.kind, room.heads + row * n_outputs, n_outputs, job.scale[series], &stream,
            <uint32_t> path, n, room.drawn + step * ROWS + row)
        row += n


cdef void _advance(
    const Job* job, Py_ssize_t step, Py_ssize_t begin, Py_ssize_t rows, Room* room
) noexcept nogil:
    """Advance all rows of a chunk by one step."""
    cdef Py_ssize_t width = _width(rows), size = algos_paths_height(&job.net) * width
    cdef Py_ssize_t n_outputs = job.net.n_outputs, tile, here, skipped, i, j
    cdef float* block
    cdef algos_paths_start start
    for tile in range((rows + width - 1) // width):
        block, here = room.block + tile * size, min(width, rows - tile * width)
        skipped = _feed_back(job, step, tile, width, room, block)
        start = _start(job, room, tile, width)
        algos_paths.step(&job.net, &start, skipped, width, block, room.outputs)
        for i in range(here):
            for j in range(n_outputs):
                room.heads[(tile * width + i) * n_outputs + j] = room.outputs[j * width + i]
    _draw_step(job, step, begin, rows, room)


cdef void _path_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    """Draw the paths of a chunk of rows."""
    cdef const Job* job = <const Job*> arg
    cdef Room room
    cdef Py_ssize_t begin = task * job.rows
    cdef Py_ssize_t rows = min(job.rows, job.n_series * job.n_samples - begin)
    cdef Py_ssize_t first = begin // job.n_samples, width = _width(rows), series, step, i
    cdef Py_ssize_t n_series = (begin + rows - 1) // job.n_samples + 1 - first
    cdef Py_ssize_t size = algos_paths_height(&job.net) * width
    cdef Py_ssize_t state = 2 * job.net.n_layers * job.net.hidden
    cdef const float* inputs
    _divide(job, slot, &room)
    _place(job, begin, rows, job.n_samples, &room)
    for series in range(n_series):
        _begin_gates(job, first + series, series, NULL, &room)
    memset(room.block, 0, (rows + width - 1) // width * size * sizeof(float))
    for i in range(rows):
        series = (begin + i) // job.n_samples
        room.feed[i] = job.feed[series]
        algos_paths_give(&job.net, job.states + series * state, i % width, width,
                         room.block + i // width * size)
    for step in range(job.n_steps):
        for series in range(n_series):
            inputs = job.inputs + (step * job.n_series + first + series) * job.n_inputs
            _begin_gates(job, first + series, series, inputs, &room)
        _advance(job, step, begin, rows, &room)
    for i in range(rows):
        for step in range(job.n_steps):
            job.paths[(begin + i) * job.n_steps + step] = room.drawn[step * ROWS + i]


# ---- the interface to Python ----

cdef class Steps:
    """A network for steps of rows; made by `algos.deepar.sampling.network_steps`."""

    cdef Job job
    cdef tuple _kept  # owners of the pointers' memory

    def __init__(
        self,
        const float[::1] packed,        # IN: layer by layer (H, K + H, 4)
        const float[::1] starts,        # IN (L H 4,) and 16 more
        const float[:, ::1] head,       # IN (H, n_outputs)
        const float[:, ::1] by_input,   # IN (n_inputs, n_gates)
        const float[:, ::1] by_static,  # IN (n_static, n_gates)
        const float[::1] base,          # IN (n_gates,), a multiple of 16 from 4 H + n_outputs on
        const float[:, ::1] direct,     # IN (K, n_outputs): from own inputs to outputs
        Py_ssize_t n_layers,
        Py_ssize_t n_own,               # K of the first layer
        double zoneout,
    ):
        cdef Job* job = &self.job
        cdef algos_paths_network* net = &self.job.net
        cdef Py_ssize_t hidden = head.shape[0]
        cdef Py_ssize_t size = 4 * hidden * (n_own + hidden + 2 * (n_layers - 1) * hidden)
        job.n_gates = base.shape[0]
        if not (
            hidden > 0 and n_layers > 0 and packed.shape[0] == size
            and starts.shape[0] >= 4 * n_layers * hidden + ALGOS_PATHS_MOST_LANES
            and head.shape[1] > 0 and by_input.shape[1] == by_static.shape[1] == job.n_gates
            and job.n_gates >= 4 * hidden + head.shape[1]
            and direct.shape[0] == n_own and direct.shape[1] == head.shape[1]
            and job.n_gates % 16 == 0
        ):
            raise ValueError("the shapes of the network's weights disagree")
        self._kept = (packed, starts, head, by_input, by_static, base, direct)
        net.packed, net.starts, net.head = &packed[0], &starts[0], &head[0, 0]
        net.n_layers, net.hidden, net.n_inputs = n_layers, hidden, n_own
        net.n_outputs, net.zoneout = head.shape[1], <float> zoneout
        job.n_inputs, job.n_static, job.base = by_input.shape[0], by_static.shape[0], &base[0]
        job.by_input = &by_input[0, 0] if job.n_inputs else NULL
        job.by_static = &by_static[0, 0] if job.n_static else NULL
        net.direct = &direct[0, 0] if n_own else &head[0, 0]  # of which none is read

    def read(
        self,
        const float[:, :, ::1] inputs,  # IN (n_steps, n_series, n_inputs)
        const float[:, ::1] statics,    # IN (n_series, n_static)
        float[:, :, :, ::1] states,     # OUT (n_series, 2, L, H): h and c at the end
        int n_threads,
    ):
        """Read the context of each series, all of whose inputs are its own."""
        cdef Job job = self.job
        cdef Py_ssize_t width, n_tasks
        _check(&job, inputs, statics, states)
        if job.net.n_inputs != job.n_inputs:
            raise ValueError("a context has no other inputs than its own")
        if job.n_series == 0:
            return
        width = _width(job.n_series)
        n_tasks = (job.n_series + width - 1) // width
        job.most = min(width, job.n_series)
        cdef Scratch rooms = scratch(
            _room_size(&job) * min(<Py_ssize_t> n_threads, n_tasks), sizeof(float))
        job.rooms = <float*> rooms.data
        with nogil:
            run_region(_read_task, &job, n_tasks, _cost(&job, job.n_series), n_threads)

    def draw(
        self,
        const float[:, :, ::1] inputs,  # IN (n_steps, n_series, n_inputs): draws being 0
        const float[:, ::1] statics,    # IN (n_series, n_static)
        float[:, :, :, ::1] states,     # IN (n_series, 2, L, H), as `read` left them
        const float[::1] scale,         # IN (n_series,)
        const float[::1] feed,          # IN (n_series,): 1 / scale where draws are not scaled
        const uint64_t[::1] seed,       # IN (2,)
        const uint64_t[:, ::1] keys,    # IN (n_series, 2)
        const int32_t[::1] lags,        # IN (n_own,): ascending, below n_steps
        float[:, :, ::1] paths,         # OUT (n_series, n_samples, n_steps)
        int kind,
        int n_threads,
    ):
        """Draw paths, in the convention of targets."""
        cdef Job job = self.job
        cdef Py_ssize_t rows, n_tasks
        _check(&job, inputs, statics, states)
        if not (
            scale.shape[0] == feed.shape[0] == keys.shape[0] == paths.shape[0] == job.n_series
            and keys.shape[1] == seed.shape[0] == 2 and lags.shape[0] == job.net.n_inputs
            and paths.shape[2] == job.n_steps
        ):
            raise ValueError("the shapes of the series and their paths disagree")
        rows = job.n_series * paths.shape[1]
        if rows == 0 or job.n_steps == 0:
            return
        job.scale, job.feed, job.seed, job.keys = &scale[0], &feed[0], &seed[0], &keys[0, 0]
        job.lags = &lags[0] if lags.shape[0] else NULL
        job.paths, job.n_samples, job.kind = &paths[0, 0, 0], paths.shape[1], kind
        job.rows = ROWS if rows > FEW else _width(rows)
        n_tasks = (rows + job.rows - 1) // job.rows
        job.most = min(job.n_series, job.rows // job.n_samples + 2)
        cdef Scratch rooms = scratch(
            _room_size(&job) * min(<Py_ssize_t> n_threads, n_tasks), sizeof(float))
        job.rooms = <float*> rooms.data
        with nogil:
            run_region(_path_task, &job, n_tasks, _cost(&job, rows), n_threads)


cdef _check(
    Job* job, const float[:, :, ::1] inputs, const float[:, ::1] statics,
    float[:, :, :, ::1] states
):
    """Set the common fields of both passes."""
    job.n_steps, job.n_series = inputs.shape[0], inputs.shape[1]
    if not (
        inputs.shape[2] == job.n_inputs and statics.shape[0] == states.shape[0] == job.n_series
        and statics.shape[1] == job.n_static and states.shape[1] == 2
        and states.shape[2] == job.net.n_layers and states.shape[3] == job.net.hidden
    ):
        raise ValueError("the shapes of the inputs and the network disagree")
    if job.n_series:
        job.inputs = &inputs[0, 0, 0] if job.n_steps and job.n_inputs else NULL
        job.statics = &statics[0, 0] if job.n_static else NULL
        job.states = &states[0, 0, 0, 0]


cdef inline double _cost(const Job* job, Py_ssize_t rows) noexcept nogil:
    cdef Py_ssize_t hidden = job.net.hidden
    cdef Py_ssize_t weights = 4 * hidden * (
        job.net.n_inputs + 2 * job.net.n_layers * hidden + 16)
    return NANOSECONDS_A_WEIGHT * weights * rows * job.n_steps


def _test_choose_level(int limit):
    """Use the best instruction set up to `limit` (0, 3 or 4), for tests; return its level."""
    return algos_paths_choose(limit)


def _test_likelihood(
    const floating[:, ::1] head,  # IN (n, n_outputs or more)
    const floating[::1] targets,  # IN (n,)
    const floating[::1] mask,     # IN (n,)
    const floating[::1] scale,    # IN (n,), above 0
    floating[:, ::1] slopes,      # OUT, of the shape of `head`
    int kind,
):
    """Compute the slopes of Σ mask · negative log-likelihood; return this sum."""
    cdef Py_ssize_t n = targets.shape[0]
    cdef double total
    if n == 0:
        return 0.0
    with nogil:
        if floating is float:
            total = algos_deepar_loss_f32(
                kind, &head[0, 0], head.shape[1], &targets[0], &mask[0], &scale[0], n,
                &slopes[0, 0])
        else:
            total = algos_deepar_loss_f64(
                kind, &head[0, 0], head.shape[1], &targets[0], &mask[0], &scale[0], n,
                &slopes[0, 0])
    return total


def _test_draw(
    const floating[:, ::1] head,  # IN (n, n_outputs or more)
    const uint64_t[::1] key,      # IN (2,): the seed
    const uint64_t[::1] series,   # IN (2,): the content of the series
    floating[::1] draws,          # OUT (n,): of paths `path` + i
    int kind,
    double scale,
    uint32_t path,
    uint32_t step,
):
    """Draw one number for each path of a series at one step."""
    cdef algos_deepar_stream stream
    cdef Py_ssize_t n = draws.shape[0]
    if n == 0:
        return
    stream.seed[0], stream.seed[1] = key[0], key[1]
    stream.series[0], stream.series[1] = series[0], series[1]
    stream.step = step
    with nogil:
        if floating is float:
            algos_deepar_draw_f32(
                kind, &head[0, 0], head.shape[1], scale, &stream, path, n, &draws[0])
        else:
            algos_deepar_draw_f64(
                kind, &head[0, 0], head.shape[1], scale, &stream, path, n, &draws[0])


def _test_parameters(
    const double[:, ::1] head,  # IN (n, n_outputs)
    const double[::1] scale,    # IN (n,)
    double[:, ::1] parameters,  # OUT (n, n_outputs): in the convention of targets
    int kind,
):
    """Compute the parameters of the distributions from raw outputs."""
    cdef Py_ssize_t i
    with nogil:
        for i in range(scale.shape[0]):
            algos_deepar_parameters(kind, &head[i, 0], scale[i], &parameters[i, 0])
