"""Log-sigmoid: the facts. The arithmetic is in log_sigmoid.h."""

from __future__ import annotations

from typing import Any

from halfwave.facts import Facts, Measured, Peers


def _value(xp: Any, x: Any) -> Any:
    below = xp.where(x < 0, x, xp.zeros_like(x))
    return below - xp.log1p(xp.exp(_minus_abs(xp, x)))


def _derivative(xp: Any, x: Any) -> Any:
    v = xp.exp(_minus_abs(xp, x))
    return xp.where(x < 0, xp.ones_like(v), v) / (1 + v)


def _minus_abs(xp: Any, x: Any) -> Any:
    return xp.where(x < 0, x, -x)  # whose slope at 0 is -1, where that of an absolute value is 0


def _exact_value(mp: Any, x: Any) -> Any:
    return min(x, mp.zero) - mp.log1p(mp.exp(-abs(x)))


def _exact_derivative(mp: Any, x: Any) -> Any:
    v = mp.exp(-abs(x))
    return (1 if x < 0 else v) / (1 + v)


facts = Facts(
    name="log_sigmoid",
    title="LogSigmoid",
    summary="Log-sigmoid: the logarithm of the logistic function, which is -softplus(-x).",
    formula=r"-\ln(1 + e^{-x})",
    formula_text="-ln(1 + e⁻ˣ)",
    derivative_formula=r"\frac{1}{1 + e^x}",
    derivative_text="1/(1 + eˣ)",
    words="A smooth min(x, 0): softplus upside down and back to front. It is the logarithm of a "
    "probability that the logistic function gives.",
    accuracy="Within 0.93 ULP in float32, on every input, and 1 ULP in float64; the derivative within "
    "2 ULP (2.05 in float64). Subnormal results and tails included.",
    integers="int8, uint8 and bool give float16, int16 and uint16 float32, wider ones float64.",
    source="C. Dugas, Y. Bengio, F. Bélisle, C. Nadeau and R. Garcia, Incorporating second-order\n"
    "functional knowledge for better option pricing, NIPS 2000 (softplus).",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.log_sigmoid(np.array([-1.0, 0.0, 1.0]))
array([-1.31326169, -0.69314718, -0.31326169])
>>> hw.log_sigmoid.derivative(np.array([-1000.0, 0.0, np.inf]))
array([1. , 0.5, 0. ])
""",
    value=_value,
    derivative=_derivative,
    exact_value=_exact_value,
    exact_derivative=_exact_derivative,
    measured=(
        Measured("float16", 0.501, 6.389617919921875e-05, 0.501, 0.01123046875),
        Measured("bfloat16", 0.501, 0.0152587890625, 0.501, 0.00390625),
        Measured("float32", 0.93, 0.750176489, 2.0, 0.0003449918),
        Measured("float64", 1.0, 708.7424886690059, 2.05, 0.0009552449718245978),
    ),
    elsewhere=(
        ("PyTorch", "torch.nn.functional.logsigmoid(x)"),
        ("JAX", "jax.nn.log_sigmoid(x)"),
        ("TensorFlow", "tf.math.log_sigmoid(x)"),
        ("Keras", "keras.activations.log_sigmoid(x)"),
        ("SciPy", "scipy.special.log_expit(x)"),
    ),
    peers=Peers(
        number=("-np.logaddexp(0, -x)",),
        value=(
            "-np.logaddexp(0, -x)",
            "scipy.special.log_expit(x)",
            "torch.nn.functional.logsigmoid(x)",
            "f = jax.jit(jax.nn.log_sigmoid); f(x).block_until_ready()",
        ),
        out=(
            "scipy.special.log_expit(x, out=y)",
            "torch.ops.aten.log_sigmoid.out(x, out=y)",
        ),
        derivative=("scipy.special.expit(-x)",),
        pullback=(
            "b = torch.ops.aten.log_sigmoid_forward(x)[1]; "  # e^-|x|, which its forward keeps
            + "torch.ops.aten.log_sigmoid_backward(g, x, b)",
        ),
    ),
)
