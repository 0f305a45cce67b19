"""PReLU: the facts. The arithmetic is that of leaky_relu.h."""

from __future__ import annotations

from typing import Any

from halfwave.facts import ActiveSide, Facts, Kink, Onnx, Parameter, Peers
from halfwave.functions.leaky_relu import facts as leaky_relu


def _parameter_slopes(xp: Any, x: Any, alpha: Any) -> tuple[Any]:
    return (xp.minimum(x, xp.zeros_like(x)),)


facts = Facts(
    name="prelu",
    title="PReLU",
    summary="Parametric ReLU: x where x is not negative, a slope that is learned times x elsewhere.",
    formula=r"\mathbf{1}(x < 0)\,(\alpha x) + \mathbf{1}(x \ge 0)\,(x)",
    formula_text="1(x<0)(αx) + 1(x≥0)(x)",
    derivative_formula=r"\begin{cases} \alpha & x \le 0 \\ 1 & x > 0 \end{cases}",
    derivative_text="α for x ≤ 0, 1 for x > 0",
    words="Leaky ReLU with a slope that is a weight of the network: one for all, or one for each "
    "channel. Where x is less than 0, alpha times x; where x is 0 or more, x itself.",
    parameters=(
        Parameter(
            name="alpha",
            default=0.25,
            meaning="Slope where x is negative, any number; 0.25 is what the paper starts from. One "
            "for each channel of (N, C, H, W) has the shape (C, 1, 1).",
            symbol="α",
            aliases=("weight", "negative_slope", "slope", "a", "init", "alpha_initializer"),
        ),
    ),
    parameter_slopes=_parameter_slopes,
    kinks=(
        Kink(
            at=0.0,
            left="alpha",
            right=1.0,
            slope="alpha",
            elsewhere=(("PyTorch", "alpha"), ("TensorFlow", 0.0)),
        ),
    ),
    accuracy="Correctly rounded on every input; NaN stays NaN and -0.0 stays -0.0. The gradient of "
    "alpha is summed in double precision and rounded once.",
    integers="int8, uint8 and bool give float16, int16 and uint16 float32, wider ones float64.",
    source="K. He, X. Zhang, S. Ren and J. Sun, Delving deep into rectifiers: surpassing human-level\n"
    "performance on ImageNet classification, ICCV 2015.",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.prelu(np.array([1.0, -10.0, 0.0, 15.0, -20.0]))
array([ 1. , -2.5,  0. , 15. , -5. ])
>>> x = np.array([[1.0, -10.0], [-2.0, -20.0]])
>>> y, pullback = hw.prelu.vjp(x, alpha=np.array([0.5, 0.25]))
>>> dx, dalpha = pullback(np.ones((2, 2)))
>>> dx
array([[1.  , 0.25],
       [0.5 , 0.25]])
>>> dalpha
array([ -2., -30.])
""",
    value=leaky_relu.value,
    derivative=leaky_relu.derivative,
    active=ActiveSide(slope="alpha"),
    onnx=Onnx("PRelu", inputs=("alpha",)),
    elsewhere=(
        ("PyTorch", "torch.nn.functional.prelu(x, torch.tensor(alpha, dtype=x.dtype))"),
        ("Keras", "keras.layers.PReLU(alpha_initializer=keras.initializers.Constant(alpha))(x)"),
    ),
    peers=Peers(
        number=("x if x > 0 else alpha * x",),
        value=(
            "np.where(x > 0, x, alpha * x)",
            "torch.nn.functional.prelu(x, torch.tensor(alpha))",
        ),
        out=("np.maximum(x, alpha * x, out=y)",),
        derivative=("np.where(x > 0, 1, alpha).astype(x.dtype)",),
        pullback=(
            "np.where(x > 0, g, alpha * g), np.sum(np.minimum(x, 0) * g)",
            "torch.ops.aten._prelu_kernel_backward(g, x, torch.tensor(alpha))",
        ),
    ),
)
