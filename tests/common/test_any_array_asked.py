"""What was learned from any array answers every question in numbers, or says what is wrong.

The methods beyond those that `test_any_array` asks, and merged estimators. A few cases each;
`make nightly` runs many, with the kernels under the compiler's sanitizers.
"""

import copy

import pytest
from hypothesis import given, strategies as st

from tests.common import strange
from tests.common.estimators import assert_same_bits, learned
from tests.common.test_any_array import (
    CLASSES,
    HUGE,
    a_few,
    answers,
    assert_numbers,
    extent,
    has_exponential,
    largest,
    lessons,
    refusing,
)

COUNTS = st.sampled_from([1, 2, 5])
LENGTHS = st.sampled_from([1e-3, 1.0, 1e300])

# What is asked by name: how, of a fitted estimator, rows and a way to draw numbers.
QUESTIONS = {
    "anomaly_score": lambda of, X, draw: of.anomaly_score(X),
    "attribution": lambda of, X, draw: of.attribution(X),
    "coherence": lambda of, X, draw: of.coherence(X),
    "dense_regions": lambda of, X, draw: [
        value for region in of.dense_regions(draw(LENGTHS), draw(LENGTHS)) for value in region
    ],
    "density": lambda of, X, draw: of.density(X, directional=draw(st.booleans())),
    "embed": lambda of, X, draw: of.embed(X),
    "get_covariance": lambda of, X, draw: of.get_covariance(),
    "get_precision": lambda of, X, draw: of.get_precision(),
    "impute": lambda of, X, draw: of.impute(X),
    "inertia_curve": lambda of, X, draw: of.inertia_curve(),
    "inverse_transform": lambda of, X, draw: of.inverse_transform(of.transform(X)),
    "likely_values": lambda of, X, draw: of.likely_values(X),
    "neighbors": lambda of, X, draw: of.neighbors(X, draw(COUNTS)),
    "perplexity": lambda of, X, draw: of.perplexity(X),
    "predict_level_proba": lambda of, X, draw: of.predict_level_proba(X),
    "predict_log_proba": lambda of, X, draw: of.predict_log_proba(X),
    "predict_quantiles": lambda of, X, draw: of.predict_quantiles(X, [0.1, 0.9]),
    "recluster": lambda of, X, draw: learned(of.recluster(draw(COUNTS))),
    "sample": lambda of, X, draw: of.sample(X, draw(COUNTS), horizon=draw(COUNTS)),
    "top_interactions": lambda of, X, draw: [pair[2] for pair in of.top_interactions()],
    "top_words": lambda of, X, draw: of.top_words(n_words=draw(COUNTS)),
    # These change what was learned, and come last.
    "score_partial_fit": lambda of, X, draw: of.score_partial_fit(X, return_attribution=True),
    "forget": lambda of, X, draw: learned(of.forget(X)),
}
LOGARITHMS = ("predict_log_proba",)  # of no probability at all


def listed(answer):
    """Return the answer's arrays by number."""
    several = answer if isinstance(answer, (list, tuple)) else [answer]
    return {str(i): value for i, value in enumerate(several)}


def taught(cases, data, count):
    """Return a case, its columns, and so many estimators with what each learned, or None."""
    case = data.draw(st.sampled_from(cases))
    n_columns = data.draw(strange.n_columns)
    return case, n_columns, [learner(case, data, n_columns) for _ in range(count)]


def learner(case, data, n_columns):
    """Return an estimator that learned drawn rows in a drawn way, and the arguments, or None."""
    names = ["fit", "partial_fit"] if case.has("partial_fit") else ["fit"]
    name = data.draw(st.sampled_from(names))
    lesson = data.draw(lessons(case, n_columns))
    estimator = case.make(n_jobs=data.draw(st.sampled_from([1, 2])))
    with refusing():
        getattr(estimator, name)(**lesson)
        return estimator, lesson
    return None


def over(classes):
    """Ask a test about drawn rows of a few cases of each class."""

    def asked(test):
        test = given(data=st.data())(a_few(test))
        test = pytest.mark.filterwarnings("ignore:`inertia_` (omits|overflows):UserWarning")(test)
        return pytest.mark.parametrize("cases", classes.values(), ids=classes)(test)

    return asked


@over(CLASSES)
def test_every_question_is_answered_in_numbers_or_refused_clearly(cases, data):
    case, n_columns, (found,) = taught(cases, data, 1)
    if found is None:
        return
    estimator, lesson = found
    X = data.draw(st.sampled_from([lesson["X"], data.draw(lessons(case, n_columns))["X"]]))
    is_huge = max(extent(lesson), largest(X)) > HUGE or has_exponential(estimator)
    for name, question in QUESTIONS.items():
        if not hasattr(estimator, name):
            continue
        before = copy.deepcopy(learned(estimator))
        with refusing():
            answer = question(estimator, X, data.draw)
            may_be_infinite = is_huge or name in LOGARITHMS
            values = answer if isinstance(answer, dict) else listed(answer)
            assert_numbers(values, case, may_be_infinite=may_be_infinite, asked=f"{name}.")
            continue
        assert_same_bits(learned(estimator), before)


MERGED = {name: cases for name, cases in CLASSES.items() if cases[0].has("merge")}


@over(MERGED)
def test_estimators_of_any_arrays_are_merged_in_numbers_or_refused_clearly(cases, data):
    case, _, pair = taught(cases, data, 2)
    if None in pair:
        return
    (one, first), (other, second) = pair
    is_huge = max(extent(first), extent(second)) > HUGE or has_exponential(one)
    before, of_other = copy.deepcopy(learned(one)), copy.deepcopy(learned(other))
    done = False
    with refusing():
        one.merge(other)
        done = True
    assert_same_bits(learned(other), of_other)
    if not done:
        assert_same_bits(learned(one), before)
        return
    assert_numbers(learned(one), case, may_be_infinite=is_huge)
    assert_numbers(answers(one, first["X"]), case, may_be_infinite=is_huge)
