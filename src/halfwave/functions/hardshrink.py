"""Hard shrinkage: the facts. The arithmetic is in hardshrink.h."""

from __future__ import annotations

from typing import Any

from halfwave.facts import Facts, Kink, Onnx, Parameter, Peers


def _value(xp: Any, x: Any, threshold: Any) -> Any:
    return xp.where(xp.abs(x) <= threshold, xp.zeros_like(x), x)


def _derivative(xp: Any, x: Any, threshold: Any) -> Any:
    slope = xp.where(xp.abs(x) <= threshold, xp.zeros_like(x), xp.ones_like(x))
    return xp.where(x == x, slope, x)  # noqa: PLR0124  # NaN is not equal to itself


facts = Facts(
    name="hardshrink",
    title="Hardshrink",
    summary="Hard shrinkage: x where x is further from 0 than a threshold, 0 elsewhere.",
    formula=r"\mathbf{1}(|x| > \lambda)\,x",
    formula_text="1(|x|>λ)x",
    derivative_formula=r"\begin{cases} 0 & |x| \le \lambda \\ 1 & |x| > \lambda \end{cases}",
    derivative_text="0 for |x| ≤ λ, 1 for |x| > λ",
    words="1(condition) is 1 where the condition holds and 0 where it does not. So: "
    "a number further from 0 than lambda stays as it is, everything else becomes 0.",
    parameters=(
        Parameter(
            name="threshold",
            default=0.5,
            meaning="Up to which distance from 0 all become 0; 0 or more.",
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
            jump=True,
            elsewhere=(("PyTorch", 0.0), ("TensorFlow", 0.0)),
        ),
        Kink(
            at="threshold",
            left=0.0,
            right=1.0,
            slope=0.0,
            jump=True,
            elsewhere=(("PyTorch", 0.0), ("TensorFlow", 0.0)),
        ),
    ),
    accuracy="Exact on every input; NaN stays NaN.",
    integers="int8, uint8 and bool give float16, int16 and uint16 float32, wider ones float64.",
    source="D. L. Donoho and I. M. Johnstone, Ideal spatial adaptation by wavelet shrinkage,\n"
    "Biometrika 81 (1994).",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.hardshrink(np.array([-2.0, -0.25, 0.5, 0.75]))
array([-2.  ,  0.  ,  0.  ,  0.75])
>>> hw.hardshrink.derivative(np.array([-2.0, -0.25, 0.5, 0.75]))
array([1., 0., 0., 1.])
""",
    value=_value,
    derivative=_derivative,
    onnx=Onnx("Shrink", attributes=(("bias", 0.0), ("lambd", "threshold"))),
    elsewhere=(
        ("PyTorch", "torch.nn.functional.hardshrink(x, lambd=threshold)"),
        ("Keras", "keras.activations.hard_shrink(x, threshold=threshold)"),
    ),
    peers=Peers(
        number=("x if abs(x) > threshold else 0.0",),
        value=(
            "np.where(np.abs(x) > threshold, x, 0)",
            "torch.nn.functional.hardshrink(x, threshold)",
        ),
        out=("torch.ops.aten.hardshrink.out(x, threshold, out=y)",),
        derivative=("(np.abs(x) > threshold).astype(x.dtype)",),
        pullback=(
            "g * (np.abs(x) > threshold)",
            "torch.ops.aten.hardshrink_backward(g, x, threshold)",
        ),
    ),
)
