"""DESIGN section 3, point 5: an int fixes everything, an instance is drawn from once."""

import numpy as np
import pytest

from algos._common.random import seed_key
from tests.common.estimators import all_cases, assert_same_bits, cases_where, learned, outputs

random_cases = cases_where(lambda case: case.has("random_state"))


@all_cases
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_call_gives_the_same_bits(case, dtype):
    X = case.rows(3000).astype(dtype)
    first, second = case.fitted(X), case.fitted(X)
    assert_same_bits(learned(first), learned(second))
    assert_same_bits(outputs(first, X), outputs(second, X))


@random_cases
def test_a_numpy_integer_is_an_integer(case):
    X = case.rows()
    seeded = case.fitted(X, random_state=np.int64(0))
    assert_same_bits(learned(seeded), learned(case.fitted(X, random_state=0)))


@random_cases
def test_an_instance_is_drawn_from_once_at_most(case):
    X = case.rows()
    used, once, never = (np.random.RandomState(3) for _ in range(3))
    case.fitted(X, random_state=used)
    seed_key(once)
    state = [used.randint(2**31), once.randint(2**31), never.randint(2**31)]
    assert state[0] in state[1:]


@random_cases
def test_a_generator_serves_as_well(case):
    X = case.rows()
    first = case.fitted(X, random_state=np.random.default_rng(5))
    second = case.fitted(X, random_state=np.random.default_rng(5))
    assert_same_bits(learned(first), learned(second))


@random_cases
def test_an_integer_seed_leaves_the_global_state_alone(case):
    X = case.rows()
    before = np.random.get_state()[1].tolist()
    case.fitted(X, random_state=0)
    assert np.random.get_state()[1].tolist() == before


@random_cases
def test_no_seed_is_numpys_global_state(case):
    X = case.rows()
    np.random.seed(7)
    first = case.fitted(X, random_state=None)
    np.random.seed(7)
    second = case.fitted(X, random_state=None)
    assert_same_bits(learned(first), learned(second))
