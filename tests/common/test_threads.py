"""DESIGN section 3, points 5 and 6: any number of threads, the same bits; forks; callers."""

import os
from concurrent.futures import ThreadPoolExecutor

import joblib
import pytest

from algos._common import threads
from tests.common.estimators import (
    CASES,
    all_cases,
    assert_same_bits,
    cases_where,
    learned,
    outputs,
)
from tests.common.processes import run_module


def run_digests(*arguments, **environment):
    return run_module("tests.common.digests", *arguments, **environment)


@pytest.fixture(scope="module")
def expected():
    """The digests of a process that has one thread for everything."""
    return run_digests(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")


def test_the_threads_of_blas_do_not_change_a_bit(expected):
    assert run_digests(OPENBLAS_NUM_THREADS="2") == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_a_forked_child_fits_to_the_same_bits(expected):
    assert run_digests("fork") == expected


@cases_where(lambda case: case.has("n_jobs"))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_n_jobs_does_not_change_a_bit(case, dtype, monkeypatch):
    monkeypatch.setattr(threads, "_core_limit", lambda: 5)  # more than some machines have
    X = case.rows(20_000, 12).astype(dtype)
    one = case.fitted(X, n_jobs=1)
    results = outputs(one, X)
    for n_jobs in (2, 5):
        several = case.fitted(X, n_jobs=n_jobs)
        assert_same_bits(learned(several), learned(one))
        assert_same_bits(outputs(several, X), results)


@all_cases
def test_concurrent_calls_answer_as_one_call_does(case):
    X = case.rows(3000)
    estimator = case.fitted(X)
    expected = outputs(estimator, X)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: outputs(estimator, X), range(12)):
            assert_same_bits(found, expected)


@all_cases
def test_concurrent_fits_learn_what_one_fit_does(case):
    X = case.rows(3000)
    expected = learned(case.fitted(X))
    with ThreadPoolExecutor(3) as pool:
        for found in pool.map(lambda _: learned(case.fitted(X)), range(6)):
            assert_same_bits(found, expected)


def fit_all(cases):
    return [learned(case.fitted(case.rows(3000))) for case in cases]


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_joblib_workers_learn_what_the_process_itself_does(backend):
    halves = [CASES[::2], CASES[1::2]]
    with joblib.Parallel(n_jobs=2, backend=backend) as parallel:
        found = parallel(joblib.delayed(fit_all)(cases) for cases in halves)
    for cases, results in zip(halves, found, strict=True):
        for case, ours, alone in zip(cases, results, fit_all(cases), strict=True):
            assert_same_bits(ours, alone, case.id)
