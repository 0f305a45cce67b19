"""ReLU6: the facts. The arithmetic is in relu6.h."""

from __future__ import annotations

from typing import Any

from halfwave.facts import ActiveSide, Facts, Kink, Onnx, Peers

_AT_BOTH = (("PyTorch", 0.0), ("JAX", 0.0), ("TensorFlow", 0.0))


def _value(xp: Any, x: Any) -> Any:
    rectified = xp.where(x <= 0, xp.zeros_like(x), x)
    return xp.where(rectified >= 6, 6 * xp.ones_like(x), rectified)


def _derivative(xp: Any, x: Any) -> Any:
    slope = xp.where((x <= 0) | (x >= 6), xp.zeros_like(x), xp.ones_like(x))
    return xp.where(x == x, slope, x)  # noqa: PLR0124  # NaN is not equal to itself


facts = Facts(
    name="relu6",
    title="ReLU6",
    summary="Rectified linear unit that stops at 6: x where x is between 0 and 6, the nearer of "
    "them elsewhere.",
    formula=r"\min(\max(0, x), 6)",
    formula_text="min(max(0, x), 6)",
    derivative_formula=r"\begin{cases} 1 & 0 < x < 6 \\ 0 & \text{elsewhere} \end{cases}",
    derivative_text="1 for 0 < x < 6, 0 elsewhere",
    words="A positive number stays as it is up to 6, and what is above becomes 6; everything else "
    "becomes 0.",
    kinks=(
        Kink(at=0.0, left=0.0, right=1.0, slope=0.0, elsewhere=_AT_BOTH),
        Kink(at=6.0, left=1.0, right=0.0, slope=0.0, elsewhere=_AT_BOTH),
    ),
    accuracy="Exact on every input; NaN stays NaN and -0.0 becomes 0.0.",
    integers="Integers stay integers, of the same dtype; bool is refused.",
    source="A. Krizhevsky, Convolutional deep belief networks on CIFAR-10, University of Toronto\n"
    "(2010).",
    example="""
>>> import numpy as np
>>> import halfwave as hw
>>> hw.relu6(np.array([1.0, -10.0, 0.0, 15.0, -20.0]))
array([1., 0., 0., 6., 0.])
>>> hw.relu6.derivative(np.array([1.0, -10.0, 6.0]))
array([1., 0., 0.])
""",
    value=_value,
    derivative=_derivative,
    active=ActiveSide(ceiling=6.0),
    onnx=Onnx("Clip", inputs=(0.0, 6.0)),
    elsewhere=(
        ("PyTorch", "torch.nn.functional.relu6(x)"),
        ("JAX", "jax.nn.relu6(x)"),
        ("TensorFlow", "tf.nn.relu6(x)"),
        ("Keras", "keras.activations.relu6(x)"),
    ),
    peers=Peers(
        number=("max(0.0, min(x, 6.0))",),
        value=(
            "np.clip(x, 0, 6)",
            "torch.nn.functional.relu6(x)",
            "f = jax.jit(jax.nn.relu6); f(x).block_until_ready()",
        ),
        out=(
            "np.clip(x, 0, 6, out=y)",
            "torch.clamp(x, 0.0, 6.0, out=y)",
        ),
        derivative=("((x > 0) & (x < 6)).astype(x.dtype)",),
        pullback=(
            "g * ((x > 0) & (x < 6))",
            "torch.ops.aten.hardtanh_backward(g, x, 0.0, 6.0)",
        ),
    ),
)
