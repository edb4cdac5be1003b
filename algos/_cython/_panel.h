/* Groups of panel rows: how many vectors a register block takes at a time. */
#ifndef ALGOS_PANEL_H
#define ALGOS_PANEL_H

#include <Python.h>

/* Rows of a panel group: the size that wastes least of the last group. */
static inline Py_ssize_t algos_panel_width(Py_ssize_t k) {
    Py_ssize_t best = 6;
    for (Py_ssize_t c = 5; c >= 4; c--)
        if ((k + c - 1) / c * c < (k + best - 1) / best * best)
            best = c;
    return best;
}

static inline Py_ssize_t algos_panel_rows(Py_ssize_t k) {
    const Py_ssize_t c = algos_panel_width(k);
    return (k + c - 1) / c * c;
}

#endif
