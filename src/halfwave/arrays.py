"""What an operand is: a number, NumPy's own array, or what NumPy would have to copy out."""

from __future__ import annotations

from typing import Any

import numpy as np

# Their arrays record gradients, and not all of them speak the array protocols.
_DIFFERENTIATING = {"torch", "jax", "jaxlib", "tensorflow"}


def is_python_number(x: object) -> bool:
    """Whether x is a Python int or float (NumPy's float64 is a float too, but not one of these)."""
    return isinstance(x, (int, float)) and not isinstance(x, np.generic)


def is_number(x: object) -> bool:
    """Whether x is a real number: Python's, or a NumPy scalar."""
    return is_python_number(x) or (isinstance(x, np.generic) and x.dtype.kind in "biuf")


def is_plain(x: object) -> bool:
    """Whether x is a NumPy array or scalar, and not of a subclass such as a masked array."""
    return type(x) is np.ndarray or isinstance(x, np.generic)


def is_foreign(cls: type) -> bool:
    """Whether NumPy would have to copy arrays of this type out of their library.

    Objects that take part in `__array_ufunc__` (dask, xarray, pandas) are not foreign, and
    neither is what only offers `__array__` (an image, a file's data set).
    """
    if hasattr(cls, "__array_ufunc__") or issubclass(cls, np.generic):
        return False
    protocols = hasattr(cls, "__array_namespace__") or hasattr(cls, "__dlpack__")
    return protocols or not _DIFFERENTIATING.isdisjoint(_libraries(cls))


def class_name(x: object) -> str:
    """The class of x after the library that it is of, for messages."""
    return f"{type(x).__module__.partition('.')[0]}.{type(x).__name__}"


def as_operand(x: object, what: str) -> Any:
    """x as a ufunc takes it: lists become arrays; what NumPy would copy is refused.

    Raises
    ------
    TypeError
        If x belongs to a library that NumPy would have to copy it out of, or is no number.
    ValueError
        If x is a list whose items differ in shape.
    """
    if is_python_number(x) or is_plain(x) or hasattr(type(x), "__array_ufunc__"):
        return x
    _refuse_foreign(type(x), x, what)
    try:
        array = np.asarray(x)
    except ValueError:
        raise ValueError(
            f"{what} is a {type(x).__name__} whose items differ in shape; pass items of one shape"
        ) from None
    if array.dtype == object and not hasattr(x, "dtype"):
        raise TypeError(f"{what} is {x!r:.60}; pass a number, an array, or a list of numbers")
    return array


def _refuse_foreign(cls: type, x: object, what: str) -> None:
    if is_foreign(cls):
        libraries = _libraries(cls)
        library = next((lib for lib in libraries if lib in _DIFFERENTIATING), libraries[0])
        raise TypeError(
            f"{what} is a {library}.{cls.__name__}, and copying it out of {library} would cut it "
            f"off from its gradients and its device; pass one array of {library} in the place of a "
            f"list, or where a copy is meant a NumPy array (numpy.asarray(x), or "
            f"x.detach().cpu().numpy() for torch)"
        )
    if isinstance(x, (list, tuple)):
        for kind in {type(item) for item in x}:
            if issubclass(kind, (list, tuple)):
                for item in x:
                    _refuse_foreign(type(item), item, f"an item of {what}")
            _refuse_foreign(kind, None, f"an item of {what}")


def _libraries(cls: type) -> list[str]:
    return [base.__module__.partition(".")[0] for base in cls.__mro__]


def memory_order(x: np.ndarray[Any, Any]) -> tuple[int, ...]:
    """The axes of x from the longest stride to the shortest: transposed so, x is read in order."""
    return tuple(sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis])))
