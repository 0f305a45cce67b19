"""scikit-learn's multilayer perceptrons as a source of unit health.

scikit-learn is not imported: an estimator is known by the attributes that its fit sets.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from halfwave.health.rectifier import Rectifier
from halfwave.health.report import Report
from halfwave.health.stats import Stats

Floats = NDArray[np.floating[Any]]

AT_ONCE = 2**22
"""How many outputs of the widest layer are held in memory: 32 MiB of float64."""


def inspect(estimator: Any, X: Any) -> Report:
    """Count what the hidden units of a fitted MLPClassifier or MLPRegressor do on samples.

    The hidden layers are computed as ``predict`` computes them: the same operations in the same
    dtypes, many samples at once. The estimator is not changed.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, or what holds one
        Fitted. Of a ``Pipeline`` that ends in such an estimator the transformers are applied first;
        of a search, such as ``GridSearchCV``, the best estimator is taken, and of a
        ``TransformedTargetRegressor`` its regressor.
    X : array_like, DataFrame or SciPy sparse array, of shape (n_samples, n_features)
        The samples, as ``predict`` takes them. They should differ from each other: of a unit that
        fires on none of them the report says how seldom it fires at most, with 95 % confidence.

    Returns
    -------
    Report
        A layer for each entry of ``hidden_layer_sizes``, under the name of its weights: the units of
        ``coefs_[0]`` are the columns of that matrix. With ``activation="relu"`` it has the verdicts;
        with the others, which have no side where the slope is 0, the statistics alone.

    Raises
    ------
    TypeError
        If `estimator` is none of these, or `X` does not hold numbers.
    ValueError
        If it is not fitted or has no hidden layer, or if `X` does not fit it: the number of features
        or their names, no samples, or NaN or infinity among them.

    Examples
    --------
    >>> from halfwave import health
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = MLPClassifier(hidden_layer_sizes=(16, 8), max_iter=2000, random_state=0).fit(X, y)
    >>> mlp.intercepts_[0][3] = -1e3    # what one step too long can do
    >>> report = health.inspect(mlp, X)
    >>> report["coefs_[0]"].why[3]
    'silent on all samples seen'
    """
    perceptron, X = _perceptron(estimator, X)
    _require_hidden_layers(perceptron)
    _require_names(perceptron, X)
    samples = _samples(perceptron, X)
    outgoing = perceptron.coefs_[1:]
    stats = [Stats(_rectifier(perceptron.activation)) for _ in outgoing]
    for outputs in _batches(perceptron, samples):
        for counted, output in zip(stats, outputs, strict=True):
            counted.update(output, training=False)
    layers = [
        replace(counted.layer(f"coefs_[{i}]"), outgoing_zero=~(weights != 0).any(axis=1))
        for i, (counted, weights) in enumerate(zip(stats, outgoing, strict=True))
    ]
    return Report({layer.name: layer for layer in layers})


# The estimator


def _perceptron(estimator: Any, X: Any) -> tuple[Any, Any]:
    """The perceptron inside an estimator, and the samples as they arrive there."""
    if hasattr(estimator, "steps"):
        *transformers, (_, last) = estimator.steps
        for _, transformer in transformers:
            if transformer not in (None, "passthrough"):
                X = transformer.transform(X)
        return _perceptron(last, X)
    for inner in ("best_estimator_", "regressor_"):
        if hasattr(estimator, inner):
            return _perceptron(getattr(estimator, inner), X)
    if all(hasattr(estimator, name) for name in ("coefs_", "intercepts_", "activation")):
        return estimator, X
    raise _refused(estimator)


def _refused(estimator: Any) -> TypeError | ValueError:
    """What is wrong with an estimator that holds no fitted perceptron."""
    kind = type(estimator).__name__
    if hasattr(estimator, "hidden_layer_sizes"):
        return ValueError(f"this {kind} is not fitted; call its fit(X, y) first")
    if hasattr(estimator, "refit"):
        return ValueError(
            f"this {kind} has no best_estimator_; call its fit(X, y) first, with refit=True"
        )
    return TypeError(
        f"health.inspect takes scikit-learn's MLPClassifier or MLPRegressor, and this is of type "
        f"{kind}; pass the fitted perceptron inside it, or the activations to health.Stats"
    )


def _require_names(estimator: Any, X: Any) -> None:
    """Refuse a table whose columns are not those of the fit: by their order alone they would fit."""
    fitted = getattr(estimator, "feature_names_in_", None)
    given = list(getattr(X, "columns", ()))
    if fitted is None or not given or not all(isinstance(name, str) for name in given):
        return
    for place, (ours, theirs) in enumerate(zip(fitted, given, strict=False)):
        if ours != theirs:
            raise ValueError(
                f"column {place} of X is {theirs!r}, and the estimator was fitted with {ours!r} there; "
                f"pass X[estimator.feature_names_in_]"
            )


def _require_hidden_layers(perceptron: Any) -> None:
    if len(perceptron.coefs_) < 2:
        raise ValueError(
            "this estimator has no hidden layer, so it has no units to inspect; fit one whose "
            "hidden_layer_sizes is not empty"
        )


def _rectifier(kind: str) -> Rectifier | str:
    if kind not in _IN_PLACE:
        raise ValueError(
            f"activation is {kind!r}, and health.inspect knows {', '.join(_IN_PLACE)}; pass the "
            f"hidden layers' outputs to health.Stats"
        )
    return kind if kind == "relu" else Rectifier(kind, None, silences=False)


# The samples


def _samples(perceptron: Any, X: Any) -> Any:
    """The samples as a matrix whose rows can be taken."""
    # Of SciPy's formats not every one has rows to take.
    matrix = X.tocsr() if hasattr(X, "tocsr") else _numbers(X)
    features = perceptron.coefs_[0].shape[0]
    if matrix.ndim != 2:
        raise ValueError(
            f"X has shape {matrix.shape}; pass a row of {features} features for each sample"
        )
    if matrix.shape[1] != features:
        raise ValueError(
            f"X has {matrix.shape[1]} features, and the estimator was fitted with {features}; pass "
            f"the samples as predict takes them"
        )
    if not matrix.shape[0]:
        raise ValueError("X has no samples, so nothing would be known; pass some")
    return matrix


def _numbers(X: Any) -> NDArray[Any]:
    array = np.asarray(X)
    if array.dtype.kind == "O":  # as a table of several dtypes becomes
        with suppress(TypeError, ValueError):
            array = array.astype(np.float64)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"X is of dtype {array.dtype}, which does not hold numbers alone; pass the samples as "
            f"predict takes them"
        )
    return array


# The forward pass


def _batches(perceptron: Any, samples: Any) -> Iterator[list[Floats]]:
    """The outputs of all hidden layers, for so many samples at a time as memory should hold."""
    widest = max(max(weights.shape) for weights in perceptron.coefs_)
    rows = max(1, AT_ONCE // widest)
    for start in range(0, samples.shape[0], rows):
        batch = samples[start : start + rows]
        if not np.isfinite(batch.data if hasattr(batch, "tocsr") else batch).all():
            raise ValueError(
                f"X has NaN or infinity among the samples {start} to {start + batch.shape[0] - 1}; "
                f"pass the samples as predict takes them, without missing values"
            )
        yield _hidden_outputs(perceptron, batch)


def _hidden_outputs(perceptron: Any, x: Any) -> list[Floats]:
    outputs: list[Floats] = []
    apply = _IN_PLACE[perceptron.activation]
    layers = zip(perceptron.coefs_[:-1], perceptron.intercepts_[:-1], strict=True)
    for weights, biases in layers:
        x = x @ weights
        x += biases
        apply(x)
        outputs.append(x)
    return outputs


def _relu(z: Floats) -> None:
    np.maximum(z, 0, out=z)


def _tanh(z: Floats) -> None:
    np.tanh(z, out=z)


def _logistic(z: Floats) -> None:
    # The estimator's own function, which it has imported.
    sys.modules["scipy.special"].expit(z, out=z)


def _identity(z: Floats) -> None:
    """z is the output."""


_IN_PLACE: dict[str, Callable[[Floats], None]] = {
    "relu": _relu,
    "tanh": _tanh,
    "logistic": _logistic,
    "identity": _identity,
}
