"""Quick GELU: the facts. The arithmetic is in quick_gelu.h."""

from __future__ import annotations

import math
from typing import Any

from halfwave.facts import Facts, Measured, Onnx, Peers

FAR = 2000.0
"""Where the gate is 0 or 1 in every dtype."""


def _value(xp: Any, x: Any) -> Any:
    z = xp.where(xp.abs(x) == math.inf, xp.zeros_like(x), x)
    e = xp.exp(-xp.abs(1.702 * z))
    gate = xp.where(z < 0, e, xp.ones_like(e)) / (1 + e)
    return xp.where(x == math.inf, x, z * gate)


def _derivative(xp: Any, x: Any) -> Any:
    near = xp.where(x > FAR, xp.full_like(x, FAR), xp.where(x < -FAR, xp.full_like(x, -FAR), x))
    z = 1.702 * near
    e = xp.exp(-xp.abs(z))
    part = xp.where(z < 0, e * (1 + e + z), 1 + e + z * e)
    return part / (1 + e) / (1 + e)


def _exact_value(mp: Any, x: Any) -> Any:
    return x / (1 + mp.exp(-mp.mpf("1.702") * x))


def _exact_derivative(mp: Any, x: Any) -> Any:
    z = mp.mpf("1.702") * x
    return (1 + z / (1 + mp.exp(z))) / (1 + mp.exp(-z))


facts = Facts(
    name="quick_gelu",
    title="Quick GELU",
    summary="An approximation of GELU: x times the logistic function of 1.702 x.",
    formula=r"\frac{x}{1 + e^{-1.702 x}}",
    formula_text="x σ(1.702x), σ(z) = 1/(1 + exp(-z))",
    derivative_formula=r"\sigma(z) (1 + z \sigma(-z)), \quad z = 1.702 x, "
    r"\; \sigma(z) = \frac{1}{1 + e^{-z}}",
    derivative_text="σ(z)(1 + zσ(-z)), where z = 1.702x",
    words="Swish with beta = 1.702, which stays within 0.021 of GELU. Models that were trained with "
    "it, such as CLIP, need it.",
    accuracy="Within 0.86 ULP in float32, tails and subnormal results included, and 1 ULP in float64; the "
    "derivative within 1.52 ULP, or near its zero at x = -0.75 within 2^-27 and 2^-56.",
    integers="int8, uint8 and bool give float16, int16 and uint16 float32, wider ones float64.",
    source="D. Hendrycks and K. Gimpel, Gaussian error linear units (GELUs), arXiv:1606.08415\n"
    "(2016).",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.quick_gelu(np.array([1.0, -1.0, 0.0, 20.0]))
array([ 0.84579577, -0.15420423,  0.        , 20.        ])
>>> hw.quick_gelu.derivative(np.array([0.0, 100.0]))
array([0.5, 1. ])
""",
    value=_value,
    derivative=_derivative,
    exact_value=_exact_value,
    exact_derivative=_exact_derivative,
    turning=(-1.2784645427610738 / 1.702,),
    measured=(
        Measured("float16", 0.501, 5.960464477539063e-08, 0.501, 0.0008606910705566406),
        Measured("bfloat16", 0.501, 9.183549615799121e-41, 0.501, -0.27734375),
        Measured("float32", 0.86, -5.508434295654297, 1.52, -0.08206401765346527),
        Measured("float64", 1.0, -419.82047658627846, 1.51, -3.6180606111249345e-10),
    ),
    onnx=Onnx("Swish", attributes=(("alpha", 1.702),)),
    elsewhere=(
        ("PyTorch", "x * torch.sigmoid(1.702 * x)"),
        ("JAX", "x * jax.nn.sigmoid(1.702 * x)"),
        ("TensorFlow", "tf.nn.silu(x, beta=1.702)"),
    ),
    peers=Peers(
        number=("x / (1 + np.exp(-1.702 * x))",),
        value=(
            "x / (1 + np.exp(-1.702 * x))",
            "x * scipy.special.expit(1.702 * x)",
            "x * torch.sigmoid(1.702 * x)",
            "f = jax.jit(lambda x: x * jax.nn.sigmoid(1.702 * x)); f(x).block_until_ready()",
        ),
        out=("numexpr.evaluate('x / (1 + exp(-1.702 * x))', out=y, casting='same_kind')",),
    ),
)
