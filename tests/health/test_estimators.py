"""health.inspect on scikit-learn's multilayer perceptrons: what it counts is what they compute."""

import subprocess
import sys

import numpy as np
import pytest

from halfwave import health
from halfwave.health import estimators

pytest.importorskip("sklearn")

from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

PERCEPTRONS = {
    "classifier": (MLPClassifier, lambda X: (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)),
    "regressor": (MLPRegressor, lambda X: X[:, :2] @ [[1.0, 2.0], [3.0, -1.0]]),
}
# They need not be good.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
each_perceptron = pytest.mark.parametrize("kind", PERCEPTRONS)


def samples(n=200, dtype=np.float64):
    return np.random.default_rng(1).normal(size=(n, 6)).astype(dtype)


def fitted(kind="classifier", dtype=np.float64, **options):
    make, target = PERCEPTRONS[kind]
    options = {"hidden_layer_sizes": (12, 8), "max_iter": 5, "random_state": 0, **options}
    X = samples(dtype=dtype)
    return make(**options).fit(X, target(X))


def outputs_of(estimator, X):
    """What scikit-learn itself computes: the outputs of every hidden layer."""
    computed = estimator._forward_pass([X, *[None] * (estimator.n_layers_ - 1)])
    return [output.copy() for output in computed[1:-1]]


def silence(estimator, layer, *units):
    """A bias that nothing makes up for."""
    estimator.intercepts_[layer][list(units)] = -1e3
    return estimator


def units_of(verdict):
    return np.flatnonzero(verdict).tolist()


# What is counted ----------------------------------------------------------------------------------


@each_perceptron
def test_planted_silent_units_are_found_and_no_others(kind):
    estimator = silence(silence(fitted(kind), 0, 3, 7), 1, 2)
    report = health.inspect(estimator, samples())
    assert list(report) == ["coefs_[0]", "coefs_[1]"]
    assert units_of(report["coefs_[0]"].silent) == [3, 7]
    assert units_of(report["coefs_[1]"].silent) == [2]
    assert [report[name].units for name in report] == [12, 8]


@each_perceptron
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_counts_equal_a_direct_computation(kind, dtype):
    estimator = silence(fitted(kind, dtype), 0, 5)
    assert estimator.coefs_[0].dtype == dtype
    X = samples(333, dtype)
    report = health.inspect(estimator, X)
    for layer, output in zip(report.layers.values(), outputs_of(estimator, X), strict=True):
        assert output.dtype == dtype
        assert layer.kind == "relu"
        assert layer.samples == 333
        assert layer.fired.tolist() == (output > 0).sum(axis=0).tolist()
        assert layer.min.tolist() == output.min(axis=0).tolist()
        assert layer.max.tolist() == output.max(axis=0).tolist()
        np.testing.assert_allclose(layer.mean, output.mean(axis=0, dtype=np.float64))


