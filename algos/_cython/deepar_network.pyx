"""Loss and gradient of a recurrent network over a batch of windows: see `_deepar_lane.h`.

A batch is divided into lanes of rows, by its size alone; one thread runs a lane forward and
backward, and the losses and gradients are added in lane order.
"""

from cython cimport floating
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memset
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region

cdef extern from "_deepar_lane.h" nogil:
    enum:
        ALGOS_DEEPAR_LAYERS
        ALGOS_DEEPAR_HEAD
    ctypedef struct algos_deepar_job:
        Py_ssize_t n_inputs, n_reals, width, layers, n_outputs, n_categories
        Py_ssize_t n_static, static_width
        const int64_t* categories
        const int64_t* offsets
        Py_ssize_t most_windows, most_steps
        Py_ssize_t windows, steps
        const void* weights
        const void* x
        const void* targets
        const void* mask
        const void* reals
        const void* scale
        const int32_t* values
        int kind
        uint32_t dropout, zoneout
        const uint64_t* key
        uint64_t step
        Py_ssize_t lane_rows, n_lanes
        char* shared
        char* rooms
        size_t room
        void* grads
        double* losses
    Py_ssize_t algos_deepar_size(const algos_deepar_job* job)
    Py_ssize_t algos_deepar_most_lanes(const algos_deepar_job* job)
    Py_ssize_t algos_deepar_rows(const algos_deepar_job* job)
    void algos_deepar_cut(algos_deepar_job* job, Py_ssize_t windows)
    uint32_t algos_deepar_threshold(double probability)
    size_t algos_deepar_shared_bytes_f32(const algos_deepar_job* job)
    size_t algos_deepar_shared_bytes_f64(const algos_deepar_job* job)
    size_t algos_deepar_lane_bytes_f32(const algos_deepar_job* job)
    size_t algos_deepar_lane_bytes_f64(const algos_deepar_job* job)
    void algos_deepar_prepare_f32(const algos_deepar_job* job)
    void algos_deepar_prepare_f64(const algos_deepar_job* job)
    void algos_deepar_run_f32(const algos_deepar_job* job, Py_ssize_t lane, int slot)
    void algos_deepar_run_f64(const algos_deepar_job* job, Py_ssize_t lane, int slot)
    void algos_deepar_reduce_f32(const algos_deepar_job* job, float* out)
    void algos_deepar_reduce_f64(const algos_deepar_job* job, double* out)
    int algos_deepar_choose_products(int limit)
    ctypedef struct algos_deepar_products_f32:
        void (*multiply)(
            const float* init, Py_ssize_t ldi, const float* x, Py_ssize_t ldx, Py_ssize_t rows,
            Py_ssize_t k, const float* w, Py_ssize_t n, float* out, Py_ssize_t ldo) noexcept
        void (*accumulate)(
            const float* a, Py_ssize_t lda, const float* b, Py_ssize_t ldb, Py_ssize_t k,
            Py_ssize_t m, Py_ssize_t n, float* out) noexcept
    const algos_deepar_products_f32* algos_deepar_product_f32

algos_deepar_choose_products(4)

MOST_LAYERS = ALGOS_DEEPAR_LAYERS
MOST_OUTPUTS = ALGOS_DEEPAR_HEAD


