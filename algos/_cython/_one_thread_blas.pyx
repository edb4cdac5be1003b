"""BLAS held to one thread, safe from KeyboardInterrupt.

CPython runs signal handlers between bytecodes only, so no interrupt can come into a change
made here: nothing below runs Python code, gives the GIL away or makes an object.
An interrupt between two changes, even one between `__enter__` and the block that follows,
unwinds the frame that keeps the `Hold`, and the death of a `Hold` ends it.
"""

cimport cython
from libc.stdint cimport uintptr_t

cdef extern from *:
    """
    #ifdef Py_GIL_DISABLED
    static PyMutex algos_blas_mutex;
    #define algos_blas_lock() PyMutex_Lock(&algos_blas_mutex)
    #define algos_blas_unlock() PyMutex_Unlock(&algos_blas_mutex)
    #define algos_blas_new_lock() memset(&algos_blas_mutex, 0, sizeof algos_blas_mutex)
    #else /* the GIL is the lock */
    #define algos_blas_lock() ((void)0)
    #define algos_blas_unlock() ((void)0)
    #define algos_blas_new_lock() ((void)0)
    #endif
    """
    void _lock "algos_blas_lock"() noexcept
    void _unlock "algos_blas_unlock"() noexcept
    void _new_lock "algos_blas_new_lock"() noexcept

cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident() noexcept

cdef enum:
    MAX_LIBRARIES = 16

ctypedef int (*getter)() noexcept
ctypedef void (*setter)(int n_threads) noexcept

cdef struct Library:
    getter get
    setter set
    int saved  # the number to bring back

# A hold of the list of all that are active.
cdef struct Node:
    Node* before
    Node* after
    unsigned long thread
    bint is_active
    int saved[MAX_LIBRARIES]


cdef class Libraries:
    """BLAS libraries, and who holds them to one thread.

    Parameters
    ----------
    shared : list of (int, int)
        The addresses of the C functions that return and set the library's number of
        threads; one number for the process.
    per_thread : list of (int, int)
        The same where each thread that calls has its own number.
    """

    cdef Library _shared[MAX_LIBRARIES]
    cdef Library _per_thread[MAX_LIBRARIES]
    cdef int _n_shared, _n_per_thread
    cdef Node* _first

    def __cinit__(self, shared, per_thread):
        self._n_shared = _fill(self._shared, shared)
        self._n_per_thread = _fill(self._per_thread, per_thread)

    @property
    def n_holds(self):
        """How many holds are active."""
        cdef int count = 0
        cdef Node* node
        _lock()
        node = self._first
        while node != NULL:
            count += 1
            node = node.after
        _unlock()
        return count

    def after_fork_in_child(self):
        """Forget the holds of threads that are not here; the forking one keeps its own."""
        cdef unsigned long me = PyThread_get_thread_ident()
        cdef Node* node = self._first
        cdef Node* after
        _new_lock()
        while node != NULL:
            after = node.after
            if node.thread != me:
                self._remove(node)
            node = after

    cdef void _begin(self, Node* node) noexcept:
        cdef int i
        _lock()
        if not node.is_active:
            if self._first == NULL:
                for i in range(self._n_shared):
                    self._shared[i].saved = _limit(&self._shared[i])
            for i in range(self._n_per_thread):
                node.saved[i] = _limit(&self._per_thread[i])
            node.thread = PyThread_get_thread_ident()
            node.is_active = True
            node.before = NULL
            node.after = self._first
            if self._first != NULL:
                self._first.before = node
            self._first = node
        _unlock()

    cdef void _end(self, Node* node) noexcept:
        cdef int i
        _lock()
        if node.is_active:
            if node.thread == PyThread_get_thread_ident():
                for i in range(self._n_per_thread):
                    _restore(&self._per_thread[i], node.saved[i])
            self._remove(node)
        _unlock()

    cdef void _remove(self, Node* node) noexcept:
        cdef int i
        if node.before != NULL:
            node.before.after = node.after
        else:
            self._first = node.after
        if node.after != NULL:
            node.after.before = node.before
        node.is_active = False
        if self._first == NULL:
            for i in range(self._n_shared):
                _restore(&self._shared[i], self._shared[i].saved)


@cython.no_gc  # it is in no cycle, and `__dealloc__` needs the libraries
cdef class Hold:
    """One block in which BLAS has one thread; the first saves the numbers, the last restores."""

    cdef Libraries _libraries
    cdef Node _node

    def __cinit__(self, Libraries libraries not None):
        self._libraries = libraries

    def __enter__(self):
        self._libraries._begin(&self._node)

    def __exit__(self, kind, error, trace):
        self._libraries._end(&self._node)

    def __dealloc__(self):
        if self._libraries is not None:
            self._libraries._end(&self._node)


cdef int _fill(Library* libraries, addresses) except -1:
    cdef int i = 0
    for get, set_ in addresses[:MAX_LIBRARIES]:
        libraries[i].get = <getter> <uintptr_t> get
        libraries[i].set = <setter> <uintptr_t> set_
        i += 1
    return i


cdef inline int _limit(Library* library) noexcept:
    cdef int before = library.get()
    if before != 1:
        library.set(1)
    return before


cdef inline void _restore(Library* library, int n_threads) noexcept:
    if n_threads != 1:
        library.set(n_threads)
