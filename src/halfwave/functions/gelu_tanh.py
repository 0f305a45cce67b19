"""GELU by tanh: the facts. The arithmetic is in gelu_tanh.h."""

from __future__ import annotations

import math
from typing import Any

from halfwave.facts import Facts, Measured, Onnx, Peers

LINEAR = 2 * math.sqrt(2 / math.pi)
CUBIC = 0.044715
FAR = 32.0
"""Where the gate is 0 or 1 in every dtype."""


def _parts(xp: Any, x: Any) -> tuple[Any, Any, Any]:
    # x where the gate is neither, e^-|z|, and its quotient: s(z) = 1 / (1 + e^-z), without overflow.
    near = xp.where(x > FAR, xp.full_like(x, FAR), xp.where(x < -FAR, xp.full_like(x, -FAR), x))
    z = LINEAR * near * (1 + CUBIC * near * near)
    e = xp.exp(-xp.abs(z))
    return near, e, xp.where(z < 0, e, xp.ones_like(e)) / (1 + e)


def _value(xp: Any, x: Any) -> Any:
    near, _, gate = _parts(xp, x)
    return xp.where(x > FAR, x, near * gate)


def _derivative(xp: Any, x: Any) -> Any:
    near, e, gate = _parts(xp, x)
    other = xp.where(near < 0, xp.ones_like(e), e) / (1 + e)
    return gate * (1 + LINEAR * near * (1 + 3 * CUBIC * near * near) * other)


def _exact_argument(mp: Any, x: Any) -> tuple[Any, Any]:
    # z, and x z'.
    linear, cubic = mp.sqrt(8 / mp.pi) * x, mp.mpf("0.044715") * x**2
    return linear * (1 + cubic), linear * (1 + 3 * cubic)


def _exact_value(mp: Any, x: Any) -> Any:
    z, _ = _exact_argument(mp, x)
    return x / (1 + mp.exp(-z))


def _exact_derivative(mp: Any, x: Any) -> Any:
    z, turn = _exact_argument(mp, x)
    return (1 + turn / (1 + mp.exp(z))) / (1 + mp.exp(-z))


facts = Facts(
    name="gelu_tanh",
    title="GELU (tanh)",
    summary="The approximation of GELU by a hyperbolic tangent.",
    formula=r"\frac{x}{2} \left(1 + \tanh\left(\sqrt{\tfrac{2}{\pi}} "
    r"\left(x + 0.044715 x^3\right)\right)\right)",
    formula_text="x σ(z), z = 2√(2/π)(x + 0.044715x³), σ(z) = (1 + tanh(z/2))/2",
    derivative_formula=r"\sigma(z) (1 + x z' \sigma(-z)), \quad z' = 2 \sqrt{\tfrac{2}{\pi}} "
    r"\left(1 + 0.134145 x^2\right), \; \sigma(z) = \frac{1}{1 + e^{-z}}",
    derivative_text="σ(z)(1 + xz'σ(-z)), where z' = 2√(2/π)(1 + 0.134145x²)",
    words="It stays within 0.0005 of GELU, and was quicker where erf was slow. Models that were trained "
    "with it, such as BERT and GPT-2, need it.",
    accuracy="Within 0.86 ULP in float32 and 1 ULP in float64; the derivative within 1.51 ULP in "
    "both, or near its zero at x = -0.75 within 2^-27 and 2^-55. Subnormal results and tails included.",
    integers="int8, uint8 and bool give float16, int16 and uint16 float32, wider ones float64.",
    source="D. Hendrycks and K. Gimpel, Gaussian error linear units (GELUs), arXiv:1606.08415 (2016).",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.gelu_tanh(np.array([1.0, -1.0, 0.0, 20.0]))
array([ 0.84119199, -0.15880801,  0.        , 20.        ])
>>> hw.gelu_tanh.derivative(np.array([0.0, 10.0]))
array([0.5, 1. ])
""",
    value=_value,
    derivative=_derivative,
    exact_value=_exact_value,
    exact_derivative=_exact_derivative,
    turning=(-0.7524614220710163,),
    measured=(
        Measured("float16", 0.501, 0.001338958740234375, 0.501, 0.0009179115295410156),
        Measured("bfloat16", 0.501, 9.183549615799121e-41, 0.501, -3.953125),
        Measured("float32", 0.86, -2.985419750213623, 1.51, -3.3803335099946707e-06),
        Measured("float64", 1.0, -21.184863897342694, 1.51, -0.040492951302460334),
    ),
    onnx=Onnx("Gelu", attributes=(("approximate", "tanh"),)),
    elsewhere=(
        ("PyTorch", "torch.nn.functional.gelu(x, approximate='tanh')"),
        ("JAX", "jax.nn.gelu(x)"),
        ("TensorFlow", "tf.nn.gelu(x, approximate=True)"),
        ("Keras", "keras.activations.gelu(x, approximate=True)"),
    ),
    peers=Peers(
        number=("x / 2 * (1 + np.tanh(0.7978845608028654 * (x + 0.044715 * x**3)))",),
        value=(
            "x / 2 * (1 + np.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))",
            "torch.nn.functional.gelu(x, approximate='tanh')",
            "f = jax.jit(jax.nn.gelu); f(x).block_until_ready()",
        ),
        out=("torch.ops.aten.gelu.out(x, approximate='tanh', out=y)",),
        pullback=("torch.ops.aten.gelu_backward(g, x, approximate='tanh')",),
    ),
)
