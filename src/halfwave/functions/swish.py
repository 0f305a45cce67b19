"""Swish: the facts. The arithmetic is in swish.h."""

from __future__ import annotations

import math
from typing import Any

from halfwave.facts import Facts, Measured, Onnx, Parameter, Peers

FAR = 2000.0
"""Where the gate is 0 or 1 in every dtype."""


def _value(xp: Any, x: Any, beta: Any) -> Any:
    endless = xp.abs(x) == math.inf
    z = xp.where(endless, xp.zeros_like(x), x)
    e = xp.exp(-xp.abs(beta * z))
    gate = xp.where(beta * z < 0, e, xp.ones_like(e)) / (1 + e)
    cleared = ((x < 0) & (beta > 0)) | ((x > 0) & (beta < 0))
    return xp.where(endless, xp.where(cleared, xp.zeros_like(x), x), z * gate)


def _derivative(xp: Any, x: Any, beta: Any) -> Any:
    endless = xp.abs(x) == math.inf
    z = beta * xp.where(endless & (beta == 0), xp.zeros_like(x), x)
    z = xp.where(z > FAR, xp.full_like(z, FAR), xp.where(z < -FAR, xp.full_like(z, -FAR), z))
    e = xp.exp(-xp.abs(z))
    part = xp.where(z < 0, e * (1 + e + z), 1 + e + z * e)
    return part / (1 + e) / (1 + e)


def _exact_value(mp: Any, x: Any, beta: Any) -> Any:
    return x / (1 + mp.exp(-beta * x))


def _exact_derivative(mp: Any, x: Any, beta: Any) -> Any:
    z = beta * x
    return (1 + z / (1 + mp.exp(z))) / (1 + mp.exp(-z))


facts = Facts(
    name="swish",
    title="Swish",
    summary="Swish: x times the logistic function of beta x.",
    formula=r"\frac{x}{1 + e^{-\beta x}}",
    formula_text="x σ(βx), σ(z) = 1/(1 + exp(-z))",
    derivative_formula=r"\sigma(z) (1 + z \sigma(-z)), \quad z = \beta x, "
    r"\; \sigma(z) = \frac{1}{1 + e^{-z}}",
    derivative_text="σ(z)(1 + zσ(-z)), where z = βx",
    words="The logistic function is a gate between 0 and 1. A large x passes unchanged, a very "
    "negative one is all but cleared; beta says how sharp the gate is: 0 halves every x, and a "
    "very large beta makes it a ReLU.",
    parameters=(
        Parameter(
            name="beta",
            default=1.0,
            meaning="How sharp the gate is; any number.",
            symbol="β",
            tried=(0.5, 1.702, -1.3, 10.0),
        ),
    ),
    accuracy="Within 0.84 ULP in float32, tails and subnormal results included, and 1 ULP in float64; the "
    "derivative within 1.51 ULP, or near its zero at βx = -1.28 within 2^-27 and 2^-56. "
    "0 where the gate is closed at an infinite x.",
    integers="int8, uint8 and bool give float16, int16 and uint16 float32, wider ones float64.",
    source="P. Ramachandran, B. Zoph and Q. V. Le, Searching for activation functions,\n"
    "arXiv:1710.05941 (2017).",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.swish(np.array([1.0, -1.0, 0.0, 20.0]), beta=2.0)
array([ 0.88079708, -0.11920292,  0.        , 20.        ])
>>> hw.swish.derivative(np.array([0.0, 100.0]), beta=2.0)
array([0.5, 1. ])
""",
    value=_value,
    derivative=_derivative,
    exact_value=_exact_value,
    exact_derivative=_exact_derivative,
    turning=("-1.2784645427610738/beta",),
    measured=(
        Measured("float16", 0.501, -2.724609375, 0.501, 0.00732421875),
        Measured("bfloat16", 0.501, 9.183549615799121e-41, 0.501, -0.001953125),
        Measured("float32", 0.84, -5.230335712432861, 1.51, -6.258488838284393e-07),
        Measured("float64", 1.0, -716.4135883516802, 1.51, -1.0242565132185528e-09),
    ),
    onnx=Onnx("Swish", attributes=(("alpha", "beta"),)),
    elsewhere=(
        ("PyTorch", "x * torch.sigmoid(beta * x)"),
        ("JAX", "x * jax.nn.sigmoid(beta * x)"),
        ("TensorFlow", "tf.nn.silu(x, beta=beta)"),
    ),
    peers=Peers(
        number=("x / (1 + np.exp(-beta * x))",),
        value=(
            "x / (1 + np.exp(-beta * x))",
            "x * scipy.special.expit(beta * x)",
            "x * torch.sigmoid(beta * x)",
            "f = jax.jit(lambda x, b: x * jax.nn.sigmoid(b * x)); f(x, beta).block_until_ready()",
        ),
        out=("numexpr.evaluate('x / (1 + exp(-beta * x))', out=y, casting='same_kind')",),
    ),
)
