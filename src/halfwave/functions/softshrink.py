"""Soft shrinkage: the facts. The arithmetic is in softshrink.h."""

from __future__ import annotations

from typing import Any

from halfwave.facts import Facts, Kink, Onnx, Parameter, Peers


def _value(xp: Any, x: Any, threshold: Any) -> Any:
    step = xp.where(x < 0, -threshold, threshold)
    return xp.where(xp.abs(x) <= threshold, xp.zeros_like(x), x - step)


def _derivative(xp: Any, x: Any, threshold: Any) -> Any:
    slope = xp.where(xp.abs(x) <= threshold, xp.zeros_like(x), xp.ones_like(x))
    return xp.where(x == x, slope, x)  # noqa: PLR0124  # NaN is not equal to itself


facts = Facts(
    name="softshrink",
    title="Softshrink",
    summary="Soft shrinkage: x brought nearer to 0 by a threshold, 0 where it is no further away.",
    formula=r"\operatorname{sign}(x)\,\max(|x| - \lambda, 0)",
    formula_text="sign(x) max(|x| - λ, 0)",
    derivative_formula=r"\begin{cases} 0 & |x| \le \lambda \\ 1 & |x| > \lambda \end{cases}",
    derivative_text="0 for |x| ≤ λ, 1 for |x| > λ",
    words="A number further from 0 than lambda comes nearer to 0 by lambda; everything else "
    "becomes 0.",
    parameters=(
        Parameter(
            name="threshold",
            default=0.5,
            meaning="By how much x comes nearer to 0; 0 or more.",
            symbol="λ",
            tried=(0.25, 1.0, 3.0),
            aliases=("lambd", "lambda_", "lambda", "lam", "theta"),
        ),
    ),
    kinks=(
        Kink(
            at="-threshold",
            left=1.0,
            right=0.0,
            slope=0.0,
            elsewhere=(("PyTorch", 0.0), ("TensorFlow", 0.0)),
        ),
        Kink(
            at="threshold",
            left=0.0,
            right=1.0,
            slope=0.0,
            elsewhere=(("PyTorch", 0.0), ("TensorFlow", 0.0)),
        ),
    ),
    accuracy="Correctly rounded on every input; NaN stays NaN.",
    integers="int8, uint8 and bool give float16, int16 and uint16 float32, wider ones float64.",
    source="D. L. Donoho, De-noising by soft-thresholding, IEEE Trans. Inf. Theory 41 (1995).",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.softshrink(np.array([-2.0, -0.25, 0.5, 0.75]))
array([-1.5 ,  0.  ,  0.  ,  0.25])
>>> hw.softshrink.derivative(np.array([-2.0, -0.25, 0.5, 0.75]))
array([1., 0., 0., 1.])
""",
    value=_value,
    derivative=_derivative,
    onnx=Onnx("Shrink", attributes=(("bias", "threshold"), ("lambd", "threshold"))),
    elsewhere=(
        ("PyTorch", "torch.nn.functional.softshrink(x, lambd=threshold)"),
        ("Keras", "keras.activations.soft_shrink(x, threshold=threshold)"),
    ),
    peers=Peers(
        number=("x - max(-threshold, min(x, threshold))",),
        value=(
            "x - np.clip(x, -threshold, threshold)",
            "np.sign(x) * np.maximum(np.abs(x) - threshold, 0)",
            "torch.nn.functional.softshrink(x, threshold)",
        ),
        out=("torch.ops.aten.softshrink.out(x, threshold, out=y)",),
        derivative=("(np.abs(x) > threshold).astype(x.dtype)",),
        pullback=(
            "g * (np.abs(x) > threshold)",
            "torch.ops.aten.softshrink_backward(g, x, threshold)",
        ),
    ),
)
