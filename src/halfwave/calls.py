"""How a call's arguments become a ufunc's, and what a wrong one is told."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from halfwave.arrays import as_operand, is_plain, is_python_number
from halfwave.facts import Facts, Kink, Slope, evaluate

if TYPE_CHECKING:
    from inspect import Signature

UFUNC_OPTIONS = frozenset({"out", "where", "casting", "order", "subok"})


def bind(
    call: str,
    facts: Facts,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    options: frozenset[str] = UFUNC_OPTIONS,
) -> tuple[Any, list[Any], dict[str, Any]]:
    """x, a value for every parameter, and the options given, of the call named `call`.

    Raises
    ------
    TypeError
        If x is missing, there are too many arguments, or one has an unknown name.
    """
    names = [p.name for p in facts.parameters]
    if not args:
        raise TypeError(f"{call}() takes x first, by position: {call}({', '.join(['x', *names])})")
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
    values = [given.get(p.name, p.default) for p in facts.parameters]
    parameters = [as_float(v, call) if is_python_number(v) else v for v in values]
    if chosen.get("out") is None:
        chosen.pop("out", None)
    return args[0], parameters, chosen


def as_operands(facts: Facts, parameters: list[Any]) -> list[Any]:
    """The parameters as a ufunc takes them."""
    return [as_operand(v, p.name) for p, v in zip(facts.parameters, parameters, strict=True)]


def refuse_options(call: str, library: str, options: Collection[str]) -> None:
    """Refuse what only a ufunc has, and say what another library has in its place."""
    if options:
        name = next(iter(options))
        raise TypeError(
            f"{call}() has no {name}= for arrays of {library}; {_IN_PLACE_OF.get(name, 'leave it out')}"
        )


_IN_PLACE_OF = {
    "out": "it gives a new array",
    "where": "compute all, and select with the library's own where()",
    "casting": "convert the parameters first",
}


def _unknown_name(call: str, facts: Facts, name: str, known: Iterable[str]) -> str:
    for p in facts.parameters:
        if name in p.aliases:
            return f"{call}() has no {name}=; here it is called {p.name}: {call}(x, {p.name}=...)"
    if name in ("dtype", "signature", "sig"):
        return (
            f"{call}() has no {name}=, since the result's dtype is decided by x; "
            f"convert x first: {call}(x.astype(...))"
        )
    from difflib import get_close_matches  # slow to import, and rarely needed

    near = get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}=?" if near else f"it takes {', '.join(['x', *known])}"
    return f"{call}() has no {name}=; {hint}"


def _single_output(call: str, out: Any) -> Any:
    """`out` as an array; NumPy's ufuncs take a tuple of one, too."""
    if isinstance(out, tuple):
        if len(out) != 1:
            raise TypeError(f"{call}() has one output, and out has {len(out)}; pass out=y")
        (out,) = out
    if not hasattr(type(out), "__array_ufunc__"):
        raise TypeError(
            f"out is a {type(out).__name__}; pass a NumPy array, which is written in place"
        )
    return out


def as_float(number: float | np.integer[Any] | np.floating[Any], call: str) -> float:
    """A Python number as a float, or an OverflowError that says what to do."""
    try:
        return float(number)
    except OverflowError:
        raise OverflowError(
            f"{call}() computes in float, and an int of {int(number).bit_length()} bits is too "
            f"large for that; the largest float is about 1.8e308"
        ) from None


def check_at_kink(at_kink: Any) -> None:
    """Refuse what chooses no slope.

    Raises
    ------
    ValueError
        If it is neither a side nor a number.
    """
    side = isinstance(at_kink, str) and at_kink in ("left", "right")
    if not (at_kink is None or side or isinstance(at_kink, (int, float, np.integer, np.floating))):
        raise ValueError(f"at_kink is {at_kink!r}; pass 'left', 'right' or a number")


def _chosen_slope(kink: Kink, at_kink: Any) -> Slope:
    """The slope that `at_kink` chooses."""
    if isinstance(at_kink, str):
        return kink.left if at_kink == "left" else kink.right
    return as_float(at_kink, "derivative")


