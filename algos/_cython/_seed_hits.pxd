# Hits of candidates for a further centre: see _seed_hits.h.
from cython cimport floating
from libc.stdint cimport int32_t, uint64_t

cdef extern from "_seed_hits.h" nogil:
    ctypedef struct algos_hits_f32:
        uint64_t* mask
        int shift
        float* square
        Py_ssize_t* count
        Py_ssize_t capacity
        double* gain
    ctypedef struct algos_hits_f64:
        uint64_t* mask
        int shift
        double* square
        Py_ssize_t* count
        Py_ssize_t capacity
        double* gain
    ctypedef struct HitMargin "algos_hit_margin":
        float per_square, per_closest, per_norm, per_error, slack, square_off, closest_off
    void algos_note_hits_f32(
        const float* square, Py_ssize_t stride, Py_ssize_t rows, Py_ssize_t m,
        const uint64_t* masks, const float* closest, const double* weight,
        algos_hits_f32 to)
    void algos_note_hits_f64(
        const double* square, Py_ssize_t stride, Py_ssize_t rows, Py_ssize_t m,
        const uint64_t* masks, const double* closest, const double* weight,
        algos_hits_f64 to)
    void algos_lower_hits_f32(
        const float* square, Py_ssize_t rows, const uint64_t* mask, float* closest)
    void algos_lower_hits_f64(
        const double* square, Py_ssize_t rows, const uint64_t* mask, double* closest)
    void algos_hit_thresholds_f32(
        const float* norm, const float* error, const float* closest, Py_ssize_t rows,
        HitMargin margin, int32_t* possible, int32_t* sure)
    void algos_hit_thresholds_f64(
        const float* norm, const float* error, const double* closest, Py_ssize_t rows,
        HitMargin margin, int32_t* possible, int32_t* sure)

    const float FAR_CODE "ALGOS_FAR_CODE"
    void fetch_rows "algos_fetch_rows"(const char* x, Py_ssize_t row_bytes, uint64_t mask)

cdef extern from *:
    int lowest_bit "__builtin_ctzll"(uint64_t mask) noexcept nogil

cdef enum:
    HIT_ROWS = 64  # of a mask

# What is noted of all candidates in all lanes; without gains there is one new centre, and its
# hits lower the squares instead.
cdef struct Hits:
    void* squares        # (n,) to the nearest centre so far
    const double* weight  # (n,) or NULL
    Py_ssize_t m         # candidates
    Py_ssize_t capacity  # of a list
    uint64_t* masks      # (n / HIT_ROWS, m) the hits
    void* listed         # (lanes, m, capacity) their squared distances
    Py_ssize_t* count    # (lanes, m)
    double* gains        # (lanes, m) or NULL


cdef inline void take_hits(
    const Hits* hits, Py_ssize_t lane, Py_ssize_t row, Py_ssize_t rows,
    const floating* square, Py_ssize_t stride, const uint64_t* masks,
) noexcept nogil:
    """The hits of the tile that begins with `row`, among those in masks[j] if they are given."""
    cdef floating* closest = <floating*> hits.squares + row
    cdef const double* weight = NULL
    cdef Py_ssize_t head = lane * hits.m, list_head = head * hits.capacity
    cdef Py_ssize_t mask_head = row // HIT_ROWS * hits.m
    if hits.weight != NULL:
        weight = hits.weight + row
    if hits.gains == NULL:
        if floating is float:
            algos_lower_hits_f32(square, rows, masks, closest)
        else:
            algos_lower_hits_f64(square, rows, masks, closest)
    elif floating is float:
        algos_note_hits_f32(
            square, stride, rows, hits.m, masks, closest, weight,
            algos_hits_f32(
                hits.masks + mask_head, <int> (row % HIT_ROWS), <float*> hits.listed + list_head,
                hits.count + head, hits.capacity, hits.gains + head))
    else:
        algos_note_hits_f64(
            square, stride, rows, hits.m, masks, closest, weight,
            algos_hits_f64(
                hits.masks + mask_head, <int> (row % HIT_ROWS), <double*> hits.listed + list_head,
                hits.count + head, hits.capacity, hits.gains + head))
