"""Measures how far the results of PyTorch and JAX are from the exact ones, beside halfwave's.

`python tools/measure/accuracy.py` tries a sample of float32 and of float64; with `--full` all of
float32. It writes docs/measured/accuracy.json. Numbers that are subnormal, or whose result is, are
left out: XLA takes them for zeros, and nothing else would be seen of JAX.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import torch

import halfwave
from halfwave.activation import Activation
from halfwave.bench.machine import machine
from halfwave.facts import evaluate
from halfwave.verify.errors import Array, Exact, errors, places, places_of_slopes
from halfwave.verify.exact import exact
from halfwave.verify.inputs import Drawn, Inputs, every, sample

TARGET = Path(__file__).parents[2] / "docs" / "measured" / "accuracy.json"

STEP = 16
"""Of the sample of float32, one number in so many is tried: seconds for an activation."""

Both = Callable[[Array], tuple[Array, Array]]
"""The value and the derivative at each x."""

Found = dict[str, dict[str, float | None]]
"""For the value and for the derivative: the error, and the x at which it was found."""


# Those who compute


def contenders(f: Activation) -> Iterator[tuple[str, Both]]:
    """halfwave, and the libraries whose calls the facts tell."""
    yield "halfwave", lambda x: (f(x), f.derivative(x))
    calls = dict(f._facts.elsewhere)
    if "PyTorch" in calls:
        yield "PyTorch", _by_torch(calls["PyTorch"], _defaults(f))
    if "JAX" in calls:
        yield "JAX", _by_jax(calls["JAX"], _defaults(f))


def _by_torch(call: str, parameters: Mapping[str, float]) -> Both:
    function = eval(f"lambda x: {call}", {"torch": torch, **parameters})

    def both(x: Array) -> tuple[Array, Array]:
        argument = torch.from_numpy(x).requires_grad_()
        value = function(argument)
        (slope,) = torch.autograd.grad(value, argument, torch.ones_like(value))
        return value.detach().numpy(), slope.numpy()

    return both


def _by_jax(call: str, parameters: Mapping[str, float]) -> Both:
    function = eval(f"lambda x: {call}", {"jax": jax, **parameters})

    @jax.jit
    def compiled(x: Any) -> tuple[Any, Any]:
        value, pullback = jax.vjp(function, x)
        return value, pullback(jax.numpy.ones_like(value))[0]

    def both(x: Array) -> tuple[Array, Array]:
        value, slope = compiled(x)
        return np.asarray(value), np.asarray(slope)

    return both


# The judge


def worst(f: Activation, numbers: Inputs | Drawn, step: int) -> dict[str, Found]:
    """The largest errors of each contender, and where they are."""
    calls = dict(contenders(f))
    found: dict[str, Found] = {name: {} for name in calls}
    kinks = [evaluate(kink.at, _defaults(f)) for kink in f.kinks]
    for block in range(numbers.blocks):
        x = numbers.block(block)[block % step :: step]
        x = x[np.isfinite(x) & (np.abs(x) >= np.finfo(x.dtype).tiny)]
        # There a slope is a choice, and not an error.
        x = x[~np.isin(x, np.array(kinks, x.dtype))]
        if x.size:
            _judge(f, x, calls, found)
    return found


def _judge(f: Activation, x: Array, calls: Mapping[str, Both], found: Mapping[str, Found]) -> None:
    dtype, defaults = x.dtype.name, tuple(_defaults(f).values())
    value, slope = _exactly(f, x, defaults)
    judged = (
        ("value", value, places(value, dtype)),
        ("derivative", slope, places_of_slopes(f, x, defaults, slope, dtype)),
    )
    for name, both in calls.items():
        for result, (quantity, right, units) in zip(both(x), judged, strict=True):
            with np.errstate(all="ignore"):
                off = errors(result, right, units, dtype)
            subnormal = (np.abs(right.high) < np.finfo(x.dtype).tiny) & (right.high != 0)
            _keep(found[name], quantity, x, np.where(subnormal, 0.0, off))


def _exactly(f: Activation, x: Array, defaults: tuple[float, ...]) -> tuple[Exact, Exact]:
    """f(x) and f′(x): by the definitions, or by the expressions in a longer format."""
    if f._facts.exact_value:
        return exact(f, x, defaults)
    longer = np.float64 if x.dtype == np.float32 else np.longdouble
    arguments = [np.asarray(a, x.dtype).astype(longer) for a in (x, *defaults)]
    with np.errstate(all="ignore"):
        return (
            _in_two(f._facts.value(np, *arguments)),
            _in_two(f._facts.derivative(np, *arguments)),
        )


def _in_two(exact: Array) -> Exact:
    high = exact.astype(np.float64)
    return Exact(high, (exact - high).astype(np.float64))


def _keep(found: Found, quantity: str, x: Array, off: Array) -> None:
    place = int(np.argmax(off))
    before = found[quantity]["error"] if quantity in found else -1.0
    if before is not None and off[place] > before:
        # JSON has no infinity: null is a number in place of NaN or of infinity, or the reverse.
        error = float(off[place]) if math.isfinite(off[place]) else None
        found[quantity] = {"error": error, "at": float(x[place])}


def _defaults(f: Activation) -> dict[str, float]:
    return {name: float(p.default) for name, p in f.parameters.items()}


# The file


def main() -> None:
    """Measure all activations, and write the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="try all numbers of float32")
    full = parser.parse_args().full
    jax.config.update("jax_enable_x64", True)
    tried: dict[Inputs | Drawn, int] = {every("float32"): 1} if full else {sample(): STEP}
    tried[Drawn()] = 1
    data = {
        "command": "python tools/measure/accuracy.py" + " --full" * full,
        **machine(["numpy", "torch", "jax", "mpmath"]),
        "inputs": {numbers.dtype: numbers.size // step for numbers, step in tried.items()},
        "activations": {name: _measure(f, tried) for name, f in halfwave.activations.items()},
    }
    _write(json.dumps(data, indent=1, allow_nan=False) + "\n")


def _measure(f: Activation, tried: Mapping[Inputs | Drawn, int]) -> dict[str, dict[str, Found]]:
    """By dtype and contender."""
    print(f.name, flush=True)
    return {numbers.dtype: worst(f, numbers, step) for numbers, step in tried.items()}


def _write(text: str) -> None:
    """Write it beside the target and rename it, so that no one reads half of it."""
    TARGET.parent.mkdir(exist_ok=True)
    beside = TARGET.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(TARGET)


if __name__ == "__main__":
    main()
