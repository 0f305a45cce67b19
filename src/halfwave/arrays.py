"""Which library an array belongs to, found without importing that library."""

from __future__ import annotations

from typing import Any

import numpy as np

# Their arrays record gradients, and not all of them speak the array protocols.
_DIFFERENTIATING = {"torch", "jax", "jaxlib", "tensorflow"}


def is_python_number(x: object) -> bool:
    """Whether x is a Python int or float (NumPy's float64 is a float too, but not one of these)."""
    return isinstance(x, (int, float)) and not isinstance(x, np.generic)


def is_plain(x: object) -> bool:
    """Whether x is a NumPy array or scalar, and not of a subclass such as a masked array."""
    return type(x) is np.ndarray or isinstance(x, np.generic)


def foreign_name(x: object) -> str | None:
    """The type of x, such as "torch.Tensor", where NumPy would have to copy x out of its library.

    Objects that take part in `__array_ufunc__` (dask, xarray, pandas) are not foreign, and
    neither is what only offers `__array__` (an image, a file's data set).
    """
    if is_plain(x) or hasattr(type(x), "__array_ufunc__"):
        return None
    roots = [cls.__module__.partition(".")[0] for cls in type(x).__mro__]
    known = [root for root in roots if root in _DIFFERENTIATING]
    if known or hasattr(type(x), "__array_namespace__") or hasattr(type(x), "__dlpack__"):
        return f"{(known or roots)[0]}.{type(x).__name__}"
    return None


def as_operand(x: object, what: str) -> Any:
    """x as a ufunc takes it; lists become arrays, arrays of other libraries are refused.

    Raises
    ------
    TypeError
        If x belongs to a library that NumPy would have to copy it out of.
    """
    if name := foreign_name(x):
        library = name.partition(".")[0]
        raise TypeError(
            f"{what} is a {name}, and copying it out of {library} would cut it off from its "
            f"gradients and its device; where that is meant, pass a NumPy array "
            f"(numpy.asarray(x), or x.detach().cpu().numpy() for torch)"
        )
    if is_plain(x) or hasattr(type(x), "__array_ufunc__"):
        return x
    return np.asarray(x)


def memory_order(x: np.ndarray[Any, Any]) -> tuple[int, ...]:
    """The axes of x from the longest stride to the shortest: transposed so, x is read in order."""
    return tuple(sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis])))
