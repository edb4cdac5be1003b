"""Whatever the array, each estimator learns and answers in numbers, or says what is wrong.

A few cases each; `make nightly` runs a hundred thousand, with the kernels under the compiler's
sanitizers and with checks of bounds.
"""

import faulthandler
import linecache
import os
import traceback
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
import sklearn
from hypothesis import HealthCheck, given, settings, strategies as st
from scipy import sparse
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import get_tags

import algos
from tests.common import strange
from tests.common.estimators import CASES, assert_same_bits, learned, outputs

CLASSES = {}
for _case in CASES:
    if _case.is_ours:
        CLASSES.setdefault(_case.kind.__name__, []).append(_case)

# What is documented to be NaN where there is none, by the class: a loss of rows held out, and of
# those before a stream's end; a distance to the optimum after a step of a stream; R² of equal
# targets; the perplexity of a pass that did not compute it; the objective of a bare constant.
NONE_KNOWN = {
    "DeepARForecaster": {"history_.validation"},
    "FactorizationMachine": {"history_.validation", "history_.objective", "objective_"},
    "KMeans": {"history_.validation"},
    "LatentDirichletAllocation": {"history_.validation", "history_.objective"},
    "LinearLearner": {
        "history_.validation",
        "history_.seconds",
        "certificate_",
        "candidates_.certificate",
        "candidates_.r2",
    },
}
# Log-densities of models with directions of no variance, the ends of outer levels, and the
# certificates of candidates that were spared.
INFINITE = ("score_samples", "cuts", "certificate")
HUGE = 1e30  # beyond it squares, or what they are a part of, may be more than a float holds

PLACES = tuple(os.path.dirname(module.__file__) for module in (algos, sklearn))
LONGEST = 60  # seconds for one example; more is a hang
EXAMPLES = settings.default.max_examples
a_few = settings(
    max_examples=EXAMPLES if EXAMPLES > 1000 else EXAMPLES // 4 + 5,
    derandomize=EXAMPLES <= 1000,  # the hunt is the nights': by day the same cases everywhere
    suppress_health_check=list(HealthCheck),
)


def is_meant(error):
    """Tell whether somebody wrote `raise` for it, here or in scikit-learn's checks."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    line = linecache.getline(last.filename, last.lineno).strip()
    is_place = last.filename.startswith(PLACES)
    return is_place and line.startswith("raise")


@contextmanager
def refusing():
    """Let pass one clear error, and what is rightly said of odd rows."""
    faulthandler.dump_traceback_later(LONGEST, exit=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            warnings.filterwarnings("ignore", ".*: steps were left out", RuntimeWarning)
            yield
    except (ValueError, TypeError) as error:
        if not is_meant(error):
            raise
    finally:
        faulthandler.cancel_dump_traceback_later()


def largest(*arguments):
    """Return the largest magnitude of all arrays."""
    found = 0.0
    for array in arguments:
        values = array.data if sparse.issparse(array) else np.asarray(array)
        if values.dtype.kind in "fiu" and values.size:
            found = max(found, float(np.abs(values.astype(np.float64)).max()))
    return found


def extent(lesson):
    """Return the largest magnitude of a lesson's arrays, or of the reciprocals of its weights."""
    weight = np.asarray(lesson.get("sample_weight", 1.0), dtype=np.float64)
    with np.errstate(over="ignore"):
        reciprocals = 1 / weight[weight > 0]
    return max(largest(*lesson.values()), float(reciprocals.max(initial=1.0)))


def flattened(values, prefix=""):
    """Yield the attributes and the entries of those that are dicts, as "history_.objective"."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from flattened(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def assert_numbers(values, case, *, may_be_infinite, asked=""):
    """Assert that nothing is NaN that is not documented to be, and all finite but of huge data."""
    owner = case.kind.__name__.removesuffix("Classifier").removesuffix("Regressor")
    for name, value in flattened(values):
        if not isinstance(value, (float, np.ndarray)) or np.asarray(value).dtype.kind != "f":
            continue
        is_right = np.isfinite(value)
        if may_be_infinite or name.rpartition(".")[2] in INFINITE:
            is_right = ~np.isnan(value)
        if name in NONE_KNOWN.get(owner, ()):
            is_right |= np.isnan(value)
        assert np.all(is_right), f"{case.id}.{asked}{name}: {value}"


def has_exponential(estimator):
    """Tell whether its mean is an exponential, which may be more than a float holds."""
    return get_tags(estimator).target_tags.positive_only


@st.composite
def targets(draw, case, n_rows):
    """Draw what `fit` takes beside X."""
    kind = case.default()
    if is_classifier(kind):
        labels = draw(st.sampled_from([[0, 1], [0, 1, 2], [1], ["b", "a"], [-1.0, 1.0]]))
        return np.random.default_rng(draw(strange.seeds)).choice(labels, size=n_rows)
    if is_regressor(kind):
        y = draw(strange.numbers(n_rows))
        return np.abs(y) if get_tags(kind).target_tags.positive_only else y
    return None


@st.composite
def lessons(draw, case, n_columns):
    """Draw the arguments of `fit` or `partial_fit`."""
    n_rows = draw(strange.n_rows)
    positive = get_tags(case.default()).input_tags.positive_only
    X = draw(strange.rows(n_rows, n_columns, positive))
    arguments = {"X": X}
    y = draw(targets(case, n_rows))
    if y is not None:
        arguments["y"] = y
    if case.takes_weights and draw(st.booleans()):
        arguments["sample_weight"] = np.abs(draw(strange.numbers(n_rows, ["float64", "int64"])))
    return arguments


def answers(estimator, X):
    """Return all results, none where the rows or the model are refused."""
    with refusing():
        return outputs(estimator, X)
    return {}


@pytest.mark.filterwarnings("ignore:`inertia_` (omits|overflows):UserWarning")  # when read
@pytest.mark.parametrize("cases", CLASSES.values(), ids=CLASSES)
@given(data=st.data())
@a_few
def test_any_array_is_learned_in_finite_numbers_or_refused_clearly(cases, data):
    case = data.draw(st.sampled_from(cases))
    n_columns = data.draw(strange.n_columns)
    first = data.draw(lessons(case, n_columns))
    estimator = case.make(n_jobs=data.draw(st.sampled_from([1, 2])))
    seen = []
    methods = ["fit", "partial_fit"] if case.has("partial_fit") else ["fit"]
    for method in data.draw(st.lists(st.sampled_from(methods), min_size=1, max_size=2)):
        lesson = first
        if vars(estimator).get("n_features_in_") is not None:
            lesson = data.draw(lessons(case, n_columns))
        before = learned(estimator)
        done = False
        with refusing():
            getattr(estimator, method)(**lesson)
            done = True
        if not done:
            assert_same_bits(learned(estimator), before)
            continue
        seen.append(extent(lesson))
        huge = max(seen) > HUGE or has_exponential(estimator)
        assert_numbers(learned(estimator), case, may_be_infinite=huge)
        for X in (lesson["X"], first["X"]):
            beyond = huge or largest(X) > HUGE
            assert_numbers(answers(estimator, X), case, may_be_infinite=beyond)