cdef void _task_f32(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    algos_deepar_run_f32(<const algos_deepar_job*> arg, lane, slot)


cdef void _task_f64(void* arg, Py_ssize_t lane, int slot) noexcept nogil:
    algos_deepar_run_f64(<const algos_deepar_job*> arg, lane, slot)


cdef double _nanoseconds(const algos_deepar_job* job) noexcept nogil:
    """Estimated time on one thread: six multiplications a weight and value, 20 in a nanosecond."""
    return 0.15 * <double> algos_deepar_size(job) * job.windows * job.steps


cdef double _sum(const floating[:, ::1] mask) noexcept nogil:
    cdef Py_ssize_t t, i
    cdef double total = 0
    for t in range(mask.shape[0]):
        for i in range(mask.shape[1]):
            total += mask[t, i]
    return total


cdef class Network:
    """A network's sizes, and memory for batches; it serves one caller at a time.

    Made by `algos.deepar.network.make_network`. Losses are negative log-likelihoods, weighted by
    the mask; targets with mask 0 are ignored.
    """

    cdef algos_deepar_job job
    cdef Scratch shared, rooms, grads, losses
    cdef const int64_t[:, ::1] categories
    cdef const int64_t[::1] offsets
    cdef Py_ssize_t n_lanes
    cdef int n_threads
    cdef bint is_double

    def __init__(
        self,
        const int64_t[::1] sizes,          # IN (5,): inputs, static reals, width, layers, outputs
        const int64_t[:, ::1] categories,  # IN (n_categories, 2): cardinality and dimension
        const int64_t[::1] offsets,        # IN: of the weights' parts, and the end
        Py_ssize_t n_windows,              # at most
        Py_ssize_t n_steps,                # at most
        int n_threads,
        bint is_double,
    ):
        cdef algos_deepar_job* job = &self.job
        cdef Py_ssize_t j
        memset(job, 0, sizeof(algos_deepar_job))
        self.categories, self.offsets = categories, offsets
        self.is_double = is_double
        job.n_inputs, job.n_reals, job.width = sizes[0], sizes[1], sizes[2]
        job.layers, job.n_outputs = sizes[3], sizes[4]
        if not 0 < job.layers <= ALGOS_DEEPAR_LAYERS or job.n_outputs > ALGOS_DEEPAR_HEAD:
            raise ValueError(f"{job.layers} layers, of at most {ALGOS_DEEPAR_LAYERS}")
        job.n_static, job.n_categories = job.n_reals, categories.shape[0]
        for j in range(job.n_categories):
            job.n_static += categories[j, 1]
        job.static_width = (job.n_static + 7) // 8 * 8
        job.categories = &categories[0, 0] if job.n_categories else NULL
        job.offsets = &offsets[0]
        job.most_windows, job.most_steps = max(<Py_ssize_t> 1, n_windows), n_steps
        algos_deepar_cut(job, job.most_windows)
        if is_double:
            job.room = algos_deepar_lane_bytes_f64(job)
        else:
            job.room = algos_deepar_lane_bytes_f32(job)
        # a smaller batch may have more lanes, but not more than this
        self.n_lanes = min(
            algos_deepar_most_lanes(job),
            (job.most_windows - 1) // algos_deepar_rows(job) + 1)
        self.n_threads = <int> max(<Py_ssize_t> 1, min(<Py_ssize_t> n_threads, self.n_lanes))

    @property
    def n_bytes(self):
        """Bytes of memory: for each thread the values of a lane's forward pass."""
        return (self._shared_bytes() + self.job.room * self.n_threads
                + self.n_lanes * algos_deepar_size(&self.job) * self._itemsize())

    def allocate(self):
        """Allocate the memory, which is reused for all batches."""
        cdef algos_deepar_job* job = &self.job
        self.losses = scratch(self.n_lanes, sizeof(double))
        self.grads = scratch(self.n_lanes * algos_deepar_size(job), self._itemsize())
        self.shared = scratch(self._shared_bytes(), 1)
        self.rooms = scratch(<Py_ssize_t> job.room * self.n_threads, 1)
        job.shared, job.rooms = <char*> self.shared.data, <char*> self.rooms.data
        job.losses = <double*> self.losses.data

    cdef Py_ssize_t _itemsize(self) noexcept:
        return sizeof(double) if self.is_double else sizeof(float)

    cdef Py_ssize_t _shared_bytes(self) noexcept:
        if self.is_double:
            return <Py_ssize_t> algos_deepar_shared_bytes_f64(&self.job)
        return <Py_ssize_t> algos_deepar_shared_bytes_f32(&self.job)

    def gradient(
        self,
        const floating[::1] weights,          # IN (size,)
        const floating[:, :, ::1] inputs,     # IN (steps, windows, n_inputs)
        const floating[:, ::1] static,        # IN (windows, n_static)
        const int32_t[:, ::1] categories,     # IN (windows, n_categories)
        const floating[:, ::1] targets,       # IN (steps, windows)
        const floating[:, ::1] mask,          # IN (steps, windows), >= 0
        const floating[::1] scale,            # IN (windows,)
        int kind,                             # of likelihood
        double dropout,                       # of the outputs of layers, in [0, 1)
        double zoneout,                       # of cells and outputs of all layers, in [0, 1)
        const uint64_t[::1] key,              # IN (2,): with `step` the name of what is random
        uint64_t step,
        floating[::1] grads,                  # OUT (size,): of the sum of losses
    ):
        """Compute the gradient of the sum of losses; return (that sum, sum of the mask)."""
        cdef algos_deepar_job* job = &self.job
        self._set_batch(weights, inputs, static, categories, targets, mask, scale)
        if grads.shape[0] != weights.shape[0]:
            raise ValueError(f"grads has {grads.shape[0]} numbers, weights {weights.shape[0]}")
        job.kind, job.key, job.step = kind, &key[0], step
        job.dropout = algos_deepar_threshold(dropout)
        job.zoneout = algos_deepar_threshold(zoneout)
        job.grads = self.grads.data
        with nogil:
            self._run()
            if floating is float:
                algos_deepar_reduce_f32(job, &grads[0])
            else:
                algos_deepar_reduce_f64(job, &grads[0])
        return self._total(), _sum(mask)

    def loss(
        self,
        const floating[::1] weights,          # IN (size,)
        const floating[:, :, ::1] inputs,     # IN (steps, windows, n_inputs)
        const floating[:, ::1] static,        # IN (windows, n_static)
        const int32_t[:, ::1] categories,     # IN (windows, n_categories)
        const floating[:, ::1] targets,       # IN (steps, windows)
        const floating[:, ::1] mask,          # IN (steps, windows), >= 0
        const floating[::1] scale,            # IN (windows,)
        int kind,                             # of likelihood
        double zoneout=0.0,                   # in expectation
    ):
        """Compute (sum of losses, sum of the mask), with nothing dropped."""
        cdef algos_deepar_job* job = &self.job
        self._set_batch(weights, inputs, static, categories, targets, mask, scale)
        job.kind, job.grads = kind, NULL
        job.dropout = 0
        job.zoneout = algos_deepar_threshold(zoneout)
        with nogil:
            self._run()
        return self._total(), _sum(mask)

    cdef void _run(self) noexcept nogil:
        cdef algos_deepar_job* job = &self.job
        cdef double work = _nanoseconds(job)
        if self.is_double:
            algos_deepar_prepare_f64(job)
            run_region(_task_f64, job, job.n_lanes, work, self.n_threads)
        else:
            algos_deepar_prepare_f32(job)
            run_region(_task_f32, job, job.n_lanes, work, self.n_threads)

    cdef double _total(self) noexcept:
        cdef Py_ssize_t lane
        cdef double total = 0
        for lane in range(self.job.n_lanes):
            total += self.job.losses[lane]
        return total

    cdef int _set_batch(
        self, const floating[::1] weights, const floating[:, :, ::1] inputs,
        const floating[:, ::1] static, const int32_t[:, ::1] categories,
        const floating[:, ::1] targets, const floating[:, ::1] mask, const floating[::1] scale,
    ) except -1:
        cdef algos_deepar_job* job = &self.job
        cdef Py_ssize_t windows = inputs.shape[1], i, j
        if job.rooms == NULL:
            raise ValueError("the network has no memory yet; call allocate()")
        if self.is_double != (sizeof(floating) == sizeof(double)):
            raise ValueError("the network's memory is for numbers of another type")
        if windows == 0 or windows > job.most_windows or inputs.shape[0] > job.most_steps:
            raise ValueError(
                f"a batch of {windows} windows of {inputs.shape[0]} steps does not fit into "
                f"{job.most_windows} of {job.most_steps}")
        if (weights.shape[0] != algos_deepar_size(job) or inputs.shape[2] != job.n_inputs
                or static.shape[1] != job.n_reals or categories.shape[1] != job.n_categories
                or targets.shape[0] != inputs.shape[0] or mask.shape[0] != inputs.shape[0]
                or targets.shape[1] != windows or mask.shape[1] != windows
                or static.shape[0] != windows or categories.shape[0] != windows
                or scale.shape[0] != windows):
            raise ValueError("the shapes of a batch's arrays and the network disagree")
        for i in range(windows):
            for j in range(job.n_categories):
                if not 0 <= categories[i, j] < self.categories[j, 0]:
                    raise ValueError(
                        f"category {j} of window {i} is {categories[i, j]}, beyond the "
                        f"{self.categories[j, 0]} that have an embedding")
        algos_deepar_cut(job, windows)
        job.steps = inputs.shape[0]
        job.weights, job.x = &weights[0], &inputs[0, 0, 0] if inputs.size else NULL
        job.targets, job.mask, job.scale = &targets[0, 0], &mask[0, 0], &scale[0]
        job.reals = &static[0, 0] if job.n_reals else NULL
        job.values = &categories[0, 0] if job.n_categories else NULL
        return 0


def _test_choose_level(int limit):
    """Use the best instruction set up to `limit` (0, 3 or 4), for tests; return its level."""
    return algos_deepar_choose_products(limit)


def _test_multiply(
    const float[::1] init,    # IN (n,)
    const float[:, ::1] x,    # IN (rows, k)
    const float[:, ::1] w,    # IN (k, n), n a multiple of 8
    float[:, ::1] out,        # OUT (rows, n)
):
    """Compute init + x w."""
    algos_deepar_product_f32.multiply(
        &init[0], 0, &x[0, 0], x.shape[1], x.shape[0], x.shape[1], &w[0, 0], w.shape[1],
        &out[0, 0], w.shape[1])


def _test_accumulate(
    const float[:, ::1] a,    # IN (k, m)
    const float[:, ::1] b,    # IN (k, n), n a multiple of 8
    float[:, ::1] out,        # INOUT (m, n)
):
    """Compute out += aᵀ b."""
    algos_deepar_product_f32.accumulate(
        &a[0, 0], a.shape[1], &b[0, 0], b.shape[1], a.shape[0], a.shape[1], b.shape[1],
        &out[0, 0])
