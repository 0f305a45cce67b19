"""GELU: the facts. The arithmetic is in gelu.h."""

from __future__ import annotations

import math
from typing import Any

from halfwave.facts import Facts, Measured, Onnx, Peers
from halfwave.special import erfc

FAR = 60.0
"""Where a normal distribution has nothing left in any dtype."""


def _parts(xp: Any, x: Any) -> tuple[Any, Any]:
    # x where a normal distribution has anything, and the part of that below x.
    near = xp.where(x > FAR, xp.full_like(x, FAR), xp.where(x < -FAR, xp.full_like(x, -FAR), x))
    return near, erfc(xp, near * -math.sqrt(0.5)) / 2


def _value(xp: Any, x: Any) -> Any:
    near, below = _parts(xp, x)
    return xp.where(x > FAR, x, near * below)


def _derivative(xp: Any, x: Any) -> Any:
    near, below = _parts(xp, x)
    return below + near * xp.exp(-near * near / 2) * (1 / math.sqrt(2 * math.pi))


def _exact_value(mp: Any, x: Any) -> Any:
    return x * mp.erfc(-x / mp.sqrt(2)) / 2


def _exact_derivative(mp: Any, x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2 + x * mp.exp(-(x**2) / 2) / mp.sqrt(2 * mp.pi)


facts = Facts(
    name="gelu",
    title="GELU",
    summary="Gaussian error linear unit: x times the probability that a normally distributed number "
    "is below x.",
    formula=r"x \, \Phi(x), \quad "
    r"\Phi(x) = \tfrac{1}{2} \operatorname{erfc}\left(-\tfrac{x}{\sqrt{2}}\right)",
    formula_text="x Φ(x), Φ(x) = erfc(-x/√2)/2",
    derivative_formula=r"\Phi(x) + x \varphi(x), \quad "
    r"\varphi(x) = \frac{e^{-x^2/2}}{\sqrt{2\pi}}",
    derivative_text="Φ(x) + xφ(x), where φ(x) = exp(-x²/2)/√(2π)",
    words="Phi(x) is the share of a normal distribution that lies below x, and here a gate between 0 "
    "and 1. A large x passes unchanged, a very negative one is all but cleared; in between the curve "
    "dips to -0.17, at x = -0.75.",
    accuracy="Within 0.91 ULP in float32, on every input of a size from 2^-4 to 16 and samples of the "
    "others, and within 1.8 ULP in float64; the derivative within 1.78 and 2.5 ULP, or near its zero "
    "at x = -0.75 within 2^-27 and 2^-55. Subnormal results and tails included.",
    integers="int8, uint8 and bool give float16, int16 and uint16 float32, wider ones float64.",
    source="D. Hendrycks and K. Gimpel, Gaussian error linear units (GELUs), arXiv:1606.08415 (2016).",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.gelu(np.array([1.0, -1.0, 0.0, 20.0]))
array([ 0.84134475, -0.15865525,  0.        , 20.        ])
>>> hw.gelu.derivative(np.array([0.0, 10.0]))
array([0.5, 1. ])
""",
    value=_value,
    derivative=_derivative,
    exact_value=_exact_value,
    exact_derivative=_exact_derivative,
    turning=(-0.7517915246935645,),
    measured=(
        Measured("float16", 0.501, 0.001338958740234375, 0.501, -0.245849609375),
        Measured("bfloat16", 0.501, 9.183549615799121e-41, 0.501, 0.91015625),
        Measured("float32", 0.91, -0.32012951374053955, 1.78, -1.0004429817199707),
        Measured("float64", 1.8, -8.521979e-10, 2.5, -0.5689781607639657),
    ),
    onnx=Onnx("Gelu"),
    elsewhere=(
        ("PyTorch", "torch.nn.functional.gelu(x)"),
        ("JAX", "jax.nn.gelu(x, approximate=False)"),
        ("TensorFlow", "tf.nn.gelu(x)"),
        ("Keras", "keras.activations.gelu(x)"),
    ),
    peers=Peers(
        number=("x * scipy.special.ndtr(x)",),
        value=(
            "x * scipy.special.ndtr(x)",
            "torch.nn.functional.gelu(x)",
            "f = jax.jit(lambda x: jax.nn.gelu(x, approximate=False)); f(x).block_until_ready()",
        ),
        out=(
            "np.multiply(x, scipy.special.ndtr(x, out=y), out=y)",
            "torch.ops.aten.gelu.out(x, out=y)",
        ),
        pullback=("torch.ops.aten.gelu_backward(g, x)",),
    ),
)
