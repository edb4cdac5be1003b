/* A pool of plain system threads that run one C function over numbered tasks.
 *
 * The workers never touch Python: they need no GIL to begin or to end, so a busy
 * Python thread cannot delay them. They sleep between regions (no spinning), are made on
 * first use, and made anew in a forked child. All locking goes through CPython's own
 * thread layer, which exists on every platform that CPython supports.
 */
#ifndef ALGOS_POOL_H
#define ALGOS_POOL_H

#include <Python.h>
#include <pythread.h>
#include <string.h>

#define ALGOS_POOL_MAX_THREADS 256

typedef void (*algos_task)(void *arg, Py_ssize_t task, int slot);

typedef struct {
    algos_task run;
    void *arg;
    Py_ssize_t n_tasks;
    Py_ssize_t *next; /* the next task that nobody has taken */
} algos_job;

static struct {
    PyThread_type_lock guard;                        /* protects every field below */
    PyThread_type_lock idle;                         /* the last worker to leave releases it */
    PyThread_type_lock wake[ALGOS_POOL_MAX_THREADS]; /* one binary semaphore a worker */
    char woken[ALGOS_POOL_MAX_THREADS];              /* its semaphore is released already */
    int n_workers;
    int busy;      /* a region is running */
    int open;      /* workers may still join it */
    int n_inside;  /* workers that joined and have not left */
    int next_slot; /* slot 0 is the caller's */
    int max_slots;
    int caller_waits;
    Py_ssize_t next;
    algos_job job;
} algos_pool;

static Py_ssize_t algos_take(Py_ssize_t *next) {
#ifdef _MSC_VER
    return (Py_ssize_t)_InterlockedExchangeAdd64((volatile __int64 *)next, 1);
#else
    return __atomic_fetch_add(next, 1, __ATOMIC_RELAXED);
#endif
}

static void algos_drain(const algos_job *job, int slot) {
    for (;;) {
        Py_ssize_t task = algos_take(job->next);
        if (task >= job->n_tasks)
            return;
        job->run(job->arg, task, slot);
    }
}

static void algos_worker(void *index_as_pointer) {
    const int index = (int)(Py_ssize_t)index_as_pointer;
    const PyThread_type_lock wake = algos_pool.wake[index];
    for (;;) {
        PyThread_acquire_lock(wake, WAIT_LOCK);
        PyThread_acquire_lock(algos_pool.guard, WAIT_LOCK);
        algos_pool.woken[index] = 0;
        if (algos_pool.open && algos_pool.next_slot < algos_pool.max_slots) {
            const int slot = algos_pool.next_slot++;
            const algos_job job = algos_pool.job;
            algos_pool.n_inside++;
            PyThread_release_lock(algos_pool.guard);
            algos_drain(&job, slot);
            PyThread_acquire_lock(algos_pool.guard, WAIT_LOCK);
            if (--algos_pool.n_inside == 0 && algos_pool.caller_waits) {
                algos_pool.caller_waits = 0;
                PyThread_release_lock(algos_pool.idle);
            }
        }
        PyThread_release_lock(algos_pool.guard);
    }
}

/* Called at import, and in a forked child before it has a second thread: the parent's
 * threads are not there, and its locks may have been held at the fork, so both are left
 * behind. Returns 0, or -1 without memory: then every region runs inline. */
static int algos_pool_renew(void) {
    PyThread_type_lock guard = PyThread_allocate_lock();
    PyThread_type_lock idle = PyThread_allocate_lock();
    memset(&algos_pool, 0, sizeof(algos_pool));
    if (guard == NULL || idle == NULL)
        return -1;
    PyThread_acquire_lock(idle, WAIT_LOCK); /* only a leaving worker opens it */
    algos_pool.guard = guard;
    algos_pool.idle = idle;
    return 0;
}

/* Called with the guard held. Fewer workers than wished is no error. */
static void algos_pool_grow(int n_workers) {
    while (algos_pool.n_workers < n_workers) {
        const int index = algos_pool.n_workers;
        PyThread_type_lock wake = PyThread_allocate_lock();
        if (wake == NULL)
            return;
        PyThread_acquire_lock(wake, WAIT_LOCK);
        algos_pool.wake[index] = wake;
        algos_pool.woken[index] = 0;
        if (PyThread_start_new_thread(algos_worker, (void *)(Py_ssize_t)index) ==
            PYTHREAD_INVALID_THREAD_ID) {
            PyThread_free_lock(wake);
            return;
        }
        algos_pool.n_workers++;
    }
}

/* Called with the guard held. */
static void algos_pool_open(const algos_job *job, int n_threads) {
    algos_pool.busy = 1;
    algos_pool_grow(n_threads - 1);
    algos_pool.next = 0;
    algos_pool.job = *job;
    algos_pool.job.next = &algos_pool.next;
    algos_pool.n_inside = 0;
    algos_pool.next_slot = 1;
    algos_pool.max_slots = n_threads;
    algos_pool.open = 1;
    for (int i = 0; i < n_threads - 1 && i < algos_pool.n_workers; i++)
        if (!algos_pool.woken[i]) {
            algos_pool.woken[i] = 1;
            PyThread_release_lock(algos_pool.wake[i]);
        }
}

/* Called with the guard held; returns with it released. A worker that has not started by
 * now finds the region closed and goes back to sleep: nobody waits for it. */
static void algos_pool_close(void) {
    algos_pool.open = 0;
    if (algos_pool.n_inside > 0) {
        algos_pool.caller_waits = 1;
        PyThread_release_lock(algos_pool.guard);
        PyThread_acquire_lock(algos_pool.idle, WAIT_LOCK);
        PyThread_acquire_lock(algos_pool.guard, WAIT_LOCK);
    }
    algos_pool.busy = 0;
    PyThread_release_lock(algos_pool.guard);
}

/* Run tasks 0 … n_tasks-1, each once, on at most n_threads threads, the caller's being one
 * of them (slot 0). A region inside a region, or beside one of another caller, runs inline. */
static void algos_pool_run(algos_task run, void *arg, Py_ssize_t n_tasks, int n_threads) {
    Py_ssize_t inline_next = 0;
    algos_job job = {run, arg, n_tasks, &inline_next};
    if (n_threads > ALGOS_POOL_MAX_THREADS)
        n_threads = ALGOS_POOL_MAX_THREADS;
    if (n_threads > n_tasks)
        n_threads = (int)n_tasks;
    if (n_threads > 1 && algos_pool.guard != NULL) {
        PyThread_acquire_lock(algos_pool.guard, WAIT_LOCK);
        if (!algos_pool.busy) {
            algos_pool_open(&job, n_threads);
            PyThread_release_lock(algos_pool.guard);
            job.next = &algos_pool.next;
            algos_drain(&job, 0);
            PyThread_acquire_lock(algos_pool.guard, WAIT_LOCK);
            algos_pool_close();
            return;
        }
        PyThread_release_lock(algos_pool.guard);
    }
    algos_drain(&job, 0);
}

#endif