def at_and_slope(kink: Kink, at_kink: Any, values: dict[str, Any]) -> tuple[Any, Any]:
    """Where a kink is, and the slope chosen there, with `values` for the parameters' names."""
    with np.errstate(all="ignore"):
        return evaluate(kink.at, values), evaluate(_chosen_slope(kink, at_kink), values)


def call_ufunc(
    call: str, ufunc: np.ufunc, operands: dict[str, Any], options: dict[str, Any]
) -> Any:
    """The ufunc on operands with names; what NumPy refuses is told in the words of the call."""
    if "out" in options:
        options = {**options, "out": _single_output(call, options["out"])}
    try:
        with np.errstate(all="ignore"):
            return ufunc(*operands.values(), **options)
    except (TypeError, ValueError) as error:
        told = _explain_dtypes(call, ufunc, operands, options) or (
            _explain_shapes(call, operands, options)
        )
        if told is None:
            raise
        raise told from error


def _explain_dtypes(
    call: str, ufunc: np.ufunc, operands: dict[str, Any], options: dict[str, Any]
) -> Exception | None:
    casting = options.get("casting", "same_kind")
    parameters = {name: value for name, value in operands.items() if name != "x"}
    x_dtype = getattr(operands["x"], "dtype", np.dtype(float))
    if not isinstance(x_dtype, np.dtype):
        return None  # pandas and others have dtypes of their own, and say what is wrong with them
    try:
        dtype = ufunc(np.empty(0, x_dtype), *(0 for _ in parameters)).dtype
    except TypeError as refused:
        return TypeError(str(refused))
    for name, value in parameters.items():
        if hasattr(value, "dtype") and not np.can_cast(value.dtype, dtype, casting):
            return TypeError(
                f"{call}(): {name} has dtype {value.dtype}, which does not become {dtype}, the "
                f"dtype of the result, by casting={casting!r}; convert it with "
                f"{name}.astype({str(dtype)!r})"
            )
    out = options.get("out")
    if isinstance(out, np.ndarray) and not np.can_cast(dtype, out.dtype, casting):
        return TypeError(
            f"{call}(): out has dtype {out.dtype}, which does not take the result's {dtype} by "
            f"casting={casting!r}; pass an out of dtype {dtype}"
        )
    return None


def _explain_shapes(
    call: str, operands: dict[str, Any], options: dict[str, Any]
) -> Exception | None:
    if not all(is_plain(a) or is_python_number(a) for a in operands.values()):
        return None  # xarray and pandas have rules of their own
    shapes = {name: np.shape(a) for name, a in operands.items()}
    try:
        shape = broadcast_shapes(call, shapes)
    except ValueError as told:
        return told
    out = options.get("out")
    if isinstance(out, np.ndarray) and out.shape != shape:
        return ValueError(
            f"{call}(): out has shape {out.shape} and the result {shape}; pass "
            f"out=numpy.empty({shape}, x.dtype)"
        )
    if isinstance(out, np.ndarray) and not out.flags.writeable:
        return ValueError(f"{call}(): out is read-only; pass a writeable array")
    where = np.shape(options.get("where", True))
    if where and where != shape:
        return ValueError(
            f"{call}(): where has shape {where}, which does not broadcast to the result's {shape}"
            f"; give it that shape"
        )
    return None


def broadcast_shapes(call: str, shapes: dict[str, tuple[int, ...]]) -> tuple[int, ...]:
    """The shape of the result of operands with names.

    Raises
    ------
    ValueError
        If they do not broadcast.
    """
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError:
        said = ", ".join(f"{name} has shape {shape}" for name, shape in shapes.items())
        raise ValueError(
            f"{call}(): {said}, which do not broadcast; give a parameter one value, or one along "
            f"an axis of x (one for each row of a matrix: shape (n, 1))"
        ) from None


def signature(facts: Facts, options: dict[str, Any]) -> Signature:
    """A call's signature, for `help`, editors and `inspect`."""
    from inspect import Parameter, Signature

    x = Parameter("x", Parameter.POSITIONAL_ONLY)
    parameters = [
        Parameter(p.name, Parameter.POSITIONAL_OR_KEYWORD, default=p.default)
        for p in facts.parameters
    ]
    keywords = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=default)
        for name, default in options.items()
    ]
    return Signature([x, *parameters, *keywords])
