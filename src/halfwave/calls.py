"""How a call's arguments become a ufunc's, and what a wrong one is told."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

from halfwave.arrays import as_operand, is_python_number
from halfwave.facts import Facts

if TYPE_CHECKING:
    from inspect import Signature

    from halfwave.activation import Operation

UFUNC_OPTIONS = frozenset({"out", "where", "casting", "order", "subok"})


def bind(
    operation: Operation,
    facts: Facts,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    options: frozenset[str] = UFUNC_OPTIONS,
    call: str | None = None,
) -> tuple[Any, list[Any], dict[str, Any]]:
    """x, a value for every parameter, and the ufunc's own options.

    Raises
    ------
    TypeError
        If x is missing, there are too many arguments, or one has an unknown name.
    """
    call = call or operation.__qualname__
    names = [p.name for p in facts.parameters]
    if not args:
        raise TypeError(f"{call}() needs the array to work on: {call}({', '.join(['x', *names])})")
    if len(args) > 1 + len(names):
        what = f"x and {', '.join(names)}" if names else "x alone"
        raise TypeError(f"{call}() takes {what} by position; pass the rest by name, as in out=y")
    given = dict(zip(names, args[1:], strict=False))
    chosen = {}
    for name, value in kwargs.items():
        if name in given:
            raise TypeError(f"{call}() got {name} twice; pass it once")
        if name in names:
            given[name] = value
        elif name in options:
            chosen[name] = value
        else:
            raise TypeError(_unknown_name(call, facts, name, [*names, *sorted(options)]))
    parameters = [
        as_operand(given[p.name], p.name) if p.name in given else p.default
        for p in facts.parameters
    ]
    if chosen.get("out") is None:
        chosen.pop("out", None)
    else:
        _check_out(chosen["out"])
    return args[0], parameters, chosen


def _unknown_name(call: str, facts: Facts, name: str, known: Iterable[str]) -> str:
    for p in facts.parameters:
        if name in p.aliases:
            return f"{call}() has no {name}=; here it is called {p.name}: {call}(x, {p.name}=...)"
    if name in ("dtype", "signature", "sig"):
        return (
            f"{call}() has no {name}=, since the result's dtype is decided by x; "
            f"convert x first: {call}(x.astype(...))"
        )
    near = get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}=?" if near else f"it takes {', '.join(known) or 'x alone'}"
    return f"{call}() has no {name}=; {hint}"


def _check_out(out: Any) -> None:
    for array in out if isinstance(out, tuple) else (out,):
        if array is not None and not hasattr(type(array), "__array_ufunc__"):
            raise TypeError(
                f"out is a {type(array).__name__}; pass a NumPy array, which is written in place"
            )


def as_float(number: float, call: str) -> float:
    """A Python number as a float, or an OverflowError that says what to do."""
    try:
        return float(number)
    except OverflowError:
        raise OverflowError(
            f"{call}() computes in float, and an int of {int(number).bit_length()} bits is too "
            f"large for that; the largest float is about 1.8e308"
        ) from None


def call_ufunc(operation: Operation, x: Any, parameters: list[Any], options: dict[str, Any]) -> Any:
    """The ufunc on these operands; what NumPy refuses is told in the caller's words."""
    if is_python_number(x) and isinstance(x, float):
        x = np.float64(x)
    try:
        return operation.ufunc(x, *parameters, **options)
    except (TypeError, ValueError) as error:
        told = _explain(operation, x, parameters, options)
        if told is None:
            raise
        raise type(told)(str(told)) from error


def _explain(
    operation: Operation, x: Any, parameters: list[Any], options: dict[str, Any]
) -> Exception | None:
    names = ["x", *(p.name for p in operation._facts.parameters)]
    shapes = {n: np.shape(a) for n, a in zip(names, [x, *parameters], strict=True)}
    said = ", ".join(f"{n} has shape {s}" for n, s in shapes.items())
    try:
        shape = np.broadcast_shapes(*shapes.values())
    except ValueError:
        return ValueError(
            f"{operation.__qualname__}(): {said}, which do not broadcast; give a parameter one "
            f"value, or one along each axis of x (for the rows of a matrix, shape (n, 1))"
        )
    out = options.get("out")
    out = out[0] if isinstance(out, tuple) else out
    if isinstance(out, np.ndarray) and out.shape != shape:
        return ValueError(
            f"{operation.__qualname__}(): out has shape {out.shape} and the result {shape}; pass "
            f"out=numpy.empty({shape}, x.dtype)"
        )
    if isinstance(out, np.ndarray) and not out.flags.writeable:
        return ValueError(f"{operation.__qualname__}(): out is read-only; pass a writeable array")
    return _explain_casting(operation, x, parameters, out, options)


def _explain_casting(
    operation: Operation, x: Any, parameters: list[Any], out: Any, options: dict[str, Any]
) -> Exception | None:
    casting = options.get("casting", "same_kind")
    try:
        dtype = operation.ufunc(np.empty(0, np.result_type(x)), *(1.0 for _ in parameters)).dtype
    except (TypeError, ValueError):
        return None  # x's own dtype is refused, and that error says why
    for p, value in zip(operation._facts.parameters, parameters, strict=True):
        if isinstance(value, np.ndarray) and not np.can_cast(value.dtype, dtype, casting):
            return TypeError(
                f"{operation.__qualname__}(): {p.name} has dtype {value.dtype}, which does not "
                f"become {dtype}, the dtype of the result, by casting={casting!r}; convert it "
                f"with {p.name}.astype({str(dtype)!r})"
            )
    if isinstance(out, np.ndarray) and not np.can_cast(dtype, out.dtype, casting):
        return TypeError(
            f"{operation.__qualname__}(): out has dtype {out.dtype}, which does not take the "
            f"result's {dtype} by casting={casting!r}; pass an out of dtype {dtype}"
        )
    return None


def signature(operation: Operation, facts: Facts) -> Signature:
    """The call's signature, for `help`, editors and `inspect`."""
    from inspect import Parameter, Signature

    parameters = [Parameter("x", Parameter.POSITIONAL_ONLY)]
    parameters += [
        Parameter(p.name, Parameter.POSITIONAL_OR_KEYWORD, default=p.default)
        for p in facts.parameters
    ]
    options = {"out": None, "where": True, "casting": "same_kind", "order": "K"}
    if operation.__qualname__.endswith(".derivative"):
        options = {"at_kink": None, **options}
    parameters += [
        Parameter(name, Parameter.KEYWORD_ONLY, default=default)
        for name, default in options.items()
    ]
    return Signature(parameters)