@pytest.mark.parametrize("kind", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("dtype", [np.int64, np.float16, np.float32, np.float64])
def test_hidden_outputs_have_the_bits_of_the_estimator_s_own(kind, dtype):
    estimator, X = fitted(activation=kind), (10 * samples()).astype(dtype)
    ours = estimators._hidden_outputs(estimator, X)
    for got, expected in zip(ours, outputs_of(estimator, X), strict=True):
        assert got.dtype == expected.dtype
        assert got.tobytes() == expected.tobytes()


@pytest.mark.parametrize("kind", ["tanh", "logistic", "identity"])
def test_other_activations_have_statistics_and_no_verdicts(kind):
    estimator = silence(fitted(activation=kind), 0, 3)
    layer = health.inspect(estimator, samples())["coefs_[0]"]
    output = outputs_of(estimator, samples())[0]
    assert layer.kind == kind
    assert not layer.silent.any()
    assert not layer.always_on.any()
    assert np.isnan(layer.firing_rate).all()
    assert layer.min.tolist() == output.min(axis=0).tolist()


def test_a_silent_unit_has_the_bound_of_its_samples():
    report = health.inspect(fitted(), samples(100))
    assert report["coefs_[0]"].bound == pytest.approx(1 - 0.05 ** (1 / 100))
    assert report["coefs_[0]"].training is None


def test_without_a_backward_pass_no_unit_counts_as_not_updated():
    layer = health.inspect(fitted(), samples())["coefs_[0]"]
    assert layer.not_updated is None
    assert layer.not_updated_because == "no backward pass was seen"


def test_outgoing_weights_that_are_all_zero_are_evidence():
    estimator = fitted()
    estimator.coefs_[1][4] = 0
    estimator.coefs_[2][[1, 6]] = 0
    estimator.coefs_[2][2, 0] = 0  # of several
    report = health.inspect(estimator, samples())
    assert units_of(report["coefs_[0]"].outgoing_zero) == [4]
    assert "its outgoing weights are zero" in report["coefs_[0]"].why[4]
    assert units_of(report["coefs_[1]"].outgoing_zero)[-1] == 6
    assert units_of(report["coefs_[1]"].outgoing_zero)[:1] == [1]


def test_weights_that_overflow_are_told():
    estimator = fitted()
    estimator.coefs_[0][:, 2] = np.inf
    with np.errstate(invalid="ignore"):
        layer = health.inspect(estimator, samples())["coefs_[0]"]
    assert units_of(layer.nonfinite) == [2]
    assert 2 not in units_of(layer.silent)


def test_the_estimator_stays_as_it_is():
    estimator = fitted()
    before = [array.copy() for array in (*estimator.coefs_, *estimator.intercepts_)]
    names = set(vars(estimator))
    X = samples()
    kept = X.copy()
    health.inspect(estimator, X)
    after = [*estimator.coefs_, *estimator.intercepts_]
    assert all(a.tobytes() == b.tobytes() for a, b in zip(before, after, strict=True))
    assert set(vars(estimator)) == names
    assert X.tobytes() == kept.tobytes()


def test_many_samples_are_counted_in_batches_the_last_and_smaller_one_too(monkeypatch):
    estimator, X = silence(fitted(), 1, 2), samples(1000)
    whole = health.inspect(estimator, X)
    monkeypatch.setattr(estimators, "AT_ONCE", 12 * 64)
    sizes = [len(outputs[0]) for outputs in estimators._batches(estimator, X)]
    assert sizes == [64] * 15 + [40]
    parts = health.inspect(estimator, X)
    for name in whole:
        assert parts[name].samples == 1000
        assert parts[name].fired.tolist() == whole[name].fired.tolist()
        assert units_of(parts[name].silent) == units_of(whole[name].silent)


# How the samples come -----------------------------------------------------------------------------


def test_lists_data_frames_and_sparse_arrays_count_alike():
    sparse = pytest.importorskip("scipy.sparse")
    pandas = pytest.importorskip("pandas")
    estimator, X = fitted(), samples()
    X[X < 0.5] = 0
    expected = health.inspect(estimator, X)["coefs_[0]"].fired.tolist()
    formats = (sparse.csr_array, sparse.csc_matrix, sparse.coo_array)
    for given in (X.tolist(), pandas.DataFrame(X), *(make(X) for make in formats)):
        assert health.inspect(estimator, given)["coefs_[0]"].fired.tolist() == expected


def test_a_data_frame_of_several_dtypes_is_taken():
    pandas = pytest.importorskip("pandas")
    X = samples().round()
    frame = pandas.DataFrame(X).astype({0: "int8", 1: "float32", 2: "Int64"})
    expected = health.inspect(fitted(), X)["coefs_[0]"].fired
    assert health.inspect(fitted(), frame)["coefs_[0]"].fired.tolist() == expected.tolist()


def test_a_data_frame_with_its_columns_in_another_order_is_refused():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(samples(), columns=list("abcdef"))
    estimator = MLPClassifier((4,), max_iter=5, random_state=0).fit(frame, frame["a"] > 0)
    assert health.inspect(estimator, frame).units == 4
    with pytest.raises(ValueError) as error:
        health.inspect(estimator, frame[list("abcdfe")])
    assert str(error.value) == (
        "column 4 of X is 'f', and the estimator was fitted with 'e' there; "
        "pass X[estimator.feature_names_in_]"
    )


# What holds a perceptron --------------------------------------------------------------------------


def test_of_a_pipeline_the_transformers_are_applied_first():
    X, y = samples(), samples()[:, 0] > 0
    perceptron = MLPClassifier((9,), max_iter=5, random_state=0)
    pipeline = make_pipeline(StandardScaler(), "passthrough", PCA(3), perceptron).fit(X, y)
    report = health.inspect(pipeline, X)
    (output,) = outputs_of(pipeline[-1], pipeline[:-1].transform(X))
    assert report["coefs_[0]"].fired.tolist() == (output > 0).sum(axis=0).tolist()


def test_a_pipeline_may_choose_among_the_columns_by_name():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(samples(), columns=list("abcdef"))
    chosen = ColumnTransformer([("scaled", MinMaxScaler(), ["d", "b"])])
    pipeline = make_pipeline(
        chosen, MLPRegressor(hidden_layer_sizes=(5,), max_iter=5, random_state=0)
    )
    pipeline.fit(frame, frame["a"])
    expected = health.inspect(pipeline, frame)["coefs_[0]"].fired.tolist()
    shuffled = frame[list("fedcba")]
    assert health.inspect(pipeline, shuffled)["coefs_[0]"].fired.tolist() == expected


def test_of_a_search_the_best_estimator_is_inspected():
    X, y = samples(), samples()[:, 0] > 0
    pipeline = make_pipeline(StandardScaler(), MLPClassifier((3,), max_iter=5, random_state=0))
    search = GridSearchCV(pipeline, {"mlpclassifier__hidden_layer_sizes": [(4,), (7,)]}, cv=2)
    search.fit(X, y)
    best = search.best_params_["mlpclassifier__hidden_layer_sizes"]
    assert health.inspect(search, X).units == best[0]


def test_of_a_transformed_target_the_regressor_is_inspected():
    X = samples()
    wrapped = TransformedTargetRegressor(
        MLPRegressor(hidden_layer_sizes=(6,), max_iter=5, random_state=0),
        transformer=StandardScaler(),
    ).fit(X, X[:, 0])
    assert health.inspect(wrapped, X).units == 6


# Mistakes -----------------------------------------------------------------------------------------


def with_at(row, column, number):
    X = samples()
    X[row, column] = number
    return X


MISTAKES = {
    "features": (
        lambda: (fitted(), samples()[:, :5]),
        ValueError,
        (
            "X has 5 features, and the estimator was fitted with 6; pass the samples as predict takes "
            "them"
        ),
    ),
    "one sample": (
        lambda: (fitted(), samples()[0]),
        ValueError,
        "X has shape (6,); pass a row of 6 features for each sample",
    ),
    "no samples": (
        lambda: (fitted(), samples()[:0]),
        ValueError,
        "X has no samples, so nothing would be known; pass some",
    ),
    "NaN": (
        lambda: (fitted(), with_at(7, 2, np.nan)),
        ValueError,
        (
            "X has NaN or infinity among the samples 0 to 199; pass the samples as predict takes them, "
            "without missing values"
        ),
    ),
    "infinity": (
        lambda: (fitted(), with_at(7, 2, -np.inf)),
        ValueError,
        (
            "X has NaN or infinity among the samples 0 to 199; pass the samples as predict takes them, "
            "without missing values"
        ),
    ),
    "text": (
        lambda: (fitted(), [["a"] * 6]),
        TypeError,
        (
            "X is of dtype <U1, which does not hold numbers alone; pass the samples as predict takes "
            "them"
        ),
    ),
    "objects": (
        lambda: (fitted(), [[None] * 5 + ["a"]]),
        TypeError,
        (
            "X is of dtype object, which does not hold numbers alone; pass the samples as predict "
            "takes them"
        ),
    ),
    "complex": (
        lambda: (fitted(), samples() + 1j),
        TypeError,
        (
            "X is of dtype complex128, which does not hold numbers alone; pass the samples as predict "
            "takes them"
        ),
    ),
    "not fitted": (
        lambda: (MLPClassifier(), samples()),
        ValueError,
        "this MLPClassifier is not fitted; call its fit(X, y) first",
    ),
    "no hidden layer": (
        lambda: (fitted(hidden_layer_sizes=()), samples()),
        ValueError,
        (
            "this estimator has no hidden layer, so it has no units to inspect; fit one whose "
            "hidden_layer_sizes is not empty"
        ),
    ),
    "a search that has not run": (
        lambda: (GridSearchCV(MLPClassifier(), {}), samples()),
        ValueError,
        "this GridSearchCV has no best_estimator_; call its fit(X, y) first, with refit=True",
    ),
    "another estimator": (
        lambda: (LogisticRegression().fit(samples(), samples()[:, 0] > 0), samples()),
        TypeError,
        (
            "health.inspect takes scikit-learn's MLPClassifier or MLPRegressor, and this is of type "
            "LogisticRegression; pass the fitted perceptron inside it, or the activations to "
            "health.Stats"
        ),
    ),
    "a pipeline of others": (
        lambda: (make_pipeline(StandardScaler()).fit(samples()), samples()),
        TypeError,
        (
            "health.inspect takes scikit-learn's MLPClassifier or MLPRegressor, and this is of type "
            "StandardScaler; pass the fitted perceptron inside it, or the activations to health.Stats"
        ),
    ),
    "another activation": (
        lambda: (fitted().set_params(activation="softmax"), samples()),
        ValueError,
        (
            "activation is 'softmax', and health.inspect knows relu, tanh, logistic, identity; pass "
            "the hidden layers' outputs to health.Stats"
        ),
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes(mistake):
    make, kind, message = MISTAKES[mistake]
    arguments = make()
    with pytest.raises(kind) as error:
        health.inspect(*arguments)
    assert str(error.value) == message


def test_nan_in_a_sparse_array_is_seen():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(ValueError, match="X has NaN or infinity among the samples 0 to 199"):
        health.inspect(fitted(), sparse.csr_array(with_at(7, 2, np.nan)))


def test_a_missing_value_in_a_data_frame_is_seen():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(samples().round()).astype("Int64")
    frame.iloc[3, 3] = pandas.NA
    with pytest.raises((TypeError, ValueError), match="pass the samples as predict takes them"):
        health.inspect(fitted(), frame)


def test_health_imports_no_scikit_learn():
    code = "import sys; from halfwave import health; print('sklearn' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout == "False\n"
