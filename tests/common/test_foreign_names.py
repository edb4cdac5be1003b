"""SageMaker's hyperparameters, pasted as keywords, are ours or are answered with ours."""

import inspect
import re

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

import algos

_BLOCKS = ("bias", "linear", "factors")
_INITS = ("method", "sigma", "scale", "value")
_LINEAR = """predictor_type num_classes feature_dim mini_batch_size epochs loss optimizer
learning_rate momentum beta_1 beta_2 bias_lr_mult bias_wd_mult use_lr_scheduler lr_scheduler_step
lr_scheduler_factor lr_scheduler_minimum_lr wd l1 use_bias init_method init_scale init_sigma
init_bias normalize_data normalize_label unbias_data unbias_label num_point_for_scaler num_models
num_calibration_samples positive_example_weight_mult balance_multiclass_weights
binary_classifier_model_selection_criteria f_beta target_precision target_recall accuracy_top_k
early_stopping_patience early_stopping_tolerance margin quantile loss_insensitivity huber_delta"""
_MACHINE = " ".join(
    ["feature_dim num_factors predictor_type epochs mini_batch_size clip_gradient eps rescale_grad"]
    + [f"{block}_{rate}" for block in _BLOCKS for rate in ("lr", "wd")]
    + [f"{block}_init_{way}" for block in _BLOCKS for way in _INITS]
)
# All that its documentation lists, other names of its SDK, and some of other libraries.
NAMES = {
    "LinearLearnerClassifier": _LINEAR,
    "LinearLearnerRegressor": _LINEAR,
    "KMeans": """feature_dim k epochs mini_batch_size init_method extra_center_factor
        half_life_time_size local_lloyd_init_method local_lloyd_max_iter local_lloyd_tol
        local_lloyd_num_trials eval_metrics center_factor max_iterations num_trials
        local_init_method tol batch_size""",
    "PCA": """feature_dim mini_batch_size num_components algorithm_mode extra_components
        subtract_mean""",
    "LatentDirichletAllocation": """num_topics feature_dim mini_batch_size alpha0 max_restarts
        max_iterations tol""",
    "FactorizationMachineClassifier": _MACHINE,
    "FactorizationMachineRegressor": _MACHINE,
    "RandomCutForest": """num_trees num_samples_per_tree feature_dim eval_metrics mini_batch_size
        n_trees window_size seed""",
    "DeepARForecaster": """context_length epochs prediction_length time_freq cardinality
        dropout_rate early_stopping_patience embedding_dimension learning_rate likelihood
        mini_batch_size num_cells num_dynamic_feat num_eval_samples num_layers test_quantiles""",
}


@pytest.mark.parametrize("owner", NAMES)
def test_all_of_sagemakers_names_are_known_or_answered_in_one_call(owner):
    kind = getattr(algos, owner)
    pasted = NAMES[owner].split()
    wrong = [name for name in pasted if name not in inspect.signature(kind).parameters]
    with pytest.raises(TypeError) as caught:
        kind(**dict.fromkeys(pasted, 1))
    first, *answers = str(caught.value).split("\n")
    assert first == f"{owner} has no parameters {', '.join(map(repr, wrong))}; write"
    assert [line.split(":")[0] for line in answers] == [f"  for {name!r}" for name in wrong]


@pytest.mark.parametrize("owner", NAMES)
def test_one_wrong_name_is_answered_in_one_line(owner):
    kind = getattr(algos, owner)
    name = next(n for n in NAMES[owner].split() if n not in inspect.signature(kind).parameters)
    with pytest.raises(TypeError, match=f"^{owner} has no parameter '{name}'; write .+$"):
        kind(**{name: 1})
    with pytest.raises(TypeError, match=rf"{owner} has no parameter 'foo'; see help\({owner}\)"):
        kind(foo=1)
    assert clone(kind(verbose=1)).verbose == 1


