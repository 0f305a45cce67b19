"""Leaky ReLU: the facts. The arithmetic is in leaky_relu.h."""

from __future__ import annotations

import math
from typing import Any

from halfwave.facts import ActiveSide, Facts, Kink, Onnx, Parameter, Peers


def _value(xp: Any, x: Any, alpha: Any) -> Any:
    # -1 stands in for what the slope is not to meet: an x that is not negative, and -inf where
    # alpha is 0. So 0 times -inf is a zero, and no infinity spoils the gradient of alpha.
    endless = (alpha == 0) & (x == -math.inf)
    below = xp.where((x < 0) & ~endless, x, -xp.ones_like(x))
    return xp.where(x < 0, alpha * below, x)


def _derivative(xp: Any, x: Any, alpha: Any) -> Any:
    return xp.where(x > 0, xp.ones_like(x), xp.where(x <= 0, alpha, x))


facts = Facts(
    name="leaky_relu",
    title="Leaky ReLU",
    summary="Leaky rectified linear unit: x where x is not negative, alpha times x elsewhere.",
    formula=r"\mathbf{1}(x < 0)\,(\alpha x) + \mathbf{1}(x \ge 0)\,(x)",
    formula_text="1(x<0)(αx) + 1(x≥0)(x)",
    derivative_formula=r"\begin{cases} \alpha & x \le 0 \\ 1 & x > 0 \end{cases}",
    derivative_text="α for x ≤ 0, 1 for x > 0",
    words="1(condition) is 1 where the condition holds and 0 where it does not. So: "
    "where x is less than 0, alpha times x; where x is 0 or more, x itself.",
    parameters=(
        Parameter(
            name="alpha",
            default=0.01,
            meaning="Slope where x is negative; any number.",
            symbol="α",
            aliases=("negative_slope", "slope", "leak", "leakiness", "a"),
        ),
    ),
    kinks=(
        Kink(
            at=0.0,
            left="alpha",
            right=1.0,
            slope="alpha",
            elsewhere=(("PyTorch", "alpha"), ("JAX", 1.0), ("TensorFlow", "alpha")),
        ),
    ),
    accuracy="Correctly rounded on every input; NaN stays NaN and -0.0 stays -0.0.",
    integers="int8, uint8 and bool give float16, int16 and uint16 float32, wider ones float64.",
    source="A. L. Maas, A. Y. Hannun and A. Y. Ng, Rectifier nonlinearities improve neural\n"
    "network acoustic models, ICML 2013.",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.leaky_relu(np.array([1.0, -10.0, 0.0, 15.0, -20.0]))
array([ 1. , -0.1,  0. , 15. , -0.2])
>>> hw.leaky_relu.derivative(np.array([1.0, -10.0]), alpha=0.2)
array([1. , 0.2])
""",
    value=_value,
    derivative=_derivative,
    active=ActiveSide(slope="alpha"),
    onnx=Onnx("LeakyRelu", attributes=(("alpha", "alpha"),)),
    elsewhere=(
        ("PyTorch", "torch.nn.functional.leaky_relu(x, negative_slope=alpha)"),
        ("JAX", "jax.nn.leaky_relu(x, negative_slope=alpha)"),
        ("TensorFlow", "tf.nn.leaky_relu(x, alpha=alpha)"),
        ("Keras", "keras.activations.leaky_relu(x, negative_slope=alpha)"),
    ),
    peers=Peers(
        number=("x if x > 0 else alpha * x", "max(x, alpha * x)"),
        value=(
            "np.where(x > 0, x, alpha * x)",
            "np.maximum(x, alpha * x)",
            "torch.nn.functional.leaky_relu(x, alpha)",
            "f = jax.jit(jax.nn.leaky_relu); f(x, alpha).block_until_ready()",
        ),
        out=(
            "np.maximum(x, alpha * x)",
            "np.maximum(x, alpha * x, out=y)",
            "torch.ops.aten.leaky_relu.out(x, alpha, out=y)",
            "numexpr.evaluate('where(x > 0, x, alpha * x)', out=y, casting='same_kind')",
            "f = numba.vectorize(lambda x, a: x if x > 0 else a * x); f(x, np.float32(alpha), y)",
        ),
        derivative=("np.where(x > 0, 1, alpha).astype(x.dtype)",),
        pullback=(
            "np.where(x > 0, g, alpha * g)",
            "torch.ops.aten.leaky_relu_backward(g, x, alpha, False)",
        ),
    ),
)
