"""The one thread pool of the process, for kernels.

Three kinds of region give the same bits for any number of threads:

(a) row-wise output: the task is a fixed chunk of rows;
(b) small accumulator: the task is a lane, a fixed run of chunks worked through in order
    into its own accumulator; the caller adds the lanes in lane order (`_lanes.pxd`);
(c) large accumulator: the task is a part of the *output*, computed in row order.
"""

import os

cdef extern from "_pool.h" nogil:
    void algos_pool_run(task_function run, void* arg, Py_ssize_t n_tasks, int n_threads)
    int algos_pool_renew()

# Waking a sleeping thread costs tens of microseconds.
cdef double INLINE_BELOW = 200e3


def _renew():
    """Make the pool anew, without workers."""
    if algos_pool_renew() != 0:
        raise MemoryError("no memory for the locks of the thread pool")


_renew()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


cdef bint is_short(double nanoseconds) noexcept nogil:
    return nanoseconds < INLINE_BELOW


cdef void run_region(
    task_function run,        # IN
    void* arg,                # INOUT
    Py_ssize_t n_tasks,
    double nanoseconds,       # the region's estimated work, on one thread
    int n_threads,
) noexcept nogil:
    """Run the tasks 0 … n_tasks - 1; below 200 µs of work on the caller alone."""
    algos_pool_run(run, arg, n_tasks, 1 if is_short(nanoseconds) else n_threads)


cdef struct CountJob:
    Py_ssize_t* visits
    int* slots
    Py_ssize_t spin


cdef void _count_task(void* arg, Py_ssize_t task, int slot) noexcept nogil:
    cdef CountJob* job = <CountJob*> arg
    cdef Py_ssize_t _i
    cdef size_t x = <size_t> task
    for _i in range(job.spin):
        x = x * 1103515245 + 12345
    job.visits[task] += 1 + (x == 0)
    job.slots[task] = slot


def _test_region(
    Py_ssize_t[::1] visits,  # INOUT (n_tasks,)
    int[::1] slots,          # OUT (n_tasks,): the thread that ran each task
    Py_ssize_t spin,
    int n_threads,
):
    """Visit every task once, `spin` multiplications each; for tests and timing."""
    cdef CountJob job
    cdef Py_ssize_t n_tasks = visits.shape[0]
    if n_tasks == 0:
        return
    job = CountJob(&visits[0], &slots[0], spin)
    with nogil:
        run_region(_count_task, &job, n_tasks, 1e9, n_threads)
