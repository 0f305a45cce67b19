"""Squareplus: the facts. The arithmetic is in squareplus.h."""

from __future__ import annotations

from typing import Any

from halfwave.facts import Facts, Measured, Parameter, Peers


def _parts(xp: Any, x: Any, b: Any) -> tuple[Any, Any]:
    # The root, and half of |x| plus the root. A hypotenuse does not overflow.
    root = xp.hypot(x, xp.sqrt(b))
    return root, xp.where(x > 0, x, -x) / 2 + root / 2


def _nonzero(xp: Any, a: Any) -> Any:
    return xp.where(a == 0, xp.ones_like(a), a)  # 0 where b and x are


def _value(xp: Any, x: Any, b: Any) -> Any:
    _, half = _parts(xp, x, b)
    return xp.where(x > 0, half, b / 4 / _nonzero(xp, half))


def _derivative(xp: Any, x: Any, b: Any) -> Any:
    root, half = _parts(xp, x, b)
    left = b / 4 / _nonzero(xp, half) / _nonzero(xp, root)
    # XLA multiplies the divisors, down to 0; and NaN is not equal to itself.
    left = xp.where((b == 0) & (x == x), xp.zeros_like(left), left)  # noqa: PLR0124
    return xp.where(x > 0, 1 - left, left)


def _exact_value(mp: Any, x: Any, b: Any) -> Any:
    if b == 0:
        return x if x > 0 else 0 * x
    root = mp.sqrt(x * x + b)
    return (x + root) / 2 if x > 0 else b / (root - x) / 2


def _exact_derivative(mp: Any, x: Any, b: Any) -> Any:
    if b == 0:
        return mp.mpf(x > 0)
    root = mp.sqrt(x * x + b)
    return (1 + x / root) / 2 if x > 0 else b / (root - x) / root / 2


facts = Facts(
    name="squareplus",
    title="Squareplus",
    summary="Squareplus: ReLU with its corner rounded to a hyperbola, without an exponential.",
    formula=r"\frac{x + \sqrt{x^2 + b}}{2}",
    formula_text="(x + √(x² + b))/2",
    derivative_formula=r"\frac{1}{2}\left(1 + \frac{x}{\sqrt{x^2 + b}}\right)",
    derivative_text="(1 + x/√(x² + b))/2",
    words="A hyperbola that ReLU is the corner of: far from 0 it is next to ReLU, above it by about "
    "b/(4|x|); at 0 it is half the square root of b.",
    parameters=(
        Parameter(
            name="b",
            default=4.0,
            meaning="How wide the bend is: 0 gives ReLU, 4 a curve close to softplus. Not negative; "
            "where x² + b is, the result is NaN.",
            symbol="b",
            aliases=("beta", "smoothness"),
            tried=(0.0, 0.25, 1.0, 100.0),
        ),
    ),
    accuracy="Within 0.75 ULP in float32 and float64, the derivative within 1.21 ULP; subnormal "
    "results and squares that would overflow included.",
    integers="int8, uint8 and bool give float16, int16 and uint16 float32, wider ones float64.",
    source="J. T. Barron, Squareplus: a softplus-like algebraic rectifier, arXiv:2112.11687 (2021).",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.squareplus(np.array([-1.5, 0.0, 1.5]))
array([0.5, 1. , 2. ])
>>> hw.squareplus.derivative(np.array([-1.5, 0.0, 1.5]))
array([0.2, 0.5, 0.8])
""",
    value=_value,
    derivative=_derivative,
    exact_value=_exact_value,
    exact_derivative=_exact_derivative,
    measured=(
        Measured("float16", 0.501, -0.54248046875, 0.501, 0.0107421875),
        Measured("bfloat16", 0.501, -15.875, 0.501, -1.4757395258967641e20),
        Measured("float32", 0.75, -1.4105721206810812e38, 1.205, -1.6335513740193956e18),
        Measured("float64", 0.75, -5.0477058999061087e307, 1.21, -3.9155740364794609e151),
    ),
    elsewhere=(
        ("JAX", "jax.nn.squareplus(x, b=b)"),
        ("Keras", "keras.activations.squareplus(x, b=b)"),
    ),
    peers=Peers(
        number=("(x + (x * x + b) ** 0.5) / 2",),
        value=(
            "(x + np.sqrt(x * x + b)) / 2",
            "(x + torch.sqrt(x * x + b)) / 2",
            "f = jax.jit(jax.nn.squareplus); f(x, b).block_until_ready()",
        ),
        out=("numexpr.evaluate('(x + sqrt(x * x + b)) / 2', out=y, casting='same_kind')",),
        derivative=("(1 + x / np.sqrt(x * x + b)) / 2",),
        pullback=("g * (1 + x / np.sqrt(x * x + b)) / 2",),
    ),
)
