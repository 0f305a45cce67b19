"""ELU: the facts. The arithmetic is in elu.h."""

from __future__ import annotations

from typing import Any

from halfwave.facts import Facts, Kink, Measured, Onnx, Parameter, Peers


def _value(xp: Any, x: Any, alpha: Any) -> Any:
    below = xp.where(x < 0, x, xp.zeros_like(x))
    return xp.where(x < 0, alpha * xp.expm1(below), x)


def _derivative(xp: Any, x: Any, alpha: Any) -> Any:
    below = xp.where(x < 0, x, xp.zeros_like(x))
    return xp.where(x > 0, xp.ones_like(x), xp.where(x <= 0, alpha * xp.exp(below), x))


def _exact_value(mp: Any, x: Any, alpha: Any) -> Any:
    return alpha * mp.expm1(x) if x < 0 else x


def _exact_derivative(mp: Any, x: Any, alpha: Any) -> Any:
    return mp.one if x > 0 else alpha * mp.exp(x)


facts = Facts(
    name="elu",
    title="ELU",
    summary="Exponential linear unit: x where x is not negative, alpha (e^x - 1) elsewhere.",
    formula=r"\begin{cases} x & x \ge 0 \\ \alpha (e^x - 1) & x < 0 \end{cases}",
    formula_text="x for x ≥ 0, α(eˣ - 1) for x < 0",
    derivative_formula=r"\begin{cases} 1 & x > 0 \\ \alpha e^x & x \le 0 \end{cases}",
    derivative_text="1 for x > 0, αeˣ for x ≤ 0",
    words="A number that is not negative stays as it is; a negative one is bent, and never falls "
    "below -alpha.",
    parameters=(
        Parameter(
            name="alpha",
            default=1.0,
            meaning="What the result approaches for very negative x, with its sign changed.",
            symbol="α",
            tried=(0.5, 1.7, -0.3, 0.0),
        ),
    ),
    kinks=(
        Kink(
            at=0.0,
            left="alpha",
            right=1.0,
            slope="alpha",
            elsewhere=(("PyTorch", "alpha"), ("JAX", "alpha"), ("TensorFlow", "alpha")),
        ),
    ),
    accuracy="Within 0.79 ULP in float32 and float64, tails and subnormal results included; the "
    "derivative within 1 ULP. -0.0 stays -0.0.",
    integers="int8, uint8 and bool give float16, int16 and uint16 float32, wider ones float64.",
    source="D.-A. Clevert, T. Unterthiner and S. Hochreiter, Fast and accurate deep network\n"
    "learning by exponential linear units (ELUs), ICLR 2016.",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.elu(np.array([1.0, -1.0, 0.0, -20.0]))
array([ 1.        , -0.63212056,  0.        , -1.        ])
>>> hw.elu.derivative(np.array([1.0, 0.0]), alpha=0.5)
array([1. , 0.5])
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
    onnx=Onnx("Elu", attributes=(("alpha", "alpha"),)),
    elsewhere=(
        ("PyTorch", "torch.nn.functional.elu(x, alpha=alpha)"),
        ("JAX", "jax.nn.elu(x, alpha=alpha)"),
        ("TensorFlow", "tf.keras.activations.elu(x, alpha=alpha)"),
        ("Keras", "keras.activations.elu(x, alpha=alpha)"),
    ),
    peers=Peers(
        number=("x if x > 0 else alpha * np.expm1(x)",),
        value=(
            "np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))",
            "torch.nn.functional.elu(x, alpha)",
            "f = jax.jit(jax.nn.elu); f(x, alpha).block_until_ready()",
        ),
        out=(
            "torch.ops.aten.elu.out(x, alpha, out=y)",
            "numexpr.evaluate('where(x > 0, x, alpha * expm1(x))', out=y, casting='same_kind')",
        ),
        derivative=("np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0))).astype(x.dtype)",),
        pullback=(
            "np.where(x > 0, g, g * alpha * np.exp(np.minimum(x, 0)))",
            "torch.ops.aten.elu_backward(g, alpha, 1.0, 1.0, False, x)",
        ),
    ),
)
