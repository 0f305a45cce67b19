"""SELU: the facts. The arithmetic is in selu.h."""

from __future__ import annotations

from typing import Any

from halfwave.facts import Facts, Kink, Measured, Onnx, Parameter, Peers


def _value(xp: Any, x: Any, alpha: Any, gamma: Any) -> Any:
    # 0 stands in for what each branch is not to meet: no infinity spoils the gradient of gamma.
    below = xp.where(x < 0, x, xp.zeros_like(x))
    above = xp.where(x < 0, xp.zeros_like(x), x)
    return xp.where(x < 0, gamma * alpha * xp.expm1(below), gamma * above)


def _derivative(xp: Any, x: Any, alpha: Any, gamma: Any) -> Any:
    below = xp.where(x < 0, x, xp.zeros_like(x))
    above = xp.where(x > 0, gamma * xp.ones_like(x), x)
    return xp.where(x <= 0, gamma * alpha * xp.exp(below), above)


def _exact_value(mp: Any, x: Any, alpha: Any, gamma: Any) -> Any:
    return gamma * alpha * mp.expm1(x) if x < 0 else gamma * x


def _exact_derivative(mp: Any, x: Any, alpha: Any, gamma: Any) -> Any:
    return gamma if x > 0 else gamma * alpha * mp.exp(x)


facts = Facts(
    name="selu",
    title="SELU",
    summary="Scaled exponential linear unit: gamma x where x is not negative, "
    "gamma alpha (e^x - 1) elsewhere.",
    formula=r"\gamma \begin{cases} x & x \ge 0 \\ \alpha (e^x - 1) & x < 0 \end{cases}",
    formula_text="γx for x ≥ 0, γα(eˣ - 1) for x < 0",
    derivative_formula=r"\gamma \begin{cases} 1 & x > 0 \\ \alpha e^x & x \le 0 \end{cases}",
    derivative_text="γ for x > 0, γαeˣ for x ≤ 0",
    words="ELU with two constants, so chosen that the outputs of many layers of a network keep a "
    "mean of 0 and a variance of 1.",
    parameters=(
        Parameter(
            name="alpha",
            default=1.6732632423543772,
            meaning="What the result over gamma approaches for very negative x, with its sign "
            "changed.",
            symbol="α",
            tried=(1.0, 0.3),
        ),
        Parameter(
            name="gamma",
            default=1.0507009873554805,
            meaning="The slope where x is positive.",
            symbol="γ",
            aliases=("scale", "lambda_"),
            tried=(1.0, 2.5),
        ),
    ),
    kinks=(
        Kink(
            at=0.0,
            left="gamma*alpha",
            right="gamma",
            slope="gamma*alpha",
            elsewhere=(
                ("PyTorch", "gamma*alpha"),
                ("JAX", "gamma*alpha"),
                ("TensorFlow", "gamma"),
            ),
        ),
    ),
    accuracy="Within 1 ULP in float32 and float64, tails and subnormal results included; the "
    "derivative within 1.23 ULP. -0.0 stays -0.0.",
    integers="int8, uint8 and bool give float16, int16 and uint16 float32, wider ones float64.",
    source="G. Klambauer, T. Unterthiner, A. Mayr and S. Hochreiter, Self-normalizing neural\n"
    "networks, NeurIPS 2017.",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.selu(np.array([1.0, -1.0, 0.0, -20.0]))
array([ 1.05070099, -1.11133074,  0.        , -1.75809934])
>>> hw.selu.derivative(np.array([1.0, 0.0]))
array([1.05070099, 1.75809934])
""",
    value=_value,
    derivative=_derivative,
    exact_value=_exact_value,
    exact_derivative=_exact_derivative,
    measured=(
        Measured("float16", 0.501, 7.62939453125e-06, 0.501, -0.0002713203430175781),
        Measured("bfloat16", 0.501, 2.938735877055719e-39, 0.501, -5.4375),
        Measured("float32", 1.0, -2.4340529101949715e-38, 1.23, -16.280752182006836),
        Measured("float64", 1.0, -2.297035427577132e-308, 1.15, -3.118735683118043),
    ),
    onnx=Onnx("Selu", attributes=(("alpha", "alpha"), ("gamma", "gamma"))),
    elsewhere=(
        ("PyTorch", "torch.nn.functional.selu(x)"),
        ("JAX", "jax.nn.selu(x)"),
        ("TensorFlow", "tf.nn.selu(x)"),
        ("Keras", "keras.activations.selu(x)"),
    ),
    peers=Peers(
        number=("gamma * (x if x > 0 else alpha * np.expm1(x))",),
        value=(
            "gamma * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))",
            "torch.selu(x)",
            "f = jax.jit(jax.nn.selu); f(x).block_until_ready()",
        ),
        out=(
            "torch.ops.aten.elu.out(x, alpha, gamma, out=y)",
            (
                "numexpr.evaluate('gamma * where(x > 0, x, alpha * expm1(x))', out=y, "
                "casting='same_kind')"
            ),
        ),
        derivative=(
            "gamma * np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0))).astype(x.dtype)",
        ),
        pullback=(
            "g * gamma * np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0)))",
            "torch.ops.aten.elu_backward(g, alpha, gamma, 1.0, False, x)",
        ),
    ),
)
