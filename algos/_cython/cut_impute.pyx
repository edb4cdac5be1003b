"""Quantiles of what rows miss, from the leaves of a forest that they reach."""

from libc.stdint cimport int32_t, uint64_t
from algos._cython._cut_tree cimport CutForest, CutTree, view_forest, view_tree
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport is_short, run_region

cdef extern from "_cut_impute.h" nogil:
    ctypedef struct Candidate "algos_cut_candidate":
        double distance
        uint64_t code
        double weight
        const float* point

    ctypedef struct Value "algos_cut_value":
        pass

    void cut_nearest_rows "algos_cut_nearest_rows"(
        const CutTree* tree, const float* rows, Py_ssize_t n, const uint64_t* key, Py_ssize_t t,
        int32_t* put_by, int32_t* leaves, double* distances, Py_ssize_t stride)
    const float* cut_point "algos_cut_point"(const CutTree* tree, int32_t leaf)
    uint64_t cut_code "algos_cut_code"(const float* point, Py_ssize_t d)
    Py_ssize_t once_each "algos_cut_once_each"(Candidate* found, Py_ssize_t n)
    void weigh_near "algos_cut_weigh_near"(Candidate* found, Py_ssize_t n)
    void cut_fill "algos_cut_fill"(
        const Candidate* found, Py_ssize_t n, const float* row, Py_ssize_t d,
        const double* quantiles, Py_ssize_t n_quantiles, Value* values, float* out,
        Py_ssize_t apart)

cdef enum:
    BLOCK = 64  # rows that one tree stays in cache for

cdef struct ImputeJob:
    const CutForest* forest
    const float* rows        # (n, d)
    Py_ssize_t n
    const uint64_t* key
    const double* quantiles  # (n_quantiles,)
    Py_ssize_t n_quantiles
    float* out               # (n_quantiles, n, d)
    char* room               # (n_threads, room_size)
    Py_ssize_t room_size

# One thread's scratch.
cdef struct Room:
    double* distances        # (BLOCK, n_trees)
    Candidate* candidates    # (n_trees,)
    Value* values            # (n_trees,)
    int32_t* leaves          # (BLOCK, n_trees)
    int32_t* put_by          # (size,)


