"""Rows against a panel, tile by tile: the instruction set is chosen when this is loaded."""

cdef extern from "_tile.h" nogil:
    ctypedef struct algos_tile_table_f32:
        Py_ssize_t points
        void (*pack)(
            const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const float*,
            float*) noexcept nogil
        void (*products)(
            const float*, Py_ssize_t, Py_ssize_t, const float*, const float*, Py_ssize_t,
            float*) noexcept nogil
        void (*distances)(
            const float*, Py_ssize_t, Py_ssize_t, const float*, Py_ssize_t,
            float*) noexcept nogil
        void (*nearest)(
            const float*, Py_ssize_t, Py_ssize_t, const float*, const float*, Py_ssize_t,
            int32_t*, float*) noexcept nogil
        void (*add_rows)(
            const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const float*, const int32_t*,
            const double*, double*, double*) noexcept nogil
        void (*row_distances)(
            const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const float*, const int32_t*,
            double*) noexcept nogil
        void (*add_moments)(
            const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const float*, const double*,
            double*, double*) noexcept nogil
        double (*lower)(
            float*, const float*, const double*, Py_ssize_t) noexcept nogil
        void (*half_norms)(const float*, Py_ssize_t, Py_ssize_t, float*) noexcept nogil
        void (*nearest_two)(
            const float*, Py_ssize_t, Py_ssize_t, const float*, const float*, Py_ssize_t,
            int32_t*, float*, float*) noexcept nogil
        void (*norms)(const float*, Py_ssize_t, Py_ssize_t, float*) noexcept nogil
        double (*own_distance)(
            const float*, const float*, const float*, Py_ssize_t) noexcept nogil
        void (*move_row)(
            const float*, const float*, Py_ssize_t, double, double*, double*) noexcept nogil
    ctypedef struct algos_tile_table_f64:
        Py_ssize_t points
        void (*pack)(
            const double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const double*,
            double*) noexcept nogil
        void (*products)(
            const double*, Py_ssize_t, Py_ssize_t, const double*, const double*, Py_ssize_t,
            double*) noexcept nogil
        void (*distances)(
            const double*, Py_ssize_t, Py_ssize_t, const double*, Py_ssize_t,
            double*) noexcept nogil
        void (*nearest)(
            const double*, Py_ssize_t, Py_ssize_t, const double*, const double*, Py_ssize_t,
            int32_t*, double*) noexcept nogil
        void (*add_rows)(
            const double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const double*, const int32_t*,
            const double*, double*, double*) noexcept nogil
        void (*row_distances)(
            const double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const double*, const int32_t*,
            double*) noexcept nogil
        void (*add_moments)(
            const double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const double*, const double*,
            double*, double*) noexcept nogil
        double (*lower)(
            double*, const double*, const double*, Py_ssize_t) noexcept nogil
        void (*half_norms)(const double*, Py_ssize_t, Py_ssize_t, double*) noexcept nogil
        void (*nearest_two)(
            const double*, Py_ssize_t, Py_ssize_t, const double*, const double*, Py_ssize_t,
            int32_t*, double*, double*) noexcept nogil
        void (*norms)(const double*, Py_ssize_t, Py_ssize_t, double*) noexcept nogil
        double (*own_distance)(
            const double*, const double*, const double*, Py_ssize_t) noexcept nogil
        void (*move_row)(
            const double*, const double*, Py_ssize_t, double, double*, double*) noexcept nogil
    const algos_tile_table_f32* algos_tile_f32
    const algos_tile_table_f64* algos_tile_f64
    int algos_tile_choose(int limit)
    Py_ssize_t algos_panel_width(Py_ssize_t k)

cdef enum:
    LONG_ROW = 16384  # columns: a full tile of float32 has 4 MB

algos_tile_choose(4)


cdef Py_ssize_t tile_points(const floating* tag) noexcept nogil:
    """Rows in a full tile."""
    return algos_tile_f32.points if floating is float else algos_tile_f64.points


cdef Py_ssize_t tile_rows(const floating* tag, Py_ssize_t d) noexcept nogil:
    """Rows to take at once: fewer of very long ones, so that scratch memory stays small."""
    return tile_points(tag) if d <= LONG_ROW else tile_points(tag) // 4


cdef Py_ssize_t tile_stride(const floating* tag, Py_ssize_t rows) noexcept nogil:
    """Distance between out[j][0] and out[j + 1][0] for a tile of `rows` rows."""
    cdef Py_ssize_t points = tile_points(tag)
    return points // 4 if rows <= points // 4 else points


cdef void pack_panel(
    const floating* b, Py_ssize_t k, Py_ssize_t d, floating sign, floating* panel
) noexcept nogil:
    cdef Py_ssize_t c = algos_panel_width(k), j, p
    cdef floating* group
    for j in range(panel_rows(k)):
        group = panel + j // c * c * d + j % c
        for p in range(d):
            group[p * c] = sign * b[j * d + p] if j < k else 0