@pytest.mark.parametrize(
    ("owner", "name", "remedy"),
    [
        ("LinearLearnerRegressor", "power_t", "write learning_rate_step=… and learning_rate_fact"),
        ("LinearLearnerClassifier", "power_t", "write learning_rate_step=… and learning_rate_fac"),
        ("LinearLearnerRegressor", "eps", "write nothing: alpha='auto' finds"),
        ("LinearLearnerRegressor", "solver_options", "write nothing: "),
        ("LinearLearnerRegressor", "lr", "write learning_rate_init"),
        ("LinearLearnerClassifier", "lambda", "write alpha"),
        ("LinearLearnerClassifier", "l2", "write alpha=… and l1_ratio=0"),
        ("KMeans", "init_size", "write nothing: initial centres are drawn"),
        ("KMeans", "seed", "write random_state"),
        ("KMeans", "random_seed", "write random_state"),
        ("KMeans", "n_centers", "write n_clusters"),
        ("DeepARForecaster", "random_seed", "write random_state"),
        ("LinearLearnerClassifier", "max_iterations", "write max_iter"),
        ("LinearLearnerRegressor", "max_iteration", "write max_iter"),
        ("PCA", "n_centers", "see help(PCA)"),
        ("PCA", "ncomp", "write n_components"),
        ("PCA", "svd", "write svd_solver"),
        ("FactorizationMachineRegressor", "step_size", "write learning_rate_init"),
        ("DeepARForecaster", "input_size", "write nothing: "),
        ("KMeans", "n_cluster", "did you mean 'n_clusters'?"),
        ("PCA", "cop", "did you mean 'copy'?"),
        ("PCA", "comp", "see help(PCA)"),
    ],
)
def test_names_that_only_look_like_a_parameter_are_not_taken_for_it(owner, name, remedy):
    kind = getattr(algos, owner)
    text = re.escape(f"{owner} has no parameter {name!r}; {remedy}")
    with pytest.raises(TypeError, match=text):
        kind(**{name: 1})
    with pytest.raises(ValueError, match=rf"^Invalid parameter {name!r} for estimator.*\n{text}"):
        kind().set_params(**{name: 1})


def test_a_wrong_name_in_a_pipeline_is_answered_too():
    pipeline = make_pipeline(algos.PCA(), algos.LinearLearnerClassifier())
    with pytest.raises(ValueError, match=r"write alpha=1 / \(C \* n_samples\)"):
        pipeline.set_params(linearlearnerclassifier__C=1)
    with pytest.raises(ValueError, match=r"Invalid parameter 'wrong' for estimator PCA\(\)"):
        pipeline.set_params(pca__wrong=1)
    with pytest.raises(ValueError, match=r"\n  for 'C': alpha=1.*\n  for 'cv': "):
        algos.LinearLearnerClassifier().set_params(C=1, cv=2)


@pytest.mark.parametrize("owner", NAMES)
def test_no_answer_is_for_a_parameter_that_there_is(owner):
    kind = getattr(algos, owner)
    assert not set(kind.__init__.foreign_names) & set(inspect.signature(kind).parameters)


@pytest.mark.parametrize(
    ("owner", "name", "value", "remedy"),
    [
        ("LinearLearnerRegressor", "alpha", "1e-4", "write LinearLearnerRegressor(alpha=0.0001)"),
        ("LinearLearnerRegressor", "n_alphas", "8", "write LinearLearnerRegressor(n_alphas=8)"),
        ("PCA", "svd_solver", "regular", "did you mean PCA(svd_solver='covariance_eigh')?"),
        ("KMeans", "init", "kmeans++", "did you mean KMeans(init='k-means++')?"),
        ("DeepARForecaster", "likelihood", "student-T", "(likelihood='student_t')?"),
    ],
)
def test_values_of_a_job_which_are_strings_are_answered_with_ours(owner, name, value, remedy):
    X = np.random.default_rng(0).normal(size=(20, 30))
    with pytest.raises(ValueError, match=re.escape(remedy) + "$"):
        getattr(algos, owner)(**{name: value}).fit(X, X[:, 0])
