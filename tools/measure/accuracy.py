"""Measures how far results are from the exact ones, beside PyTorch's and JAX's.

`python tools/measure/accuracy.py` tries a sample of float32 and of float64; with `--full` all of
float32. It writes docs/measured/accuracy.json. Numbers that are subnormal, or whose result is, are
left out: XLA takes them for zeros, and nothing else would be seen of JAX.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import torch

import halfwave
from halfwave.activation import Activation
from halfwave.bench.machine import machine
from halfwave.verify import inputs
from halfwave.verify.errors import Array, Exact, errors, places, places_of_slopes
from halfwave.verify.exact import exact

TARGET = Path(__file__).parents[2] / "docs" / "measured" / "accuracy.json"

STEP = 16
"""Of the sample of float32, one number in so many is tried: seconds for an activation."""

Both = Callable[[Array], tuple[Array, Array]]
"""The value and the derivative at each x."""


# Those who compute


def contenders(f: Activation) -> Iterator[tuple[str, Both]]:
    """halfwave, and the libraries whose call the facts tell."""
    yield "halfwave", lambda x: (f(x), f.derivative(x))
    calls = dict(f._facts.elsewhere)
    defaults = {name: p.default for name, p in f.parameters.items()}
    if "PyTorch" in calls:
        yield "PyTorch", by_torch(f"lambda x: {calls['PyTorch']}", defaults)
    if "JAX" in calls:
        yield "JAX", by_jax(f"lambda x: {calls['JAX']}", defaults)


def by_torch(call: str, parameters: dict[str, float]) -> Both:
    """The call and its gradient by autograd."""
    # Some take a tensor where others take a number.
    as_tensors = {n: torch.tensor([p]) for n, p in parameters.items() if "prelu" in call}
    function = eval(call, {"torch": torch, **parameters, **as_tensors})

    def both(x: Array) -> tuple[Array, Array]:
        argument = torch.from_numpy(x).requires_grad_()
        value = function(argument)
        (slope,) = torch.autograd.grad(value, argument, torch.ones_like(value))
        return value.detach().numpy(), slope.numpy()

    return both


def by_jax(call: str, parameters: dict[str, float]) -> Both:
    """The call and its gradient by jax.vjp, compiled."""
    function = eval(call, {"jax": jax, **parameters})

    @jax.jit
    def compiled(x: Any) -> Any:
        value, pullback = jax.vjp(function, x)
        return value, pullback(jax.numpy.ones_like(value))[0]

    return lambda x: tuple(map(np.asarray, compiled(x)))


# The judge


def exactly(f: Activation, x: Array, defaults: tuple[float, ...]) -> tuple[Exact, Exact]:
    """f(x) and f′(x): by its definition, or by its expressions in a longer format."""
    if f._facts.exact_value:
        return exact(f, x, defaults)
    longer = np.float64 if x.dtype == np.float32 else np.longdouble
    numbers = [np.asarray(p, x.dtype).astype(longer) for p in defaults]
    with np.errstate(all="ignore"):
        value = f._facts.value(np, x.astype(longer), *numbers)
        slope = f._facts.derivative(np, x.astype(longer), *numbers)
        return _split(value), _split(slope)


def _split(sum: Array) -> Exact:
    high = sum.astype(np.float64)
    return Exact(high, (sum - high).astype(np.float64))


def worst(f: Activation, numbers: inputs.Inputs | inputs.Drawn, step: int) -> dict[str, Any]:
    """The largest errors of each contender, and where they are."""
    found: dict[str, Any] = {name: {} for name, _ in contenders(f)}
    defaults = tuple(float(p.default) for p in f.parameters.values())
    kinks = [float(halfwave.facts.evaluate(k.at, dict(zip(f.parameters, defaults)))) for k in f.kinks]
    calls = list(contenders(f))
    for block in range(numbers.blocks):
        x = numbers.block(block)[block % step :: step]
        x = x[np.isfinite(x) & (np.abs(x) >= np.finfo(x.dtype).tiny)]
        x = np.setdiff1d(x, np.asarray(kinks, x.dtype))  # there a slope is a choice, not an error
        if not x.size:
            continue
        value, slope = exactly(f, x, defaults)
        judged = (
            ("value", value, places(value, numbers.dtype)),
            ("derivative", slope, places_of_slopes(f, x, defaults, slope, numbers.dtype)),
        )
        for name, both in calls:
            for result, (quantity, right, units) in zip(both(x), judged, strict=True):
                _keep_largest(found[name], quantity, x, _off(result, right, units, x.dtype))
    return found


def _off(result: Array, right: Exact, units: Array, dtype: np.dtype[Any]) -> Array:
    """The errors, but 0 where the exact result is subnormal."""
    subnormal = (np.abs(right.high) < np.finfo(dtype).tiny) & (right.high != 0)
    with np.errstate(all="ignore"):
        return np.where(subnormal, 0.0, errors(result, right, units, dtype.name))


def _keep_largest(found: dict[str, Any], quantity: str, x: Array, off: Array) -> None:
    place = int(np.argmax(off))
    before = found.get(quantity, {"error": -1.0})["error"]
    if before is not None and off[place] > before:
        # JSON has no infinity.
        error = float(off[place]) if math.isfinite(off[place]) else None
        found[quantity] = {"error": error, "at": float(x[place])}


def main() -> None:
    """Measure all activations, or those named, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="activations; all unless given")
    parser.add_argument("--full", action="store_true", help="all numbers of float32")
    asked = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    short = {inputs.every("float32"): 1} if asked.full else {inputs.sample(): STEP}
    tried = {**short, inputs.Drawn(): 1}
    data = {
        "command": "python tools/measure/accuracy.py" + (" --full" if asked.full else ""),
        **machine(["numpy", "torch", "jax", "mpmath"]),
        "inputs": {n.dtype: f"{n.size // step:,} numbers" for n, step in tried.items()},
        "activations": _read() if asked.names else {},
    }
    for name in asked.names or halfwave.activations:
        f = halfwave.activations[name]
        found = {n.dtype: worst(f, n, step) for n, step in tried.items()}
        data["activations"][name] = found
        print(name, {dtype: of["halfwave"] for dtype, of in found.items()}, flush=True)
    _write(data)


def _read() -> dict[str, Any]:
    return json.loads(TARGET.read_text("utf-8"))["activations"] if TARGET.exists() else {}


def _write(data: dict[str, Any]) -> None:
    """Beside the target and renamed, so that no one reads half of it."""
    TARGET.parent.mkdir(exist_ok=True)
    beside = TARGET.with_suffix(".new")
    beside.write_text(json.dumps(data, indent=1, allow_nan=False) + "\n", "utf-8")
    beside.replace(TARGET)


if __name__ == "__main__":
    main()
