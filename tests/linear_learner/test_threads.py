"""BLAS's own threads change no bit of what linear learners make of many columns."""

from tests.common.processes import run_module


def test_the_threads_of_blas_do_not_change_a_bit_of_many_columns():
    module = "tests.linear_learner.digests"
    one, two = (run_module(module, OPENBLAS_NUM_THREADS=n) for n in ("1", "2"))
    assert one == two
