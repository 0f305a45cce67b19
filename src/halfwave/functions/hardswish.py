"""Hard swish: the facts. The arithmetic is in hardswish.h."""

from __future__ import annotations

from typing import Any

from halfwave.facts import Facts, Kink, Measured, Onnx, Peers


def _value(xp: Any, x: Any) -> Any:
    # 0 stands in for an infinity, which would spoil the gradient of the other side.
    inside = xp.where((x <= -3) | (x >= 3), xp.zeros_like(x), x)
    above = xp.where(x >= 3, x, inside * ((inside + 3) / 6))
    return xp.where(x <= -3, xp.zeros_like(x), above)


def _derivative(xp: Any, x: Any) -> Any:
    above = xp.where(x >= 3, xp.ones_like(x), (2 * x + 3) / 6)
    return xp.where(x <= -3, xp.zeros_like(x), above)


def _exact_value(mp: Any, x: Any) -> Any:
    return x * min(max(x + 3, mp.zero), mp.mpf(6)) / 6


def _exact_derivative(mp: Any, x: Any) -> Any:
    if abs(x) >= 3:
        return mp.mpf(x > 0)
    return (2 * x + 3) / 6


facts = Facts(
    name="hardswish",
    title="Hard swish",
    summary="Hard swish: x times a line that stops at 0 and at 1.",
    formula=r"x\,\frac{\min(\max(x + 3, 0), 6)}{6}",
    formula_text="x min(max(x + 3, 0), 6)/6",
    derivative_formula=r"\begin{cases} 0 & x \le -3 \\ (2x + 3)/6 & -3 < x < 3 \\ "
    r"1 & x \ge 3 \end{cases}",
    derivative_text="0 for x ≤ -3, (2x + 3)/6 for -3 < x < 3, 1 for x ≥ 3",
    words="A parabola between -3 and 3, with its lowest point at -1.5; what is above stays as it is, "
    "what is below becomes 0.",
    kinks=(
        Kink(
            at=-3.0,
            left=0.0,
            right=-0.5,
            slope=0.0,
            elsewhere=(("PyTorch", 0.0), ("JAX", 0.0), ("TensorFlow", 0.0)),
        ),
        Kink(
            at=3.0,
            left=1.5,
            right=1.0,
            slope=1.0,
            elsewhere=(("PyTorch", 1.0), ("JAX", 1.0), ("TensorFlow", 1.0)),
        ),
    ),
    accuracy="Within 0.501 ULP on every input, the derivative too; NaN stays NaN.",
    integers="int8, uint8 and bool give float16, int16 and uint16 float32, wider ones float64.",
    source="A. Howard et al., Searching for MobileNetV3, ICCV 2019.",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.hardswish(np.array([-np.inf, -1.5, 0.0, 1.5, 7.0]))
array([ 0.   , -0.375,  0.   ,  1.125,  7.   ])
>>> hw.hardswish.derivative(np.array([-1.5, 0.0, 1.5]))
array([0. , 0.5, 1. ])
""",
    value=_value,
    derivative=_derivative,
    exact_value=_exact_value,
    exact_derivative=_exact_derivative,
    turning=(-1.5,),
    measured=(
        Measured("float16", 0.501, 5.960464477539063e-08, 0.501, 0.000732421875),
        Measured("bfloat16", 0.501, 9.183549615799121e-41, 0.501, 0.005859375),
        Measured("float32", 0.501, 0.7499999403953552, 0.501, 0.5),
        Measured("float64", 0.501, 0.42040347111635534, 0.501, 0.5),
    ),
    onnx=Onnx("HardSwish"),
    elsewhere=(
        ("PyTorch", "torch.nn.functional.hardswish(x)"),
        ("JAX", "jax.nn.hard_silu(x)"),
        ("Keras", "keras.activations.hard_silu(x)"),
    ),
    peers=Peers(
        number=("x * max(0.0, min(x + 3, 6.0)) / 6",),
        value=(
            "x * np.clip(x + 3, 0, 6) / 6",
            "torch.nn.functional.hardswish(x)",
            "f = jax.jit(jax.nn.hard_silu); f(x).block_until_ready()",
        ),
        out=("torch.ops.aten.hardswish.out(x, out=y)",),
        pullback=("torch.ops.aten.hardswish_backward(g, x)",),
    ),
)
