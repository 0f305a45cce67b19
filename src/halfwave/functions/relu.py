"""ReLU: the facts. The arithmetic is in relu.h."""

from __future__ import annotations

from typing import Any

from halfwave.facts import ActiveSide, Facts, Kink, Onnx, Peers


def _value(xp: Any, x: Any) -> Any:
    return xp.where(x <= 0, xp.zeros_like(x), x)


def _derivative(xp: Any, x: Any) -> Any:
    return xp.where(x <= 0, xp.zeros_like(x), xp.where(x > 0, xp.ones_like(x), x))


facts = Facts(
    name="relu",
    title="ReLU",
    summary="Rectified linear unit: x where x is positive, 0 elsewhere.",
    formula=r"\max(0, x)",
    formula_text="max(0, x)",
    derivative_formula=r"\begin{cases} 0 & x \le 0 \\ 1 & x > 0 \end{cases}",
    derivative_text="0 for x ≤ 0, 1 for x > 0",
    words="The larger of 0 and x: a positive number stays as it is, everything else becomes 0.",
    kinks=(
        Kink(
            at=0.0,
            left=0.0,
            right=1.0,
            slope=0.0,
            elsewhere=(("PyTorch", 0.0), ("JAX", 0.0), ("TensorFlow", 0.0)),
        ),
    ),
    accuracy="Exact on every input; NaN stays NaN and -0.0 becomes 0.0.",
    integers="Integers stay integers, of the same dtype; bool is refused.",
    source="K. Fukushima, Visual feature extraction by a multilayered network of analog\n"
    "threshold elements, IEEE Trans. Syst. Sci. Cybern. 5 (1969); V. Nair and G. E. Hinton,\n"
    "Rectified linear units improve restricted Boltzmann machines, ICML 2010.",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.relu(np.array([1.0, -10.0, 0.0, 15.0, -20.0]))
array([ 1.,  0.,  0., 15.,  0.])
>>> hw.relu.derivative(np.array([1.0, -10.0, 0.0]))
array([1., 0., 0.])
""",
    value=_value,
    derivative=_derivative,
    active=ActiveSide(),
    onnx=Onnx("Relu"),
    elsewhere=(
        ("PyTorch", "torch.nn.functional.relu(x)"),
        ("JAX", "jax.nn.relu(x)"),
        ("TensorFlow", "tf.nn.relu(x)"),
        ("Keras", "keras.activations.relu(x)"),
    ),
    peers=Peers(
        number=("max(0.0, x)", "np.maximum(x, 0)"),
        value=(
            "np.maximum(x, 0)",
            "np.where(x > 0, x, 0)",
            "x * (x > 0)",
            "torch.relu(x)",
            "f = jax.jit(jax.nn.relu); f(x).block_until_ready()",
            "numexpr.evaluate('where(x > 0, x, 0)')",
            "f = numba.vectorize(lambda x: max(x, np.float32(0))); f(x)",
        ),
        out=(
            "np.maximum(x, 0, out=y)",
            "torch.clamp_min(x, 0, out=y)",
            "numexpr.evaluate('where(x > 0, x, 0)', out=y)",
            "f = numba.vectorize(lambda x: max(x, np.float32(0))); f(x, y)",
        ),
        derivative=("(x > 0).astype(x.dtype)", "torch.gt(x, 0).to(x.dtype)"),
        pullback=("g * (x > 0)", "torch.ops.aten.threshold_backward(g, x, 0)"),
    ),
)
