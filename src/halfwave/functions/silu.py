"""SiLU: the facts. The arithmetic is in silu.h."""

from __future__ import annotations

import math
from typing import Any

from halfwave.facts import Facts, Measured, Onnx, Peers

FAR = 2000.0
"""Where the gate is 0 or 1 in every dtype."""


def _value(xp: Any, x: Any) -> Any:
    z = xp.where(xp.abs(x) == math.inf, xp.zeros_like(x), x)
    e = xp.exp(-xp.abs(z))
    gate = xp.where(z < 0, e, xp.ones_like(e)) / (1 + e)
    return xp.where(x == math.inf, x, z * gate)


def _derivative(xp: Any, x: Any) -> Any:
    z = xp.where(x > FAR, xp.full_like(x, FAR), xp.where(x < -FAR, xp.full_like(x, -FAR), x))
    e = xp.exp(-xp.abs(z))
    part = xp.where(z < 0, e * (1 + e + z), 1 + e + z * e)
    return part / (1 + e) / (1 + e)


def _exact_value(mp: Any, x: Any) -> Any:
    return x / (1 + mp.exp(-x))


def _exact_derivative(mp: Any, x: Any) -> Any:
    return (1 + x / (1 + mp.exp(x))) / (1 + mp.exp(-x))


facts = Facts(
    name="silu",
    title="SiLU",
    summary="Sigmoid linear unit: x times the logistic function of x. Swish with beta = 1.",
    formula=r"\frac{x}{1 + e^{-x}}",
    formula_text="x σ(x), σ(x) = 1/(1 + exp(-x))",
    derivative_formula=r"\sigma(x) (1 + x \sigma(-x)), \quad \sigma(x) = \frac{1}{1 + e^{-x}}",
    derivative_text="σ(x)(1 + xσ(-x))",
    words="The logistic function is a gate between 0 and 1. A large x passes unchanged, a very "
    "negative one is all but cleared; in between the curve dips to -0.278, at x = -1.28.",
    accuracy="Within 0.84 ULP in float32, tails and subnormal results included, and 1 ULP in float64; the "
    "derivative within 1.51 ULP, or near its zero at x = -1.28 within 2^-27 and 2^-56.",
    integers="int8, uint8 and bool give float16, int16 and uint16 float32, wider ones float64.",
    source="S. Elfwing, E. Uchibe and K. Doya, Sigmoid-weighted linear units for neural network\n"
    "function approximation in reinforcement learning, Neural Networks 107 (2018); D. Hendrycks\n"
    "and K. Gimpel, Gaussian error linear units (GELUs), arXiv:1606.08415 (2016).",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.silu(np.array([1.0, -1.0, 0.0, 20.0]))
array([ 0.73105858, -0.26894142,  0.        , 19.99999996])
>>> hw.silu.derivative(np.array([0.0, 100.0]))
array([0.5, 1. ])
""",
    value=_value,
    derivative=_derivative,
    exact_value=_exact_value,
    exact_derivative=_exact_derivative,
    turning=(-1.2784645427610738,),
    measured=(
        Measured("float16", 0.501, -2.724609375, 0.501, 0.00732421875),
        Measured("bfloat16", 0.501, 9.183549615799121e-41, 0.501, -0.001953125),
        Measured("float32", 0.84, -5.230335712432861, 1.51, -6.258488838284393e-07),
        Measured("float64", 1.0, -715.247741367356, 1.51, -1.0242565132185528e-09),
    ),
    onnx=Onnx("Swish"),
    elsewhere=(
        ("PyTorch", "torch.nn.functional.silu(x)"),
        ("JAX", "jax.nn.silu(x)"),
        ("TensorFlow", "tf.nn.silu(x)"),
        ("Keras", "keras.activations.silu(x)"),
    ),
    peers=Peers(
        number=("x / (1 + np.exp(-x))",),
        value=(
            "x / (1 + np.exp(-x))",
            "x * scipy.special.expit(x)",
            "torch.nn.functional.silu(x)",
            "f = jax.jit(jax.nn.silu); f(x).block_until_ready()",
            "numexpr.evaluate('x / (1 + exp(-x))')",
        ),
        out=(
            "torch.ops.aten.silu.out(x, out=y)",
            "numexpr.evaluate('x / (1 + exp(-x))', out=y, casting='same_kind')",
        ),
        pullback=("torch.ops.aten.silu_backward(g, x)",),
    ),
)
