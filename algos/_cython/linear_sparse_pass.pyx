"""Losses and gradients of linear models over CSR rows, in one pass over X.

A tile of a few rows is multiplied by the coefficients, losses and derivatives are computed, and the
derivatives times the stored values are added to the gradient while the tile is in cache. Models are
processed in strips of 8; strips are processed one after another, since their data for each column
would evict each other from cache. Only the outputs of a model that share a loss (or a target
matrix) are processed together.
"""

from cython cimport floating
from algos._cython._csr cimport CsrRows, algos_csr
from algos._cython._lanes cimport CHUNK, lane_count, lane_start
from algos._cython._losses cimport MAX_ROWS, Targets, take_derivatives
from algos._cython._memory cimport Scratch, scratch
from algos._cython._sparse_dots cimport STRIP, algos_sparse_dots, sparse_dots_of
from algos._cython._threads cimport is_short, run_region

cdef enum:
    TILE_VALUES = 2048  # stored values of rows that are read twice
    LEAST_TASKS = 4     # at least, even if their sums take four times the gradient
    SPAN = 1 << 14      # sums added in a task

cdef struct SparseJob:
    bint single             # float32
    algos_csr x
    const algos_sparse_dots* table
    Py_ssize_t (*length)(const algos_csr*, Py_ssize_t) noexcept nogil  # of a row
    Targets targets         # of all models
    Py_ssize_t groups       # of models that are processed together
    Py_ssize_t group_models
    Py_ssize_t strips       # of a group; 0 for a single vector
    const void* vectors     # (groups, strips, d, 8), or (d,); NULL if derivatives are given
    void* products          # for each slot
    Py_ssize_t slot_size
    double* lanes           # (n_lanes, groups, cells): gradients, then as take_derivatives()
    Py_ssize_t n_lanes, cells, gradient_cells


cdef inline Py_ssize_t _ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b


cdef inline Py_ssize_t _rows_of_tile(
    const SparseJob* job, Py_ssize_t row, Py_ssize_t end
) noexcept nogil:
    """Return the number of rows in a tile, at least one."""
    cdef Py_ssize_t rows = 0, values = 0
    while row + rows < end and rows < MAX_ROWS and values < TILE_VALUES:
        values += job.length(&job.x, row + rows)
        rows += 1
    return rows


cdef Targets _targets_of(const SparseJob* job, Py_ssize_t group) noexcept nogil:
    cdef Targets targets = job.targets
    cdef Py_ssize_t first = group * job.group_models
    targets.m = min(job.group_models, job.targets.m - first)
    if targets.values != NULL:
        targets.values += first * targets.k
    else:
        targets.intercept += first * targets.k
    return targets


cdef void _sum_group(
    SparseJob* job, const floating* tag, Py_ssize_t group, Py_ssize_t lane, int slot
) noexcept nogil:
    cdef Py_ssize_t row = lane_start(lane, job.n_lanes, job.x.n), rows, s
    cdef Py_ssize_t end = lane_start(lane + 1, job.n_lanes, job.x.n)
    cdef Py_ssize_t step = STRIP * job.x.d
    cdef Targets targets = _targets_of(job, group)
    cdef Py_ssize_t width = targets.m * targets.k
    cdef floating* z = <floating*> job.products + slot * job.slot_size
    cdef const floating* vectors = <const floating*> job.vectors
    cdef double* gradient = job.lanes + (lane * job.groups + group) * job.cells
    if vectors != NULL:
        vectors += group * job.strips * step
    while row < end:
        rows = _rows_of_tile(job, row, end)
        if vectors != NULL and job.strips == 0:
            job.table.dots(&job.x, row, rows, vectors, z)
        elif vectors != NULL:
            for s in range(job.strips):
                job.table.strip_dots(
                    &job.x, row, rows, vectors + s * step, MAX_ROWS,
                    min(<Py_ssize_t> STRIP, width - s * STRIP), z + s * STRIP * MAX_ROWS)
        take_derivatives(&targets, z, MAX_ROWS, row, rows, gradient + job.gradient_cells)
        if job.strips == 0:
            job.table.add(&job.x, row, rows, z, gradient)
        for s in range(job.strips):
            job.table.strip_add(
                &job.x, row, rows, z + s * STRIP * MAX_ROWS, MAX_ROWS,
                min(<Py_ssize_t> STRIP, width - s * STRIP), gradient + s * step)
        row += rows


