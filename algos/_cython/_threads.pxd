# A region: numbered tasks, run once each by at most n_threads threads.
# `task` names the work (chunk, lane or tile), so results depend on it alone; `slot` in
# [0, n_threads) names the thread, for scratch memory only.
ctypedef void (*task_function)(void* arg, Py_ssize_t task, int slot) noexcept nogil

cdef void run_region(
    task_function run, void* arg, Py_ssize_t n_tasks, double nanoseconds, int n_threads
) noexcept nogil

# Whether so much work is done by the caller alone. It may then keep the GIL: beside a busy
# Python thread, to get it back takes up to 5 ms.
cdef bint is_short(double nanoseconds) noexcept nogil
