"""Pairs of doubles against rational arithmetic."""

from fractions import Fraction

import numpy as np
from hypothesis import given, strategies as st

from algos.linear_learner.solvers.double_double import Pair, add, divide, multiply, pair, total

numbers = st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-6)


def exact(a):
    return Fraction(float(a.high)) + Fraction(float(a.low))


@given(numbers, numbers, numbers)
def test_operations_have_thirty_digits(x, y, z):
    a, b = pair(np.float64(x)), pair(np.float64(y))
    product, scale = multiply(a, b), 1 + abs(x) + abs(y)
    assert exact(product) == Fraction(x) * Fraction(y)
    assert exact(add(a, b)) == Fraction(x) + Fraction(y)
    both = add(product, pair(np.float64(z)))
    error = exact(both) - Fraction(x) * Fraction(y) - Fraction(z)
    assert abs(error) <= 1e-30 * scale**2 + 1e-30 * abs(z)
    if z:
        quotient = exact(divide(product, np.float64(z))) * Fraction(z)
        assert abs(quotient - exact(product)) <= 1e-30 * scale**2


@given(st.lists(numbers, min_size=1, max_size=20))
def test_sums_have_thirty_digits(values):
    column = np.array(values)[:, np.newaxis]
    found = total(Pair(column, np.zeros_like(column)), axis=0)
    error = exact(Pair(found.high[0], found.low[0])) - sum(Fraction(v) for v in values)
    assert abs(error) <= 1e-29 * sum(abs(v) for v in values)
