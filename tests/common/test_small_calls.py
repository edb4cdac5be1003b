"""DESIGN section 3, point 10: one row is cheap, and the import is light.

Nothing is timed here. What makes one row dear is scikit-learn's validation and the import
of other packages, and both can be counted.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from algos._common import validation
from tests.common.estimators import all_cases, assert_same_bits, outputs

HEAVY = {
    "sklearn.cluster",
    "sklearn.decomposition",
    "sklearn.ensemble",
    "matplotlib",
    "pandas",
    "polars",
    "pyarrow",
}


@all_cases
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_plain_row_does_not_pass_through_the_slow_validation(case, dtype, monkeypatch):
    X = case.rows().astype(dtype)
    estimator = case.fitted(X)
    expected = outputs(estimator, np.asfortranarray(X[:2]))  # takes the slow way

    def refuse(*arguments, **keywords):
        raise AssertionError("validate_data was called for a plain row")

    monkeypatch.setattr(validation, "validate_data", refuse)
    assert_same_bits(outputs(estimator, X[:2]), expected)


@all_cases
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_alone_has_the_bits_it_has_among_others(case, dtype):
    X = case.rows(300).astype(dtype)
    estimator = case.fitted(X)
    together = outputs(estimator, X)
    for i in (0, 7, 299):
        for name, alone in outputs(estimator, X[i : i + 1]).items():
            assert_same_bits(alone[0], together[name][i], name)


def loaded_by(code):
    """Return the modules that `code` loads beyond those of scikit-learn's base classes."""
    program = f"""
import sys, sklearn.base
before = set(sys.modules)
{code}
print(*sorted(set(sys.modules) - before))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(done.stdout.split())


def test_importing_the_package_loads_no_room_and_nothing_heavy():
    loaded = loaded_by("import algos")
    assert not loaded & HEAVY
    assert {name for name in loaded if name.startswith("algos.")} <= {"algos._version"}


def test_taking_every_public_name_loads_nothing_heavy():
    code = "import algos\nfor name in getattr(algos, '__all__', ()): getattr(algos, name)"
    assert not loaded_by(code) & HEAVY


def test_using_the_ground_floor_loads_nothing_heavy():
    code = (
        "from tests.common.running_mean import RunningMeanRegressor\n"
        "import algos.callbacks\n"
        "import numpy as np\n"
        "X = np.eye(3); RunningMeanRegressor().fit(X, X[0]).predict(X)"
    )
    assert not loaded_by(code) & HEAVY


def test_the_public_names_are_listed():
    import algos

    assert set(getattr(algos, "__all__", ())) <= set(dir(algos))
