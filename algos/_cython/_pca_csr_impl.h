/* The functions of _pca_csr.h, for one type of values and one of indices. */
#define T ALGOS_T
#define I ALGOS_INDEX
#define N ALGOS_NAME

/* acc + sum of x_j panel[j] over the values from p to end. */
ALGOS_INLINE algos_strip N(row)(const T *data, const I *indices, Py_ssize_t p, Py_ssize_t end,
                                const double *panel, algos_strip acc) {
    for (; p < end; p++)
        acc += (double)data[p] *
               *(const algos_strip *)(panel + (Py_ssize_t)indices[p] * ALGOS_STRIP);
    return acc;
}

ALGOS_CLONES static void N(power)(const algos_csr *x, Py_ssize_t start, Py_ssize_t end,
                                  const double *restrict panel, const double *center,
                                  double *restrict out, double *sums) {
    const T *restrict data = (const T *)x->values;
    const I *restrict indices = (const I *)x->indices, *indptr = (const I *)x->indptr;
    algos_strip total = {0};
    for (Py_ssize_t i = start; i < end; i++) {
        const Py_ssize_t first = (Py_ssize_t)indptr[i], last = (Py_ssize_t)indptr[i + 1];
        const algos_strip z =
            N(row)(data, indices, first, last, panel, -*(const algos_strip *)center);
        total += z;
        for (Py_ssize_t p = first; p < last; p++)
            *(algos_strip *)(out + (Py_ssize_t)indices[p] * ALGOS_STRIP) += (double)data[p] * z;
    }
    *(algos_strip *)sums = total;
}

/* The same in float32, but for runs of values, from the first halves of a room's lines. */
ALGOS_INLINE algos_strip N(short_row)(const T *data, const I *indices, Py_ssize_t p,
                                      Py_ssize_t end, const algos_line *room,
                                      algos_strip acc) {
    while (p < end) {
        const Py_ssize_t stop = p + ALGOS_RUN < end ? p + ALGOS_RUN : end;
        algos_short even = {0}, odd = {0}; /* two, so that neither waits for its last sum */
        for (; p + 1 < stop; p += 2) {
            even += (float)data[p] * room[indices[p]].vectors;
            odd += (float)data[p + 1] * room[indices[p + 1]].vectors;
        }
        if (p < stop) {
            even += (float)data[p] * room[indices[p]].vectors;
            p++;
        }
        acc += __builtin_convertvector(even + odd, algos_strip);
    }
    return acc;
}

/* out += the sums in a room, which begin anew. */
ALGOS_INLINE void N(move_sums)(algos_line *restrict room, Py_ssize_t d, double *restrict out) {
    for (Py_ssize_t c = 0; c < d; c++) {
        *(algos_strip *)(out + c * ALGOS_STRIP) +=
            __builtin_convertvector(room[c].sums, algos_strip);
        room[c].sums = (algos_short){0};
    }
}

ALGOS_CLONES static void N(short_power)(const algos_csr *x, Py_ssize_t start, Py_ssize_t end,
                                        const double *restrict panel, const double *center,
                                        algos_line *restrict room, double *restrict out,
                                        double *sums) {
    const T *restrict data = (const T *)x->values;
    const I *restrict indices = (const I *)x->indices, *indptr = (const I *)x->indptr;
    Py_ssize_t moved = (Py_ssize_t)indptr[start];
    algos_strip total = {0};
    for (Py_ssize_t c = 0; c < x->d; c++) {
        room[c].vectors = __builtin_convertvector(
            *(const algos_strip *)(panel + c * ALGOS_STRIP), algos_short);
        room[c].sums = (algos_short){0};
    }
    for (Py_ssize_t i = start; i < end; i++) {
        const Py_ssize_t first = (Py_ssize_t)indptr[i], last = (Py_ssize_t)indptr[i + 1];
        const algos_strip exact =
            N(short_row)(data, indices, first, last, room, -*(const algos_strip *)center);
        const algos_short z = __builtin_convertvector(exact, algos_short);
        total += exact;
        for (Py_ssize_t p = first; p < last; p++)
            room[indices[p]].sums += (float)data[p] * z;
        if (last - moved >= ALGOS_MEAN_RUN * x->d) {
            N(move_sums)(room, x->d, out);
            moved = last;
        }
    }
    N(move_sums)(room, x->d, out);
    *(algos_strip *)sums = total;
}

ALGOS_CLONES static void N(project)(const algos_csr *x, Py_ssize_t start, Py_ssize_t end,
                                    const double *restrict panel, const double *center,
                                    Py_ssize_t k, void *out) {
    const T *restrict data = (const T *)x->values;
    const I *restrict indices = (const I *)x->indices, *indptr = (const I *)x->indptr;
    for (Py_ssize_t i = start; i < end; i++)
        for (Py_ssize_t j = 0; j < k; j += ALGOS_STRIP) {
            const algos_strip z =
                N(row)(data, indices, (Py_ssize_t)indptr[i], (Py_ssize_t)indptr[i + 1],
                       panel + j * x->d, -*(const algos_strip *)(center + j));
            for (Py_ssize_t c = 0; c < ALGOS_STRIP && j + c < k; c++)
                ((T *)out)[i * k + j + c] = (T)z[c];
        }
}

static void N(moments)(const algos_csr *x, Py_ssize_t start, Py_ssize_t end,
                       const double *restrict shift, double *restrict counts) {
    const T *data = (const T *)x->values;
    const I *indices = (const I *)x->indices, *indptr = (const I *)x->indptr;
    double *sums = counts + x->d, *squares = sums + x->d;
    for (Py_ssize_t p = (Py_ssize_t)indptr[start]; p < (Py_ssize_t)indptr[end]; p++) {
        const Py_ssize_t column = (Py_ssize_t)indices[p];
        const double value = (double)data[p] - shift[column];
        counts[column] += 1;
        sums[column] += value;
        squares[column] += value * value;
    }
}

/* The first place in [start, end) whose column is not below the given one. */
ALGOS_INLINE Py_ssize_t N(first_from)(const I *indices, Py_ssize_t start, Py_ssize_t end,
                                      Py_ssize_t column) {
    while (start < end) {
        const Py_ssize_t middle = start + (end - start) / 2;
        if ((Py_ssize_t)indices[middle] < column)
            start = middle + 1;
        else
            end = middle;
    }
    return start;
}

static void N(scatter)(const algos_csr *x, Py_ssize_t low, Py_ssize_t high,
                       const double *restrict shift, double *restrict scatter) {
    const T *data = (const T *)x->values;
    const I *indices = (const I *)x->indices, *indptr = (const I *)x->indptr;
    for (Py_ssize_t i = 0; i < x->n; i++) {
        const Py_ssize_t end = (Py_ssize_t)indptr[i + 1];
        Py_ssize_t p = N(first_from)(indices, (Py_ssize_t)indptr[i], end, low);
        for (; p < end && (Py_ssize_t)indices[p] < high; p++) {
            const double value = (double)data[p] - shift[indices[p]];
            double *row = scatter + (Py_ssize_t)indices[p] * x->d;
            for (Py_ssize_t q = p; q < end; q++)
                row[indices[q]] += value * ((double)data[q] - shift[indices[q]]);
        }
    }
}

static const algos_pca_csr N(table) = {N(power), N(short_power), N(project), N(moments),
                                       N(scatter)};

#undef T
#undef I
#undef N