cdef Py_ssize_t _room_size(Py_ssize_t n_trees, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t by_tree = BLOCK * sizeof(double) + sizeof(Candidate) + sizeof(Value)
    by_tree += BLOCK * sizeof(int32_t)
    return (n_trees * by_tree + size * <Py_ssize_t> sizeof(int32_t) + 63) // 64 * 64


cdef Room _room(ImputeJob* job, int slot) noexcept nogil:
    cdef Py_ssize_t n_trees = job.forest.n_trees
    cdef Room room
    room.distances = <double*> (job.room + slot * job.room_size)
    room.candidates = <Candidate*> (room.distances + BLOCK * n_trees)
    room.values = <Value*> (room.candidates + n_trees)
    room.leaves = <int32_t*> (room.values + n_trees)
    room.put_by = room.leaves + BLOCK * n_trees
    return room


cdef void _fill_row(
    ImputeJob* job, Room room, Py_ssize_t i, const int32_t* leaves, const double* distances,
) noexcept nogil:
    cdef Py_ssize_t d = job.forest.first.d, t, n
    cdef CutTree tree
    cdef Candidate* found
    for t in range(job.forest.n_trees):
        tree = view_tree(job.forest, t)
        found = room.candidates + t
        found.point = cut_point(&tree, leaves[t])
        found.distance, found.code = distances[t], cut_code(found.point, d)
        found.weight = tree.mass[leaves[t]]
    n = once_each(room.candidates, job.forest.n_trees)
    weigh_near(room.candidates, n)
    cut_fill(room.candidates, n, job.rows + i * d, d, job.quantiles, job.n_quantiles,
             room.values, job.out + i * d, job.n * d)


cdef void _impute_task(void* arg, Py_ssize_t block, int slot) noexcept nogil:
    cdef ImputeJob* job = <ImputeJob*> arg
    cdef Py_ssize_t start = block * BLOCK, n_trees = job.forest.n_trees, t, i
    cdef Py_ssize_t n = min(job.n - start, <Py_ssize_t> BLOCK)
    cdef Room room = _room(job, slot)
    cdef CutTree tree
    for t in range(n_trees):
        tree = view_tree(job.forest, t)
        cut_nearest_rows(&tree, job.rows + start * tree.d, n, job.key, t, room.put_by,
                         room.leaves + t, room.distances + t, n_trees)
    for i in range(n):
        _fill_row(job, room, start + i, room.leaves + i * n_trees, room.distances + i * n_trees)


cdef void _impute(ImputeJob* job, double nanoseconds, int n_threads) noexcept nogil:
    run_region(_impute_task, job, (job.n + BLOCK - 1) // BLOCK, nanoseconds, n_threads)


def impute_rows(
    const int32_t[:, :, ::1] nodes,  # IN: the trees, each with a row or more, as in a Forest
    const int32_t[:, ::1] parent,    # IN
    const int32_t[:, ::1] mass,      # IN
    const float[::1] boxes,          # IN
    const float[:, ::1] spans,       # IN
    const float[::1] points,         # IN
    const int32_t[:, ::1] heads,     # IN
    Py_ssize_t d,
    const uint64_t[::1] key,         # IN (2,) of the forest
    const float[:, ::1] rows,        # IN (n, d) NaN is missing
    const double[::1] quantiles,     # IN (n_quantiles,)
    float[:, :, ::1] out,            # INOUT (n_quantiles, n, d): what is missing is written
    int n_threads,
):
    """Write quantiles of what the missing values of rows may be."""
    cdef CutForest forest = view_forest(nodes, parent, mass, boxes, spans, points, heads, d)
    cdef Py_ssize_t room_size = _room_size(forest.n_trees, forest.first.size)
    cdef Scratch room = scratch(n_threads, room_size)
    cdef double nanoseconds = rows.shape[0] * forest.n_trees * (200.0 + 10 * d)
    cdef ImputeJob job
    if rows.shape[0] == 0 or quantiles.shape[0] == 0:
        return
    job = ImputeJob(&forest, &rows[0, 0], rows.shape[0], &key[0], &quantiles[0],
                    quantiles.shape[0], &out[0, 0, 0], <char*> room.data, room_size)
    if is_short(nanoseconds):
        _impute(&job, nanoseconds, 1)
    else:
        with nogil:
            _impute(&job, nanoseconds, n_threads)


def _test_nearest_leaves(
    const int32_t[:, :, ::1] nodes,
    const int32_t[:, ::1] parent,
    const int32_t[:, ::1] mass,
    const float[::1] boxes,
    const float[:, ::1] spans,
    const float[::1] points,
    const int32_t[:, ::1] heads,
    Py_ssize_t d,
    const uint64_t[::1] key,
    const float[:, ::1] rows,   # IN (n, d) NaN is missing
    int32_t[:, ::1] leaves,     # OUT (n, n_trees) the leaf nearest in the known columns
    double[:, ::1] distances,   # OUT (n, n_trees) and how far that is (L1)
):
    """Find the candidate of each tree for each row."""
    cdef CutForest forest = view_forest(nodes, parent, mass, boxes, spans, points, heads, d)
    cdef Scratch put_by = scratch(forest.first.size, sizeof(int32_t))
    cdef Py_ssize_t t
    cdef CutTree tree
    for t in range(forest.n_trees if rows.shape[0] else 0):
        tree = view_tree(&forest, t)
        cut_nearest_rows(&tree, &rows[0, 0], rows.shape[0], &key[0], t, <int32_t*> put_by.data,
                         &leaves[0, t], &distances[0, t], forest.n_trees)
