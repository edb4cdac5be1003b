/* CSR rows against a panel of centres, in registers.
 *
 *   panel   k centres, transposed: blocks of `width` centres, panel[block][column][centre],
 *           the last block only as wide as it must be.
 *   A row's products are sums over its stored values alone: each takes one row of a block.
 *
 * A row's result is one chain of operations in the order of its columns, whatever the width
 * of the blocks and whatever rows stand beside it. One table of functions stands for each
 * type of the values, the indices and each instruction set, so callers name no types.
 */
#ifndef ALGOS_CSR_H
#define ALGOS_CSR_H

#include <Python.h>
#include <stdint.h>

#define ALGOS_CSR_VECTORS 8     /* registers with sums: at most, */
#define ALGOS_CSR_FEW 4         /* and as many as hide the time that a sum takes */
#define ALGOS_CSR_CACHE 2621440 /* bytes of a block that are mostly in a core's own cache */

typedef struct {
    const void *values;  /* (n_stored,) */
    const void *indices; /* (n_stored,), ascending in a row */
    const void *indptr;  /* (n + 1,) */
    Py_ssize_t n, d;
} algos_csr;

typedef struct {
    Py_ssize_t k, d, width;
    const int32_t *slots; /* where the panel has the rows' columns, if not in their order */
    void *values;
} algos_panel;

typedef struct {
    Py_ssize_t lanes; /* values in a register */
    void (*pack)(const double *, Py_ssize_t, Py_ssize_t, const algos_panel *);
    void (*nearest)(const algos_csr *, Py_ssize_t, Py_ssize_t, const algos_panel *,
                    const void *, int32_t *, void *, void *);
    void (*products)(const algos_csr *, Py_ssize_t, const algos_panel *, double *);
    double (*product)(const algos_csr *, Py_ssize_t, const double *);
    double (*norm)(const algos_csr *, Py_ssize_t);
    Py_ssize_t (*length)(const algos_csr *, Py_ssize_t);
    void (*add)(const algos_csr *, Py_ssize_t, double, double *);
    void (*fetch)(const algos_csr *, Py_ssize_t);
    int (*check)(const algos_csr *, Py_ssize_t);
} algos_csr_table;

#endif