cdef void pack_tile(
    const floating* X, Py_ssize_t ldx, Py_ssize_t rows, Py_ssize_t d,
    const floating* shift, floating* xt,
) noexcept nogil:
    if floating is float:
        algos_tile_f32.pack(X, ldx, rows, d, shift, xt)
    else:
        algos_tile_f64.pack(X, ldx, rows, d, shift, xt)


cdef void tile_products(
    const floating* xt, Py_ssize_t rows, Py_ssize_t d,
    const floating* panel, const floating* init, Py_ssize_t k, floating* out,
) noexcept nogil:
    if floating is float:
        algos_tile_f32.products(xt, rows, d, panel, init, k, out)
    else:
        algos_tile_f64.products(xt, rows, d, panel, init, k, out)


cdef void tile_distances(
    const floating* xt, Py_ssize_t rows, Py_ssize_t d,
    const floating* panel, Py_ssize_t k, floating* out,
) noexcept nogil:
    if floating is float:
        algos_tile_f32.distances(xt, rows, d, panel, k, out)
    else:
        algos_tile_f64.distances(xt, rows, d, panel, k, out)


cdef void tile_nearest(
    const floating* xt, Py_ssize_t rows, Py_ssize_t d,
    const floating* panel, const floating* init, Py_ssize_t k,
    int32_t* label, floating* least,
) noexcept nogil:
    if floating is float:
        algos_tile_f32.nearest(xt, rows, d, panel, init, k, label, least)
    else:
        algos_tile_f64.nearest(xt, rows, d, panel, init, k, label, least)


cdef void add_rows(
    const floating* X, Py_ssize_t ldx, Py_ssize_t rows, Py_ssize_t d,
    const floating* shift, const int32_t* label, const double* weight,
    double* sums, double* counts,
) noexcept nogil:
    if floating is float:
        algos_tile_f32.add_rows(X, ldx, rows, d, shift, label, weight, sums, counts)
    else:
        algos_tile_f64.add_rows(X, ldx, rows, d, shift, label, weight, sums, counts)


cdef void row_distances(
    const floating* X, Py_ssize_t ldx, Py_ssize_t rows, Py_ssize_t d,
    const floating* centers, const int32_t* label, double* distance,
) noexcept nogil:
    if floating is float:
        algos_tile_f32.row_distances(X, ldx, rows, d, centers, label, distance)
    else:
        algos_tile_f64.row_distances(X, ldx, rows, d, centers, label, distance)


cdef void add_moments(
    const floating* X, Py_ssize_t ldx, Py_ssize_t rows, Py_ssize_t d,
    const floating* origin, const double* weight, double* sums, double* squares,
) noexcept nogil:
    if floating is float:
        algos_tile_f32.add_moments(X, ldx, rows, d, origin, weight, sums, squares)
    else:
        algos_tile_f64.add_moments(X, ldx, rows, d, origin, weight, sums, squares)


cdef double lower_to(
    floating* distance, const floating* bound, const double* weight, Py_ssize_t rows
) noexcept nogil:
    if floating is float:
        return algos_tile_f32.lower(distance, bound, weight, rows)
    else:
        return algos_tile_f64.lower(distance, bound, weight, rows)


cdef void half_norms(
    const floating* rows, Py_ssize_t k, Py_ssize_t d, floating* out
) noexcept nogil:
    if floating is float:
        algos_tile_f32.half_norms(rows, k, d, out)
    else:
        algos_tile_f64.half_norms(rows, k, d, out)


cdef void tile_nearest_two(
    const floating* xt, Py_ssize_t rows, Py_ssize_t d,
    const floating* panel, const floating* init, Py_ssize_t k,
    int32_t* label, floating* least, floating* second,
) noexcept nogil:
    if floating is float:
        algos_tile_f32.nearest_two(xt, rows, d, panel, init, k, label, least, second)
    else:
        algos_tile_f64.nearest_two(xt, rows, d, panel, init, k, label, least, second)


cdef void tile_norms(
    const floating* xt, Py_ssize_t rows, Py_ssize_t d, floating* out
) noexcept nogil:
    if floating is float:
        algos_tile_f32.norms(xt, rows, d, out)
    else:
        algos_tile_f64.norms(xt, rows, d, out)


cdef double own_distance(
    const floating* row, const floating* shift, const floating* center, Py_ssize_t d
) noexcept nogil:
    if floating is float:
        return algos_tile_f32.own_distance(row, shift, center, d)
    else:
        return algos_tile_f64.own_distance(row, shift, center, d)


cdef void move_row(
    const floating* row, const floating* shift, Py_ssize_t d, double weight,
    double* source, double* target,
) noexcept nogil:
    if floating is float:
        algos_tile_f32.move_row(row, shift, d, weight, source, target)
    else:
        algos_tile_f64.move_row(row, shift, d, weight, source, target)


def _test_choose_level(int limit):
    """Use instruction sets up to `limit` (0, 3 or 4) from now on; return the one chosen."""
    return algos_tile_choose(limit)
