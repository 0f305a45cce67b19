"""Which library an array belongs to, and who computes it there, found without importing either."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from halfwave import _core
from halfwave.arrays import class_name, is_number, is_plain

if TYPE_CHECKING:
    from halfwave.libraries.array_api import Library

# A framework, the class of its arrays, and where its adapter is. Whoever has such an array has
# imported the framework; everyone else never imports the adapter.
_FRAMEWORKS = {
    "torch": ("Tensor", "torch_tensors"),
    "jax": ("Array", "jax_arrays"),
    "cupy": ("ndarray", "cupy_arrays"),
}

_takes: WeakKeyDictionary[type, bool] = WeakKeyDictionary()


def find(*operands: Any) -> Library | None:
    """The library that computes these operands; None where NumPy's ufuncs do.

    NumPy arrays, numbers and lists join an array of another library. NumPy's subclasses and what
    takes part in `__array_ufunc__` (masked arrays, dask, xarray) do not: they would lose what they
    are.

    Raises
    ------
    TypeError
        If the operands belong to two libraries.
    """
    others = [a for a in operands if not (is_plain(a) or is_number(a))]
    owners = [_owner(a) for a in others]
    library = next((owner for owner in owners if owner), None)
    for a, owner in zip(others, owners, strict=True):
        stays = owner is not None or hasattr(type(a), "__array_ufunc__")
        if library is not None and owner is not library and stays:
            raise TypeError(
                f"a {class_name(a)} does not compute together with an array of {library.name}; "
                f"convert one of them, with numpy.asarray or from_dlpack"
            )
    return library


def _owner(x: Any) -> Library | None:
    """Who computes x: its framework's adapter, or the functions of its own array namespace."""
    for name, (cls, module) in _FRAMEWORKS.items():
        if isinstance(x, getattr(sys.modules.get(name), cls, ())):
            return None if _takes_ufuncs(x) else _adapter(module)
    stays = isinstance(x, np.ndarray) or not hasattr(type(x), "__array_namespace__")
    return None if stays or _takes_ufuncs(x) else _standard(x.__array_namespace__())


def _takes_ufuncs(x: Any) -> bool:
    """Whether x has the compiled kernels compute it when it is asked; it is asked once per type."""
    cls = type(x)
    if getattr(cls, "__array_ufunc__", None) is None:
        return False
    if cls not in _takes:
        ufunc = getattr(_core, _core.names()[0])
        try:
            answer = cls.__array_ufunc__(x, ufunc, "__call__", *[x] * ufunc.nin)
        except TypeError:  # of its dtype: the call itself will say so
            return True
        _takes[cls] = answer is not NotImplemented
    return _takes[cls]


@cache
def _adapter(module: str) -> Library:
    library: Library = import_module(f"{__name__}.{module}").LIBRARY
    return library


@cache
def _standard(xp: Any) -> Library:
    from halfwave.libraries.array_api import Library

    return Library(xp)
