/* Registers of floats for one instruction set: what the loops over rows of topics are written in.
 * A file for `_levels.h` includes this at its beginning, and again at its end to forget it.
 *
 * A row of up to MOST registers is held in them: WIDTHS(CASE) is a CASE for each such width. Of
 * 32 bytes there are 16 registers, and more than 8 for a row are none to spare: what is spilled
 * comes back from the nearest cache, and loops of known length still take a third less time. */
#ifndef LANES
#define N ALGOS_NAME
#define LANES ((Py_ssize_t)(ALGOS_BYTES / sizeof(float)))
#define SPREAD(x) ((x) - (N(lda_vec)){0})
#define LOAD(p) (*(const N(lda_loose) *)(p))
#define STORE(p) (*(N(lda_loose) *)(p))
#if ALGOS_BYTES == 32 /* rows are multiples of 16 floats: an even number of registers */
#define MOST 16
#define WIDTHS(CASE) CASE(2) CASE(4) CASE(6) CASE(8) CASE(10) CASE(12) CASE(14) CASE(16)
#else
#define MOST 8
#define WIDTHS(CASE) CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
#endif

typedef float N(lda_vec) __attribute__((vector_size(ALGOS_BYTES)));
typedef float N(lda_loose) __attribute__((vector_size(ALGOS_BYTES), aligned(4), may_alias));
typedef int32_t N(lda_index) __attribute__((vector_size(ALGOS_BYTES), may_alias));
#else
#undef N
#undef LANES
#undef SPREAD
#undef LOAD
#undef STORE
#undef MOST
#undef WIDTHS
#endif
