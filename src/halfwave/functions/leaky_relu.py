"""Leaky ReLU: the facts. The arithmetic is in leaky_relu.h."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from halfwave.facts import Facts, Kink, Parameter

if TYPE_CHECKING:
    from numpy.typing import NDArray


def _reference(x: NDArray[Any], alpha: Any) -> NDArray[Any]:
    with np.errstate(all="ignore"):
        scaled = np.where((alpha == 0) & np.isinf(x), -alpha, alpha * x)
    return np.where(x < 0, scaled, x)


def _derivative(x: NDArray[Any], alpha: Any) -> NDArray[Any]:
    return np.where(np.isnan(x), x, np.where(x > 0, x.dtype.type(1), alpha))


facts = Facts(
    name="leaky_relu",
    title="Leaky ReLU",
    summary="Leaky rectified linear unit: x where x is not negative, alpha times x elsewhere.",
    formula=r"\mathbf{1}(x < 0)\,(\alpha x) + \mathbf{1}(x \ge 0)\,(x)",
    formula_text="1(x<0)(αx) + 1(x≥0)(x)",
    derivative_formula=r"\begin{cases} \alpha & x \le 0 \\ 1 & x > 0 \end{cases}",
    derivative_text="α for x ≤ 0, 1 for x > 0",
    words="1(condition) is 1 where the condition holds and 0 where it does not. So: "
    "where x is less than 0, alpha times x; where x is 0 or more, x itself.",
    parameters=(
        Parameter(
            name="alpha",
            default=0.01,
            meaning="Slope where x is negative; any number.",
            symbol="α",
            aliases=("negative_slope", "slope", "leak", "leakiness", "a"),
        ),
    ),
    kinks=(Kink(at=0.0, left="alpha", right=1.0, slope="alpha"),),
    accuracy="Correctly rounded on every input; NaN stays NaN and -0.0 stays -0.0.",
    integers="int8, uint8 and bool give float16, int16 and uint16 float32, wider ones float64.",
    source="A. L. Maas, A. Y. Hannun and A. Y. Ng, Rectifier nonlinearities improve neural\n"
    "network acoustic models, ICML 2013.",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.leaky_relu(np.array([1.0, -10.0, 0.0, 15.0, -20.0]))
array([ 1. , -0.1,  0. , 15. , -0.2])
>>> hw.leaky_relu.derivative(np.array([1.0, -10.0]), alpha=0.2)
array([1. , 0.2])
""",
    reference=_reference,
    reference_derivative=_derivative,
)