cdef void _group_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef SparseJob* job = <SparseJob*> arg
    if job.single:
        _sum_group(job, <const float*> NULL, task // job.n_lanes, task % job.n_lanes, slot)
    else:
        _sum_group(job, <const double*> NULL, task // job.n_lanes, task % job.n_lanes, slot)


cdef void _reduce_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    """Add all lanes to the first, in their order."""
    cdef SparseJob* job = <SparseJob*> arg
    cdef Py_ssize_t size = job.groups * job.cells, lane, i
    for lane in range(1, job.n_lanes):
        for i in range(task * SPAN, min(size, task * SPAN + SPAN)):
            job.lanes[i] += job.lanes[lane * size + i]


cdef void _unpack(
    const SparseJob* job, const double* scale, double* gradient, double* sums
) noexcept nogil:
    """The first lane → the gradient by coefficients, the values, the sums of derivatives."""
    cdef Py_ssize_t k = job.targets.k, d = job.x.d, group, model, j, p, in_group
    cdef Py_ssize_t models
    cdef const double* found
    cdef const double* column
    cdef double* out
    for model in range(job.targets.m):
        group, in_group = model // job.group_models, model % job.group_models
        models = min(job.group_models, job.targets.m - group * job.group_models)
        found = job.lanes + group * job.cells
        sums[model] = found[job.gradient_cells + in_group]
        for j in range(k):
            sums[job.targets.m + model * k + j] = (
                found[job.gradient_cells + models + in_group * k + j])
            out = gradient + (model * k + j) * d
            if job.strips == 0:
                for p in range(d):
                    out[p] = found[p] / scale[p]
                continue
            column = found + (in_group * k + j) // STRIP * STRIP * d + (in_group * k + j) % STRIP
            for p in range(d):
                out[p] = column[p * STRIP] / scale[p]


cdef void _set_vectors(
    const SparseJob* job, const double* coef, const double* scale, floating* vectors
) noexcept nogil:
    cdef Py_ssize_t k = job.targets.k, d = job.x.d, model, j, p, group, place
    cdef floating* strip
    for model in range(job.targets.m):
        group = model // job.group_models
        for j in range(k):
            if job.strips == 0:
                for p in range(d):
                    vectors[p] = <floating> (coef[p] / scale[p])
                continue
            place = model % job.group_models * k + j
            strip = vectors + (group * job.strips + place // STRIP) * STRIP * d
            for p in range(d):
                strip[p * STRIP + place % STRIP] = <floating> (
                    coef[(model * k + j) * d + p] / scale[p])


cdef void _set_groups(SparseJob* job) noexcept nogil:
    cdef Py_ssize_t k = job.targets.k
    job.group_models = 1 if k > 1 else min(<Py_ssize_t> STRIP, job.targets.m)
    job.groups = _ceil_div(job.targets.m, job.group_models)
    job.strips = _ceil_div(job.group_models * k, <Py_ssize_t> STRIP)
    if job.targets.m * k == 1:
        job.strips = 0


cdef void _set_lanes(SparseJob* job, Py_ssize_t stored, Py_ssize_t itemsize) noexcept nogil:
    """Set a number of lanes whose sums are cheap and which divide evenly among threads."""
    cdef Py_ssize_t k = job.targets.k, d = job.x.d
    cdef Py_ssize_t chunks = _ceil_div(job.x.n, <Py_ssize_t> CHUNK), least = 1
    job.gradient_cells = job.strips * STRIP * d if job.strips else d
    job.cells = job.gradient_cells + job.group_models * (1 + k)
    job.n_lanes = lane_count(job.x.n, 8 * job.groups * job.cells, stored * (itemsize + 4))
    job.n_lanes = min(job.n_lanes, stored // (32 * d))
    job.n_lanes -= job.n_lanes % LEAST_TASKS  # so that threads end together
    if stored >= d:  # otherwise clearing and adding sums is most of the pass
        least = min(chunks, _ceil_div(<Py_ssize_t> LEAST_TASKS, job.groups))
    job.n_lanes = max(job.n_lanes, least)
    job.slot_size = max(job.strips * STRIP, <Py_ssize_t> 1) * MAX_ROWS


cdef void _run_regions(
    SparseJob* job, Py_ssize_t stored, const double* scale, double* gradient, double* sums,
    int n_threads,
) noexcept nogil:
    cdef Py_ssize_t width = job.targets.m * job.targets.k
    cdef Py_ssize_t size = job.groups * job.cells
    run_region(
        _group_task, job, job.groups * job.n_lanes, (2.0 * stored + 20.0 * job.x.n) * width,
        n_threads)
    run_region(
        _reduce_task, job, _ceil_div(size, <Py_ssize_t> SPAN), 0.5 * size * job.n_lanes,
        n_threads)
    _unpack(job, scale, gradient, sums)


cdef void _run(
    SparseJob* job, CsrRows rows, const double[::1] scale, double* gradient, double* sums,
    int n_threads,
):
    """Run a pass of a job whose sums and products are not yet set."""
    cdef Py_ssize_t slots
    cdef Scratch products, lanes
    _set_lanes(job, rows.stored, rows.itemsize)
    slots = min(<Py_ssize_t> n_threads, job.groups * job.n_lanes)
    products = scratch(slots * job.slot_size, rows.itemsize)
    lanes = scratch(job.n_lanes * job.groups * job.cells, sizeof(double))
    job.products, job.lanes = products.data, <double*> lanes.data
    if is_short(3.0 * (rows.stored + 20 * job.x.n) * job.targets.m * job.targets.k):
        _run_regions(job, rows.stored, &scale[0], gradient, sums, 1)
    else:
        with nogil:
            _run_regions(job, rows.stored, &scale[0], gradient, sums, n_threads)


cdef SparseJob _job_of(CsrRows rows, Targets targets):
    cdef SparseJob job
    job.single, job.x, job.table = rows.single, rows.x, sparse_dots_of(rows)
    job.length, job.targets, job.vectors = rows.table.length, targets, NULL
    job.products, job.lanes, job.slot_size = NULL, NULL, 0
    job.n_lanes = job.cells = job.gradient_cells = 0
    job.groups = job.group_models = job.strips = 0
    _set_groups(&job)
    return job


def sparse_pass(
    CsrRows rows,                   # IN
    const double[::1] scale,        # IN (d,)
    const double[:, :, ::1] coef,   # IN (m, k, d)
    const double[:, ::1] intercept,  # IN (m, k)
    const double[:, ::1] target,    # IN (n, 1) or (n, k)
    const double[::1] weight,       # IN (n,)
    int code,
    double parameter,
    double[:, :, ::1] gradient,     # OUT (m, k, d)
    double[::1] sums,               # OUT (m + m k,): values, sums of derivatives
    int n_threads,
):
    """Evaluate m models of k outputs each; `code` and `parameter` are those of the loss."""
    cdef SparseJob job = _job_of(rows, Targets(
        coef.shape[0], coef.shape[1], code, parameter, &target[0, 0], target.shape[1],
        &weight[0], NULL, 0, &intercept[0, 0]))
    cdef Py_ssize_t columns = max(job.groups * job.strips * STRIP, <Py_ssize_t> 1)
    cdef Scratch vectors = scratch(columns * rows.x.d, rows.itemsize)
    if job.single:
        _set_vectors(&job, &coef[0, 0, 0], &scale[0], <float*> vectors.data)
    else:
        _set_vectors(&job, &coef[0, 0, 0], &scale[0], <double*> vectors.data)
    job.vectors = vectors.data
    _run(&job, rows, scale, &gradient[0, 0, 0], &sums[0], n_threads)


def sparse_cross(
    CsrRows rows,                 # IN
    const double[::1] scale,      # IN (d,)
    const double[:, ::1] values,  # IN (n, k)
    double[:, ::1] products,      # OUT (k, d)
    double[::1] sums,             # OUT (k + k,): nothing, and the sums of the values
    int n_threads,
):
    """Sum values_i x_i, and the values."""
    cdef SparseJob job = _job_of(rows, Targets(
        values.shape[1], 1, 0, 0, NULL, 0, NULL, &values[0, 0], values.shape[1], NULL))
    _run(&job, rows, scale, &products[0, 0], &sums[0], n_threads)
