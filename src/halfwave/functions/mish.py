"""Mish: the facts. The arithmetic is in mish.h."""

from __future__ import annotations

import math
from typing import Any

from halfwave.facts import Facts, Measured, Onnx, Peers


def _parts(xp: Any, x: Any) -> tuple[Any, Any, Any]:
    # x, but 0 where it is infinite; e^-|x|; and n/(n + 2) for n = e^x (e^x + 2), whose numerator and
    # denominator are divided by e^2x on the right.
    z = xp.where(xp.abs(x) == math.inf, xp.zeros_like(x), x)
    v = xp.exp(-xp.abs(z))
    numerator = xp.where(x > 0, 1 + 2 * v, v * (v + 2))
    return z, v, numerator / _denominator(xp, x, v)


def _denominator(xp: Any, x: Any, v: Any) -> Any:
    return xp.where(x > 0, 1 + 2 * v + 2 * v * v, v * (v + 2) + 2)


def _value(xp: Any, x: Any) -> Any:
    z, _, ratio = _parts(xp, x)
    return xp.where(x == math.inf, x, z * ratio)


def _derivative(xp: Any, x: Any) -> Any:
    z, v, ratio = _parts(xp, x)
    denominator = _denominator(xp, x, v)
    steep = xp.where(x > 0, v * v, v) * (1 + v) / denominator / denominator
    limit = xp.where(x > 0, xp.ones_like(x), xp.zeros_like(x))
    return xp.where(xp.abs(x) == math.inf, limit, ratio + z * steep * 4)


def _exact_value(mp: Any, x: Any) -> Any:
    w = mp.exp(x)
    n = w * (w + 2)
    return x * n / (n + 2)


def _exact_derivative(mp: Any, x: Any) -> Any:
    w = mp.exp(x)
    n = w * (w + 2)
    return w * ((w + 2) * (n + 2) + 4 * x * (w + 1)) / (n + 2) ** 2


facts = Facts(
    name="mish",
    title="Mish",
    summary="Mish: x times the hyperbolic tangent of softplus(x).",
    formula=r"x \tanh(\ln(1 + e^x))",
    formula_text="x tanh(ln(1 + eˣ))",
    derivative_formula=r"\frac{e^x \left((w + 2)(n + 2) + 4x(w + 1)\right)}{(n + 2)^2}, \quad "
    r"w = e^x, \; n = w(w + 2)",
    derivative_text="eˣ((w + 2)(n + 2) + 4x(w + 1))/(n + 2)², where w = eˣ and n = w(w + 2)",
    words="Softplus is a smooth ReLU, and its hyperbolic tangent a gate between 0 and 1. A large x "
    "passes unchanged, a very negative one is all but cleared; in between the curve dips to -0.309, "
    "at x = -1.19.",
    accuracy="Within 0.78 ULP in float32, on every input, and in float64, but for 2 ULP next to the "
    "subnormal numbers where the processor has no FMA; the derivative within 1 ULP, or near its zero at x = -1.19 within 2^-27 and 2^-56. Subnormal results and tails "
    "included.",
    integers="int8, uint8 and bool give float16, int16 and uint16 float32, wider ones float64.",
    source="D. Misra, Mish: a self regularized non-monotonic activation function, BMVC 2020.",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.mish(np.array([-1.0, 0.0, 20.0]))
array([-0.30340146,  0.        , 20.        ])
>>> hw.mish.derivative(np.array([0.0, 30.0]))
array([0.6, 1. ])
""",
    value=_value,
    derivative=_derivative,
    exact_value=_exact_value,
    exact_derivative=_exact_derivative,
    turning=(-1.1924312145154952,),
    measured=(
        Measured("float16", 0.501, -9.2890625, 0.501, 0.0005340576171875),
        Measured("bfloat16", 0.501, -0.0048828125, 0.501, -0.0006103515625),
        Measured("float32", 0.77, -92.5078506, 0.78, -92.5131683),
        Measured("float64", 2.0, 6.625978e-308, 1.0, -715.3024532871555),
    ),
    onnx=Onnx("Mish"),
    elsewhere=(
        ("PyTorch", "torch.nn.functional.mish(x)"),
        ("JAX", "jax.nn.mish(x)"),
        ("TensorFlow", "tf.keras.activations.mish(x)"),
        ("Keras", "keras.activations.mish(x)"),
    ),
    peers=Peers(
        number=("x * np.tanh(np.log1p(np.exp(x)))",),
        value=(
            "x * np.tanh(np.log1p(np.exp(x)))",
            "torch.nn.functional.mish(x)",
            "f = jax.jit(jax.nn.mish); f(x).block_until_ready()",
            "numexpr.evaluate('x * tanh(log1p(exp(x)))')",
        ),
        out=(
            "torch.ops.aten.mish.out(x, out=y)",
            "numexpr.evaluate('x * tanh(log1p(exp(x)))', out=y, casting='same_kind')",
        ),
        pullback=("torch.ops.aten.mish_backward(g, x)",),
    ),
)
