"""Mixtures and words of documents that keep few of many topics: see `_lda_few.h`.

A visit costs what the topics kept cost. At times a document is met with all of them, to choose
anew: `lda_mixtures` and `lda_words` do the same with all topics always.
"""

from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy, memset
from algos._cython._entry_rows cimport longest_row
from algos._cython._lda_rows cimport (
    algos_lda, algos_lda_choose, algos_lda_document, algos_lda_topics, document_of, topics_of,
)
from algos._cython._lda_words cimport WordJob, describe_words, learn_all
from algos._cython._memory cimport Scratch, scratch
from algos._cython._threads cimport run_region

cdef extern from "_lda_few.h" nogil:
    void algos_lda_background(
        const float* rows, const float* priors, float prior, Py_ssize_t width,
        const int32_t* words, Py_ssize_t size, const float* masses, float total, float* out)
    void algos_lda_gather(
        const float* rows, const float* priors, float prior, Py_ssize_t stride,
        const float* background, const int32_t* words, Py_ssize_t size,
        const int32_t* topics, Py_ssize_t few, const float* masses, Py_ssize_t width,
        float* block)
    void algos_lda_scatter(
        const int32_t* topics, const float* mixture, Py_ssize_t size, float weight,
        float* sums)
    Py_ssize_t algos_lda_choose_few(
        const float* theta, const float* prior, Py_ssize_t width, float least,
        Py_ssize_t most, float* room, int32_t* topics)

algos_lda_choose(4)

cdef enum:
    CHUNK = 32  # documents
    WORDS = 64
    RUN = 256   # rows summed in float32


cdef struct FewJob:
    const int64_t* indptr     # (n + 1,)
    const int32_t* words      # (stored,)
    const float* counts       # (stored,)
    Py_ssize_t n
    algos_lda_topics topics
    const float* prior        # (P,)
    const float* weights      # (P,)
    int32_t* kept             # (n, M)
    int32_t* sizes            # (n,)
    float* mixtures           # (n, M)
    float* used               # (n, M)
    float* shares             # (stored,)
    double* likelihoods       # (chunks,)
    float* background         # (V,): Σ prior φ
    double mass               # Σ prior
    const int32_t* numbers    # (longest,): 0, 1, 2, …
    Py_ssize_t most           # M
    Py_ssize_t n_dense, n_sparse
    const int32_t* present    # (n_present,): words
    Py_ssize_t n_present
    float* masses             # (P,): prior weights
    float total               # their sum
    double least              # share of a document's tokens, for a topic to be kept
    bint is_warm
    float* rooms
    Py_ssize_t room


