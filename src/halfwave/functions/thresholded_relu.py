"""Thresholded ReLU: the facts. The arithmetic is in thresholded_relu.h."""

from __future__ import annotations

from typing import Any

from halfwave.facts import Facts, Kink, Onnx, Parameter, Peers


def _value(xp: Any, x: Any, theta: Any) -> Any:
    return xp.where(x <= theta, xp.zeros_like(x), x)


def _derivative(xp: Any, x: Any, theta: Any) -> Any:
    slope = xp.where(x <= theta, xp.zeros_like(x), xp.ones_like(x))
    return xp.where(x == x, slope, x)  # noqa: PLR0124  # NaN is not equal to itself


facts = Facts(
    name="thresholded_relu",
    title="Thresholded ReLU",
    summary="Thresholded rectified linear unit: x where x is above a threshold, 0 elsewhere.",
    formula=r"\mathbf{1}(x > \theta)\,x",
    formula_text="1(x>θ)x",
    derivative_formula=r"\begin{cases} 0 & x \le \theta \\ 1 & x > \theta \end{cases}",
    derivative_text="0 for x ≤ θ, 1 for x > θ",
    words="1(condition) is 1 where the condition holds and 0 where it does not. So: "
    "a number above theta stays as it is, everything else becomes 0.",
    parameters=(
        Parameter(
            name="theta",
            default=1.0,
            meaning="Above which number x passes; any number.",
            symbol="θ",
            aliases=("threshold", "alpha", "cutoff"),
        ),
    ),
    kinks=(
        Kink(
            at="theta",
            left=0.0,
            right=1.0,
            slope=0.0,
            jump=True,
            elsewhere=(("PyTorch", 0.0), ("TensorFlow", 0.0)),
        ),
    ),
    accuracy="Exact on every input; NaN stays NaN.",
    integers="int8, uint8 and bool give float16, int16 and uint16 float32, wider ones float64.",
    source="K. Konda, R. Memisevic and D. Krueger, Zero-bias autoencoders and the benefits of\n"
    "co-adapting features, ICLR 2015.",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.thresholded_relu(np.array([-2.0, 0.5, 1.0, 1.5]))
array([0. , 0. , 0. , 1.5])
>>> hw.thresholded_relu.derivative(np.array([0.5, 1.5]), theta=2.0)
array([0., 0.])
""",
    value=_value,
    derivative=_derivative,
    onnx=Onnx("ThresholdedRelu", attributes=(("alpha", "theta"),)),
    elsewhere=(
        ("PyTorch", "torch.nn.functional.threshold(x, threshold=theta, value=0.0)"),
        ("Keras", "keras.activations.threshold(x, threshold=theta, default_value=0.0)"),
    ),
    peers=Peers(
        number=("x if x > theta else 0.0",),
        value=(
            "np.where(x > theta, x, 0)",
            "x * (x > theta)",
            "torch.nn.functional.threshold(x, theta, 0.0)",
        ),
        out=("torch.ops.aten.threshold.out(x, theta, 0.0, out=y)",),
        derivative=("(x > theta).astype(x.dtype)",),
        pullback=("g * (x > theta)", "torch.ops.aten.threshold_backward(g, x, theta)"),
    ),
)
