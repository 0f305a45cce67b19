"""Squared ReLU: the facts. The arithmetic is in relu_squared.h."""

from __future__ import annotations

from typing import Any

from halfwave.facts import ActiveSide, Facts, Measured, Peers


def _value(xp: Any, x: Any) -> Any:
    rectified = xp.where(x <= 0, xp.zeros_like(x), x)
    return rectified * rectified


def _derivative(xp: Any, x: Any) -> Any:
    return xp.where(x <= 0, xp.zeros_like(x), 2 * x)


def _exact_value(mp: Any, x: Any) -> Any:
    return max(x, mp.zero) ** 2


def _exact_derivative(mp: Any, x: Any) -> Any:
    return 2 * max(x, mp.zero)


facts = Facts(
    name="relu_squared",
    title="Squared ReLU",
    summary="Square of the rectified linear unit: x² where x is positive, 0 elsewhere.",
    formula=r"\max(0, x)^2",
    formula_text="max(0, x)²",
    derivative_formula=r"2\max(0, x)",
    derivative_text="0 for x ≤ 0, 2x for x > 0",
    words="A positive number is squared, everything else becomes 0. The two pieces meet without a "
    "kink.",
    accuracy="Correctly rounded on every input, the derivative exact; NaN stays NaN.",
    integers="int8, uint8 and bool give float16, int16 and uint16 float32, wider ones float64.",
    source="D. R. So, W. Mańke, H. Liu, Z. Dai, N. Shazeer and Q. V. Le, Primer: searching for\n"
    "efficient transformers for language modeling, NeurIPS 2021.",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.relu_squared(np.array([-3.0, 0.5, 3.0]))
array([0.  , 0.25, 9.  ])
>>> hw.relu_squared.derivative(np.array([-3.0, 0.5, 3.0]))
array([0., 1., 6.])
""",
    value=_value,
    derivative=_derivative,
    exact_value=_exact_value,
    exact_derivative=_exact_derivative,
    measured=(
        Measured("float16", 0.5, 0.011474609375, 0.0, 0.0),
        Measured("bfloat16", 0.5, 6.776263578034403e-21, 0.0, 0.0),
        Measured("float32", 0.5, 2.6469779601696886e-23, 0.0, 0.0),
        Measured("float64", 0.5, 1.8355540429195916, 0.0, 0.0),
    ),
    active=ActiveSide(),
    elsewhere=(
        ("PyTorch", "torch.relu(x) ** 2"),
        ("JAX", "jax.numpy.square(jax.nn.relu(x))"),
        ("TensorFlow", "tf.square(tf.nn.relu(x))"),
    ),
    peers=Peers(
        number=("max(0.0, x) ** 2",),
        value=(
            "np.square(np.maximum(x, 0))",
            "torch.relu(x).square()",
            "f = jax.jit(lambda a: jax.nn.relu(a) ** 2); f(x).block_until_ready()",
            "numexpr.evaluate('where(x > 0, x * x, 0)')",
        ),
        out=("numexpr.evaluate('where(x > 0, x * x, 0)', out=y)",),
        derivative=("2 * np.maximum(x, 0)", "2 * torch.relu(x)"),
        pullback=("2 * g * np.maximum(x, 0)", "2 * g * torch.relu(x)"),
    ),
)
