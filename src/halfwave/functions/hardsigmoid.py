"""Hard sigmoid: the facts. The arithmetic is in hardsigmoid.h."""

from __future__ import annotations

from typing import Any

from halfwave.facts import Facts, Kink, Measured, Onnx, Parameter, Peers


def _value(xp: Any, x: Any, slope: Any, offset: Any) -> Any:
    line = slope * x + offset
    raised = xp.where(line <= 0, xp.zeros_like(line), line)
    return xp.where(raised >= 1, xp.ones_like(line), raised)


def _derivative(xp: Any, x: Any, slope: Any, offset: Any) -> Any:
    at_zero, at_one = -offset / slope, (1 - offset) / slope
    rises = at_zero <= at_one
    first, last = xp.where(rises, at_zero, at_one), xp.where(rises, at_one, at_zero)
    inside = xp.where((x <= first) | (x >= last), xp.zeros_like(x), slope)
    return xp.where(x == x, inside, x)  # noqa: PLR0124  # NaN is not equal to itself


def _exact_value(mp: Any, x: Any, slope: Any, offset: Any) -> Any:
    return min(max(slope * x + offset, mp.zero), mp.one)


def _exact_derivative(mp: Any, x: Any, slope: Any, offset: Any) -> Any:
    return slope if 0 < slope * x + offset < 1 else mp.zero


_AT_BOTH = (("PyTorch", 0.0), ("JAX", 0.0), ("TensorFlow", 0.0))

facts = Facts(
    name="hardsigmoid",
    title="Hard sigmoid",
    summary="Hard logistic function: a line that stops at 0 and at 1.",
    formula=r"\min(\max(ax + b, 0), 1)",
    formula_text="min(max(ax + b, 0), 1)",
    derivative_formula=r"\begin{cases} a & 0 < ax + b < 1 \\ 0 & \text{elsewhere} \end{cases}",
    derivative_text="a for 0 < ax + b < 1, 0 elsewhere",
    words="The line a x + b between 0 and 1; what is below becomes 0, what is above 1.",
    parameters=(
        Parameter(
            name="slope",
            default=1 / 6,
            meaning="Slope of the line, more than 0. Keras had 0.2 before version 3, as ONNX has.",
            symbol="a",
            aliases=("alpha", "a"),
            tried=(0.2, 0.25, 1.0),
        ),
        Parameter(
            name="offset",
            default=0.5,
            meaning="The value at 0, where that is between 0 and 1; any number.",
            symbol="b",
            aliases=("beta", "b", "shift", "intercept"),
            tried=(0.0, 0.75),
        ),
    ),
    kinks=(
        Kink(at="-offset/slope", left=0.0, right="slope", slope=0.0, elsewhere=_AT_BOTH),
        Kink(at="(1 - offset)/slope", left="slope", right=0.0, slope=0.0, elsewhere=_AT_BOTH),
    ),
    accuracy="Rounded once, next to the kinks too; the same bits on every instruction set. In float32 "
    "and float64 a kink that is no number of the dtype is taken to be the nearest one. Where x is NaN, "
    "a gradient passes as it does between the kinks.",
    integers="int8, uint8 and bool give float16, int16 and uint16 float32, wider ones float64.",
    source="M. Courbariaux, Y. Bengio and J.-P. David, BinaryConnect: training deep neural\n"
    "networks with binary weights during propagations, NIPS 2015; A. Howard et al., Searching for\n"
    "MobileNetV3, ICCV 2019 (the slope 1/6).",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.hardsigmoid(np.array([-7.0, -1.5, 0.0, 1.5, 7.0]))
array([0.  , 0.25, 0.5 , 0.75, 1.  ])
>>> hw.hardsigmoid.derivative(np.array([-7.0, -1.5]), slope=0.25)
array([0.  , 0.25])
""",
    value=_value,
    derivative=_derivative,
    exact_value=_exact_value,
    exact_derivative=_exact_derivative,
    open_slope="slope",
    measured=(
        Measured("float16", 0.501, 2.0, 0.0, 0.0),
        Measured("bfloat16", 0.501, 2.0, 0.0, 0.0),
        Measured("float32", 0.501, 2.0, 0.0, 0.0),
        Measured("float64", 0.501, -1.000602478766526, 0.0, 0.0),
    ),
    onnx=Onnx("HardSigmoid", attributes=(("alpha", "slope"), ("beta", "offset"))),
    elsewhere=(
        ("PyTorch", "torch.nn.functional.hardsigmoid(x)"),
        ("JAX", "jax.nn.hard_sigmoid(x)"),
        ("Keras", "keras.activations.hard_sigmoid(x)"),
    ),
    peers=Peers(
        number=("max(0.0, min(slope * x + offset, 1.0))",),
        value=(
            "np.clip(slope * x + offset, 0, 1)",
            "torch.nn.functional.hardsigmoid(x)",
            "f = jax.jit(jax.nn.hard_sigmoid); f(x).block_until_ready()",
        ),
        out=("torch.ops.aten.hardsigmoid.out(x, out=y)",),
        pullback=("torch.ops.aten.hardsigmoid_backward(g, x)",),
    ),
)
