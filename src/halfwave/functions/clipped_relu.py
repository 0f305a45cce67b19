"""Clipped ReLU: the facts. The arithmetic is in clipped_relu.h."""

from __future__ import annotations

from typing import Any

from halfwave.facts import ActiveSide, Facts, Kink, Onnx, Parameter, Peers

_AT_BOTH = (("PyTorch", 0.0), ("JAX", 0.5), ("TensorFlow", 1.0))


def _value(xp: Any, x: Any, ceiling: Any) -> Any:
    rectified = xp.where(x <= 0, xp.zeros_like(x), x)
    # A ceiling that is NaN is not equal to itself.
    above = (rectified >= ceiling) | (ceiling != ceiling)  # noqa: PLR0124
    return xp.where(above, ceiling, rectified)


def _derivative(xp: Any, x: Any, ceiling: Any) -> Any:
    slope = xp.where((x <= 0) | (x >= ceiling), xp.zeros_like(x), xp.ones_like(x))
    return xp.where(x == x, slope, x)  # noqa: PLR0124  # NaN is not equal to itself


facts = Facts(
    name="clipped_relu",
    title="Clipped ReLU",
    summary="Clipped rectified linear unit: x where x is between 0 and a ceiling, the nearer of "
    "them elsewhere.",
    formula=r"\min(\max(0, x), c)",
    formula_text="min(max(0, x), c)",
    derivative_formula=r"\begin{cases} 1 & 0 < x < c \\ 0 & \text{elsewhere} \end{cases}",
    derivative_text="1 for 0 < x < c, 0 elsewhere",
    words="A positive number stays as it is up to the ceiling, and what is above becomes the "
    "ceiling; everything else becomes 0.",
    parameters=(
        Parameter(
            name="ceiling",
            default=6.0,
            meaning="The highest value; any number. Where it is below 0, all become it.",
            symbol="c",
            tried=(1.0, 0.25, 20.0),
            aliases=("max_value", "max_val", "upper", "cap", "clip", "n", "z"),
            bound=True,
        ),
    ),
    kinks=(
        Kink(at=0.0, left=0.0, right=1.0, slope=0.0, elsewhere=_AT_BOTH),
        Kink(at="ceiling", left=1.0, right=0.0, slope=0.0, elsewhere=_AT_BOTH),
    ),
    accuracy="Exact on every input; NaN stays NaN and -0.0 becomes 0.0.",
    integers="Integers stay integers, of the same dtype, where the ceiling is whole or infinite; else "
    "int8 and uint8 give float16, int16 and uint16 float32, wider ones float64. bool is refused.",
    source="A. Hannun et al., Deep Speech: scaling up end-to-end speech recognition,\n"
    "arXiv:1412.5567 (2014).",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.clipped_relu(np.array([-3.0, 5.0, 15.0]), ceiling=10.0)
array([ 0.,  5., 10.])
>>> hw.clipped_relu.derivative(np.array([-3.0, 5.0, 15.0]))
array([0., 1., 0.])
""",
    value=_value,
    derivative=_derivative,
    active=ActiveSide(ceiling="ceiling"),
    onnx=Onnx("Clip", inputs=(0.0, "ceiling")),
    elsewhere=(
        ("PyTorch", "torch.nn.functional.hardtanh(x, min_val=0.0, max_val=ceiling)"),
        ("JAX", "jax.numpy.clip(x, 0.0, ceiling)"),
        ("TensorFlow", "tf.clip_by_value(x, clip_value_min=0.0, clip_value_max=ceiling)"),
        ("Keras", "keras.activations.relu(x, max_value=ceiling)"),
        ("NumPy", "np.clip(x, 0.0, ceiling)"),
    ),
    peers=Peers(
        number=("max(0.0, min(x, ceiling))",),
        value=(
            "np.clip(x, 0, ceiling)",
            "torch.nn.functional.hardtanh(x, 0.0, ceiling)",
            "f = jax.jit(jax.numpy.clip); f(x, 0.0, ceiling).block_until_ready()",
        ),
        out=(
            "np.clip(x, 0, ceiling, out=y)",
            "torch.clamp(x, 0.0, ceiling, out=y)",
        ),
        derivative=("((x > 0) & (x < ceiling)).astype(x.dtype)",),
        pullback=(
            "g * ((x > 0) & (x < ceiling))",
            "torch.ops.aten.hardtanh_backward(g, x, 0.0, ceiling)",
        ),
    ),
)
