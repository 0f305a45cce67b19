"""Hard tanh: the facts. The arithmetic is in hardtanh.h."""

from __future__ import annotations

from typing import Any

from halfwave.facts import ActiveSide, Facts, Kink, Onnx, Parameter, Peers


def _value(xp: Any, x: Any, lower: Any, upper: Any) -> Any:
    # A bound that is NaN is not equal to itself.
    raised = xp.where((x <= lower) | (lower != lower), lower, x)  # noqa: PLR0124
    return xp.where((raised >= upper) | (upper != upper), upper, raised)  # noqa: PLR0124


def _derivative(xp: Any, x: Any, lower: Any, upper: Any) -> Any:
    slope = xp.where((x <= lower) | (x >= upper), xp.zeros_like(x), xp.ones_like(x))
    return xp.where(x == x, slope, x)  # noqa: PLR0124  # NaN is not equal to itself


facts = Facts(
    name="hardtanh",
    title="Hard tanh",
    summary="Hard hyperbolic tangent: x brought between a lower and an upper bound.",
    formula=r"\min(\max(x, l), u)",
    formula_text="min(max(x, l), u)",
    derivative_formula=r"\begin{cases} 1 & l < x < u \\ 0 & \text{elsewhere} \end{cases}",
    derivative_text="1 for l < x < u, 0 elsewhere",
    words="Between the two bounds x stays as it is; what is below becomes the lower bound, what is "
    "above the upper one.",
    parameters=(
        Parameter(
            name="lower",
            default=-1.0,
            meaning="The lowest value; any number.",
            symbol="l",
            tried=(-2.0, 0.0, 0.25),
            aliases=("min_val", "min_value", "minimum", "min", "a_min", "floor"),
            bound=True,
        ),
        Parameter(
            name="upper",
            default=1.0,
            meaning="The highest value; any number. Where it is below `lower`, all become it.",
            symbol="u",
            tried=(3.0, 1.5, 0.75),
            aliases=("max_val", "max_value", "maximum", "max", "a_max", "ceiling"),
            bound=True,
        ),
    ),
    kinks=(
        Kink(
            at="lower",
            left=0.0,
            right=1.0,
            slope=0.0,
            elsewhere=(("PyTorch", 0.0), ("JAX", 0.5), ("TensorFlow", 1.0)),
        ),
        Kink(
            at="upper",
            left=1.0,
            right=0.0,
            slope=0.0,
            elsewhere=(("PyTorch", 0.0), ("JAX", 0.5), ("TensorFlow", 1.0)),
        ),
    ),
    accuracy="Exact on every input; NaN stays NaN.",
    integers="Integers stay integers, of the same dtype, where the bounds are whole or infinite; else "
    "int8 and uint8 give float16, int16 and uint16 float32, wider ones float64. bool is refused.",
    source="R. Collobert, Large scale machine learning, PhD thesis, Université Paris VI (2004).",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.hardtanh(np.array([-7.0, -0.5, 0.5, 7.0]))
array([-1. , -0.5,  0.5,  1. ])
>>> hw.hardtanh.derivative(np.array([-7.0, -0.5, 1.0]), upper=2.0)
array([0., 1., 1.])
""",
    value=_value,
    derivative=_derivative,
    active=ActiveSide(floor="lower", ceiling="upper"),
    onnx=Onnx("Clip", inputs=("lower", "upper")),
    elsewhere=(
        ("PyTorch", "torch.nn.functional.hardtanh(x, min_val=lower, max_val=upper)"),
        ("JAX", "jax.numpy.clip(x, lower, upper)"),
        ("TensorFlow", "tf.clip_by_value(x, clip_value_min=lower, clip_value_max=upper)"),
        ("NumPy", "np.clip(x, lower, upper)"),
    ),
    peers=Peers(
        number=("max(lower, min(x, upper))",),
        value=(
            "np.clip(x, lower, upper)",
            "torch.nn.functional.hardtanh(x, lower, upper)",
            "f = jax.jit(jax.numpy.clip); f(x, lower, upper).block_until_ready()",
        ),
        out=(
            "np.clip(x, lower, upper, out=y)",
            "torch.clamp(x, lower, upper, out=y)",
        ),
        derivative=("((x > lower) & (x < upper)).astype(x.dtype)",),
        pullback=(
            "g * ((x > lower) & (x < upper))",
            "torch.ops.aten.hardtanh_backward(g, x, lower, upper)",
        ),
    ),
)
