"""Softplus: the facts. The arithmetic is in softplus.h."""

from __future__ import annotations

from typing import Any

from halfwave.facts import Facts, Measured, Onnx, Parameter, Peers


def _value(xp: Any, x: Any, beta: Any) -> Any:
    right, power = _tail(xp, beta * x)
    return xp.where(right, x, xp.zeros_like(x)) + xp.log1p(power) / beta


def _derivative(xp: Any, x: Any, beta: Any) -> Any:
    right, power = _tail(xp, beta * x)
    return xp.where(right, xp.ones_like(power), power) / (1 + power)


def _tail(xp: Any, z: Any) -> tuple[Any, Any]:
    # exp(-|z|); of an absolute value the slope at 0 would be lost.
    right = z > 0
    return right, xp.exp(xp.where(right, -z, z))


def _exact_value(mp: Any, x: Any, beta: Any) -> Any:
    z = beta * x
    return (x if z > 0 else 0) + mp.log1p(mp.exp(-abs(z))) / beta


def _exact_derivative(mp: Any, x: Any, beta: Any) -> Any:
    z = beta * x
    power = mp.exp(-abs(z))
    return (1 if z > 0 else power) / (1 + power)


facts = Facts(
    name="softplus",
    title="Softplus",
    summary="Softplus: ReLU with its corner rounded by a logarithm, and the logistic function as its "
    "slope.",
    formula=r"\frac{\ln(1 + e^{\beta x})}{\beta}",
    formula_text="ln(1 + e^(βx))/β",
    derivative_formula=r"\frac{1}{1 + e^{-\beta x}}",
    derivative_text="1/(1 + e^(-βx))",
    words="A smooth ReLU: far on the right x itself, far on the left e to the power of beta x, over "
    "beta. The larger beta is, the sharper is the bend.",
    parameters=(
        Parameter(
            name="beta",
            default=1.0,
            meaning="How sharp the bend is: the larger, the closer to ReLU. Not 0; a negative one "
            "turns the curve upside down and back to front.",
            symbol="β",
            aliases=("sharpness",),
            tried=(0.1, 0.7, 1.5, 20.0),
        ),
    ),
    accuracy="Within 0.93 ULP in float32, on every input, and 1 ULP in float64; the derivative within "
    "2 ULP (2.05 in float64). Subnormal results and tails included, and no threshold beyond which it "
    "is x.",
    integers="int8, uint8 and bool give float16, int16 and uint16 float32, wider ones float64.",
    source="C. Dugas, Y. Bengio, F. Bélisle, C. Nadeau and R. Garcia, Incorporating second-order\n"
    "functional knowledge for better option pricing, NIPS 2000; X. Glorot, A. Bordes and\n"
    "Y. Bengio, Deep sparse rectifier neural networks, AISTATS 2011.",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.softplus(np.array([-1.0, 0.0, 1.0]))
array([0.31326169, 0.69314718, 1.31326169])
>>> hw.softplus.derivative(np.array([-1.0, 0.0, 1.0]), beta=2.0)
array([0.11920292, 0.5       , 0.88079708])
""",
    value=_value,
    derivative=_derivative,
    exact_value=_exact_value,
    exact_derivative=_exact_derivative,
    measured=(
        Measured("float16", 0.501, -6.389617919921875e-05, 0.501, -0.01123046875),
        Measured("bfloat16", 0.501, -0.0152587890625, 0.501, -0.00390625),
        Measured("float32", 0.93, -0.750176489, 2.0, -0.0003449918),
        Measured("float64", 1.0, -709.3969672200426, 2.05, -4.993796555158081e-05),
    ),
    onnx=Onnx("Softplus"),
    elsewhere=(
        ("PyTorch", "torch.nn.functional.softplus(x, beta=beta)"),
        ("JAX", "jax.nn.softplus(beta * x) / beta"),
        ("TensorFlow", "tf.math.softplus(beta * x) / beta"),
        ("Keras", "keras.activations.softplus(beta * x) / beta"),
        ("SciPy", "scipy.special.softplus(beta * x) / beta"),
    ),
    peers=Peers(
        number=("np.logaddexp(0, beta * x) / beta",),
        value=(
            "np.logaddexp(0, beta * x) / beta",
            "np.logaddexp(0, x)",
            "scipy.special.softplus(x)",
            "torch.nn.functional.softplus(x, beta)",
            "f = jax.jit(jax.nn.softplus); f(x).block_until_ready()",
        ),
        out=(
            "np.logaddexp(0, x, out=y)",
            "scipy.special.softplus(x, out=y)",
            "torch.ops.aten.softplus.out(x, beta, 20, out=y)",
        ),
        derivative=("scipy.special.expit(beta * x)",),
        pullback=(
            "g * scipy.special.expit(beta * x)",
            "torch.ops.aten.softplus_backward(g, x, beta, 20)",
        ),
    ),
)