cdef inline Py_ssize_t _whole(Py_ssize_t size) noexcept nogil:
    return max(<Py_ssize_t> 16, (size + 15) // 16 * 16)


cdef void _meet_all(
    const FewJob* job, Py_ssize_t d, const algos_lda_document* document, float* room
) noexcept nogil:
    """Make passes over a document with all topics, and choose those that it keeps."""
    cdef Py_ssize_t width = job.topics.width, k, i
    cdef float* theta = room
    cdef float* a = room + width
    cdef float* sums = room + 2 * width
    cdef int32_t* kept = job.kept + d * job.most
    cdef float* mixture = job.mixtures + d * job.most
    cdef double total = 0
    memcpy(theta, job.prior, width * sizeof(float))
    if job.is_warm:
        for i in range(job.sizes[d]):
            theta[kept[i]] = mixture[i]
    for k in range(width):
        a[k] = theta[k] * job.weights[k]
    for i in range(job.n_dense):
        algos_lda.pass_(
            &job.topics, document, a, sums, job.shares + job.indptr[d], i == 0)
        algos_lda.mix(job.prior, job.weights, sums, width, theta, a, &total)
    job.sizes[d] = <int32_t> algos_lda_choose_few(
        theta, job.prior, width, 0, job.most - 1, sums, kept)
    for i in range(job.sizes[d]):
        mixture[i] = theta[kept[i]]


# A thread's memory for a document with the topics that it keeps.
cdef struct FewRoom:
    float* prior    # (M,), as those that follow
    float* weights
    float* a
    float* sums
    float* block    # (longest, M): the words' entries for these topics


cdef inline FewRoom _few_room(const FewJob* job, float* room) noexcept nogil:
    cdef Py_ssize_t most = job.most
    return FewRoom(room, room + most, room + 2 * most, room + 3 * most, room + 4 * most)


cdef inline double _gather_few(
    const FewJob* job, Py_ssize_t d, const algos_lda_document* document, const FewRoom* at
) noexcept nogil:
    """Gather the entries of a document's topics, followed by all others as one.

    Returns the prior of the others.
    """
    cdef Py_ssize_t size = job.sizes[d], width = _whole(size + 1), j
    cdef const int32_t* kept = job.kept + d * job.most
    cdef float* mixture = job.mixtures + d * job.most
    cdef double others = job.mass
    for j in range(width):
        if j > size:
            mixture[j] = 0
        at.prior[j] = job.prior[kept[j]] if j < size else 0
        at.weights[j] = job.weights[kept[j]] if j < size else 0
        at.a[j] = at.prior[j] * at.weights[j]
        others -= at.prior[j]
    algos_lda_gather(
        job.topics.rows, job.topics.priors, job.topics.prior, job.topics.width,
        job.background, document.words, document.size, kept, size, at.a, width, at.block)
    at.prior[size], at.weights[size] = 1, 1
    return others


cdef inline double _pass_few(
    const FewJob* job, Py_ssize_t d, const algos_lda_document* document, const FewRoom* at
) noexcept nogil:
    """Make passes over the gathered entries; return Σ θ of the topics before the last one."""
    cdef Py_ssize_t size = job.sizes[d], _i, j
    cdef float* mixture = job.mixtures + d * job.most
    cdef float* used = job.used + d * job.most
    cdef algos_lda_document here
    cdef algos_lda_topics gathered
    cdef double total = 0, before = 0
    for j in range(size):
        at.a[j] = mixture[j] * at.weights[j]
        total += mixture[j]
    mixture[size], at.a[size] = 1, 1
    gathered.rows, gathered.priors, gathered.prior = at.block, NULL, 0
    gathered.width = _whole(size + 1)
    here.words, here.counts, here.size = job.numbers, document.counts, document.size
    for _i in range(job.n_sparse):
        before = total
        for j in range(size):
            used[j] = mixture[j] - at.prior[j]
        algos_lda.pass_(&gathered, &here, at.a, at.sums, job.shares + job.indptr[d], 0)
        algos_lda.mix(
            at.prior, at.weights, at.sums, gathered.width, mixture, at.a, &total)
        total -= mixture[size]
        mixture[size], at.a[size] = 1, 1
    return before


cdef inline void _drop_faded(
    const FewJob* job, Py_ssize_t d, const float* prior
) noexcept nogil:
    """Drop topics, whose last values are still needed for the sums over words."""
    cdef float* mixture = job.mixtures + d * job.most
    cdef double tokens = 0
    cdef Py_ssize_t j
    for j in range(job.sizes[d]):
        tokens += mixture[j] - prior[j]
    for j in range(job.sizes[d]):
        if mixture[j] - prior[j] <= job.least * tokens:
            mixture[j] = 0


cdef double _meet_few(
    const FewJob* job, Py_ssize_t d, const algos_lda_document* document, float* room
) noexcept nogil:
    """Make passes over a document with the topics that it keeps; drop those that fade."""
    cdef FewRoom at = _few_room(job, room)
    cdef double others = _gather_few(job, d, document, &at)
    cdef double before = _pass_few(job, d, document, &at)
    _drop_faded(job, d, at.prior)
    return algos_lda.log(
        document.counts, job.shares + job.indptr[d], document.size, before + max(others, 0.0))


cdef inline void _forget_dropped(const FewJob* job, Py_ssize_t d) noexcept nogil:
    """Close the gaps that dropped topics left in the visit before."""
    cdef int32_t* kept = job.kept + d * job.most
    cdef float* mixture = job.mixtures + d * job.most
    cdef Py_ssize_t j, found = 0
    for j in range(job.sizes[d]):
        if mixture[j] > 0:
            kept[found], mixture[found] = kept[j], mixture[j]
            found += 1
    job.sizes[d] = <int32_t> found


cdef void _background_task(void* arg, Py_ssize_t chunk, int slot) noexcept nogil:
    cdef FewJob* job = <FewJob*> arg
    cdef Py_ssize_t begin = chunk * WORDS
    algos_lda_background(
        job.topics.rows, job.topics.priors, job.topics.prior, job.topics.width,
        job.present + begin, min(<Py_ssize_t> WORDS, job.n_present - begin), job.masses,
        job.total, job.background)


cdef void _few_task(void* arg, Py_ssize_t chunk, int slot) noexcept nogil:
    cdef FewJob* job = <FewJob*> arg
    cdef algos_lda_document document
    cdef Py_ssize_t d
    cdef double sum = 0
    cdef float* room = job.rooms + slot * job.room
    for d in range(chunk * CHUNK, min(job.n, (chunk + 1) * CHUNK)):
        document = document_of(job.indptr, job.words, job.counts, d)
        if job.is_warm:
            _forget_dropped(job, d)
        if job.n_dense > 0:
            _meet_all(job, d, &document, room)
        sum += _meet_few(job, d, &document, room)
    job.likelihoods[chunk] = sum


cdef void _sum_priors(FewJob* job) noexcept nogil:
    """Σ prior φ of a word: its probability in a document with only the prior."""
    cdef float total = 0
    cdef Py_ssize_t k
    job.mass = 0
    for k in range(job.topics.width):
        job.masses[k] = job.prior[k] * job.weights[k]
        total += job.masses[k]
        job.mass += job.prior[k]
    job.total = total


cdef double _mix_all(FewJob* job, Py_ssize_t n_words, int n_threads) except? -1:
    """Allocate memory, and infer the mixtures of all documents; return their log-likelihood."""
    cdef Py_ssize_t width = job.topics.width, chunks = (job.n + CHUNK - 1) // CHUNK, i
    cdef Py_ssize_t longest = longest_row(job.indptr, job.n), stored = job.indptr[job.n]
    job.room = _whole(max(3 * width, (4 + longest) * job.most))
    cdef Scratch rooms = scratch(min(<Py_ssize_t> n_threads, chunks) * job.room, sizeof(float))
    cdef Scratch likelihoods = scratch(chunks, sizeof(double))
    cdef Scratch numbers = scratch(longest, sizeof(int32_t))
    cdef Scratch background = scratch(n_words, sizeof(float))
    cdef Scratch masses = scratch(width, sizeof(float))
    cdef double total = 0
    for i in range(longest):
        (<int32_t*> numbers.data)[i] = <int32_t> i
    job.rooms, job.numbers = <float*> rooms.data, <int32_t*> numbers.data
    job.likelihoods = <double*> likelihoods.data
    job.background, job.masses = <float*> background.data, <float*> masses.data
    _sum_priors(job)
    with nogil:
        run_region(
            _background_task, job, (job.n_present + WORDS - 1) // WORDS,
            0.1 * width * job.n_present, n_threads)
        run_region(
            _few_task, job, chunks,
            (0.1 * width * job.n_dense + 50 + 5 * job.n_sparse) * (stored + job.n), n_threads)
        for i in range(chunks):
            total += job.likelihoods[i]
    return total


def mix_few(
    const int64_t[::1] indptr,  # IN (n + 1,)
    const int32_t[::1] words,   # IN (stored,), below V
    const float[::1] counts,    # IN (stored,), above 0
    const int32_t[::1] present,  # IN (m,): words that the documents hold
    const float[:, ::1] rows,   # IN (V, P): b up to the prior of words
    const float[::1] priors,    # IN (V,), or None: `prior` for every word
    double prior,
    const float[::1] document_prior,  # IN (P,), 0 in the padding
    const float[::1] weights,   # IN (P,): φ = b weights; 0 in the padding
    int32_t[:, ::1] kept,       # INOUT (n, M): topics; M a multiple of 16
    int32_t[::1] sizes,         # INOUT (n,): how many
    float[:, ::1] mixtures,     # INOUT (n, M): θ of them, 0 for one that was dropped
    float[:, ::1] used,         # OUT (n, M): θ - prior at the start of the last pass
    float[::1] shares,          # OUT (stored,)
    bint is_warm,               # begin with the topics kept
    Py_ssize_t n_dense,         # passes with all topics before few are chosen
    Py_ssize_t n_sparse,        # passes with these, at least 1
    double least,               # share of the tokens below which a topic is dropped at the end
    int n_threads,
):
    """Infer mixtures of few topics; return the documents' log-likelihood in their last pass."""
    cdef FewJob job
    if indptr.shape[0] == 1:
        return 0.0
    job.indptr, job.n = &indptr[0], indptr.shape[0] - 1
    job.words = &words[0] if words.shape[0] else NULL
    job.counts = &counts[0] if counts.shape[0] else NULL
    job.shares = &shares[0] if shares.shape[0] else NULL
    job.topics = topics_of(rows, priors, prior)
    job.prior, job.weights = &document_prior[0], &weights[0]
    job.kept, job.sizes, job.most = &kept[0, 0], &sizes[0], kept.shape[1]
    job.mixtures, job.used = &mixtures[0, 0], &used[0, 0]
    job.is_warm, job.n_dense, job.n_sparse, job.least = is_warm, n_dense, n_sparse, least
    job.present, job.n_present = &present[0] if present.shape[0] else NULL, present.shape[0]
    return _mix_all(&job, rows.shape[0], n_threads)


cdef struct FewWordJob:
    WordJob words
    const int32_t* kept       # (n, M)
    const int32_t* sizes      # (n,)
    const float* used         # (n, M)
    const float* prior        # (P,)
    Py_ssize_t most
    double* wholes            # (slots, P)


cdef void _sum_few(void* arg, Py_ssize_t i, int slot, float* sums) noexcept nogil:
    cdef FewWordJob* job = <FewWordJob*> arg
    cdef const WordJob* words = &job.words
    cdef Py_ssize_t width = words.topics.width, e, d, k
    cdef int64_t begin = words.starts[i], end = words.starts[i + 1]
    cdef bint is_long = end - begin > RUN
    cdef double* whole = job.wholes + slot * width
    cdef double share = 0
    memset(sums, 0, width * sizeof(float))
    if is_long:
        memset(whole, 0, width * sizeof(double))
    for e in range(begin, end):
        d = words.documents[e]
        share += words.shares[words.places[e]]
        algos_lda_scatter(
            job.kept + d * job.most, job.used + d * job.most, job.sizes[d],
            words.shares[words.places[e]], sums)
        if is_long and ((e - begin) % RUN == RUN - 1 or e == end - 1):
            for k in range(width):
                whole[k] += sums[k]
                sums[k] = <float> whole[k] if e == end - 1 else 0
    for k in range(width):
        sums[k] += <float> share * job.prior[k]


def learn_words_of_few(
    const int32_t[::1] present,    # IN (m,): words that have entries
    const int64_t[::1] starts,     # IN (m + 1,)
    const int32_t[::1] documents,  # IN (stored,)
    const int32_t[::1] places,     # IN (stored,)
    const float[::1] shares,       # IN (stored,)
    const int32_t[:, ::1] kept,    # IN (n, M)
    const int32_t[::1] sizes,      # IN (n,)
    const float[:, ::1] used,      # IN (n, M): θ - prior that made the shares
    const float[::1] document_prior,  # IN (P,), 0 in the padding
    const float[:, ::1] rows,      # IN (V, P): b up to the prior of words; may be `counts`
    const float[::1] priors,       # IN (V,), or None: `prior` for every word
    double prior,
    const float[::1] weights,      # IN (P,)
    float[:, ::1] counts,          # INOUT (V, P) := keep · counts + gain · expected counts
    double[::1] totals,            # OUT (P,): the sum of the expected counts
    double keep,
    double gain,
    int n_threads,
):
    """Update the rows of the words present; others are unchanged."""
    cdef FewWordJob job
    if present.shape[0] == 0:
        totals[:] = 0
        return
    cdef Scratch wholes = scratch(n_threads * rows.shape[1], sizeof(double))
    describe_words(
        &job.words, present, starts, documents, places, shares, rows, priors, prior, weights,
        counts, keep, gain)
    job.words.sum, job.wholes = _sum_few, <double*> wholes.data
    job.kept, job.sizes, job.used, job.most = &kept[0, 0], &sizes[0], &used[0, 0], kept.shape[1]
    job.prior = &document_prior[0]
    learn_all(&job.words, totals, 60.0 * documents.shape[0], n_threads)
