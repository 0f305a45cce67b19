"""CELU: the facts. The arithmetic is in celu.h."""

from __future__ import annotations

import math
from typing import Any

from halfwave.facts import Facts, Measured, Onnx, Parameter, Peers


def _value(xp: Any, x: Any, alpha: Any) -> Any:
    # 0 stands in for -inf, which would spoil the gradient of alpha.
    below = xp.where((x < 0) & (x > -math.inf), x, xp.zeros_like(x))
    bent = xp.where(x == -math.inf, -alpha, alpha * xp.expm1(below / alpha))
    return xp.where(x < 0, bent, x)


def _derivative(xp: Any, x: Any, alpha: Any) -> Any:
    below = xp.where(x < 0, x, xp.zeros_like(x))
    slope = xp.where(x < 0, xp.exp(below / alpha), xp.ones_like(x))
    return xp.where(xp.isnan(x), x, slope)


def _exact_value(mp: Any, x: Any, alpha: Any) -> Any:
    return alpha * mp.expm1(x / alpha) if x < 0 else x


def _exact_derivative(mp: Any, x: Any, alpha: Any) -> Any:
    return mp.exp(x / alpha) if x < 0 else mp.one


facts = Facts(
    name="celu",
    title="CELU",
    summary="Exponential linear unit without a kink: x where x ≥ 0, alpha (e^(x/alpha) - 1) elsewhere.",
    formula=r"\begin{cases} x & x \ge 0 \\ \alpha (e^{x / \alpha} - 1) & x < 0 \end{cases}",
    formula_text="x for x ≥ 0, α(exp(x/α) - 1) for x < 0",
    derivative_formula=r"\begin{cases} 1 & x \ge 0 \\ e^{x / \alpha} & x < 0 \end{cases}",
    derivative_text="1 for x ≥ 0, exp(x/α) for x < 0",
    words="ELU, made smooth: a number that is not negative stays as it is; a negative one is bent, "
    "with slope 1 at 0 for every alpha, and never falls below -alpha.",
    parameters=(
        Parameter(
            name="alpha",
            default=1.0,
            meaning="What the result approaches for very negative x, with its sign changed; not 0.",
            symbol="α",
            tried=(0.5, 1.7, 3.0),
        ),
    ),
    accuracy="Within 0.79 ULP in float32 and float64, tails and subnormal results included; the "
    "derivative within 1 ULP. -0.0 stays -0.0.",
    integers="int8, uint8 and bool give float16, int16 and uint16 float32, wider ones float64.",
    source="J. T. Barron, Continuously differentiable exponential linear units, arXiv:1704.07483\n"
    "(2017).",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.celu(np.array([1.0, -1.0, 0.0, -20.0]), alpha=2.0)
array([ 1.        , -0.78693868,  0.        , -1.9999092 ])
>>> hw.celu.derivative(np.array([1.0, 0.0]), alpha=2.0)
array([1., 1.])
""",
    value=_value,
    derivative=_derivative,
    exact_value=_exact_value,
    exact_derivative=_exact_derivative,
    measured=(
        Measured("float16", 0.501, -1.4560546875, 0.501, -0.0416259765625),
        Measured("bfloat16", 0.501, -1.234375, 0.501, -0.224609375),
        Measured("float32", 0.79, -0.287240594625473, 1.0, -38.46964645385742),
        Measured("float64", 0.76, -0.27357869330873225, 1.0, -710.661179604166),
    ),
    onnx=Onnx("Celu", attributes=(("alpha", "alpha"),)),
    elsewhere=(
        ("PyTorch", "torch.nn.functional.celu(x, alpha=alpha)"),
        ("JAX", "jax.nn.celu(x, alpha=alpha)"),
        ("TensorFlow", "tf.keras.activations.celu(x, alpha=alpha)"),
        ("Keras", "keras.activations.celu(x, alpha=alpha)"),
    ),
    peers=Peers(
        number=("x if x > 0 else alpha * np.expm1(x / alpha)",),
        value=(
            "np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))",
            "torch.nn.functional.celu(x, alpha)",
            "f = jax.jit(jax.nn.celu); f(x, alpha).block_until_ready()",
        ),
        out=(
            "torch.ops.aten.elu.out(x, alpha, 1.0, 1 / alpha, out=y)",
            (
                "numexpr.evaluate('where(x > 0, x, alpha * expm1(x / alpha))', out=y, "
                "casting='same_kind')"
            ),
        ),
        derivative=("np.exp(np.minimum(x, 0) / alpha).astype(x.dtype)",),
        pullback=(
            "g * np.exp(np.minimum(x, 0) / alpha)",
            "torch.ops.aten.elu_backward(g, alpha, 1.0, 1 / alpha, False, x)",
        ),
    ),
)
