"""The solver chosen by "auto", by loss and size."""

from types import SimpleNamespace

import numpy as np
import pytest

from algos.factorization_machine.choice import choose_solver
from algos.factorization_machine.rows import Columns, Rows, Table

ESTIMATOR = SimpleNamespace(solver="auto", n_factors=8)


def table_of(n, *, weight=1.0):
    indices = np.arange(10 * n, dtype=np.int32) % 10
    rows = Rows(np.arange(0, 10 * n + 1, 10), indices, None, 10)
    keys = np.zeros(n, dtype=np.uint64)
    ones = np.ones(n, dtype=np.int64)
    return Table(rows, np.zeros(n), np.full(n, weight), ones, keys, Columns(10))


@pytest.mark.parametrize(
    ("loss", "n", "n_classes", "expected"),
    [
        ("squared_error", 40_000, 0, "mcmc"),
        ("ordered_probit", 40_000, 5, "mcmc"),
        ("log_loss", 10_000, 2, "mcmc"),
        ("log_loss", 40_000, 2, "adagrad"),
        ("log_loss", 5_000, 3, "mcmc"),
        ("log_loss", 10_000, 3, "adagrad"),
        ("bpr", 100, 2, "adagrad"),
    ],
)
def test_it_is_chosen_by_loss_and_size(loss, n, n_classes, expected):
    assert choose_solver(ESTIMATOR, table_of(n), loss, n_classes)[0] == expected


def test_fractional_weights_of_classes_are_not_sampled():
    assert choose_solver(ESTIMATOR, table_of(50, weight=0.5), "log_loss", 2)[0] == "adagrad"


def test_more_factors_are_sampled_of_fewer_rows():
    many = SimpleNamespace(solver="auto", n_factors=64)
    assert choose_solver(many, table_of(10_000), "log_loss", 2)[0] == "adagrad"
