"""Writes the package's type stub from the pairs: `python stubs.py FILE`.

The build runs this file before the engine exists, so it imports the facts and nothing else of the
package: as a script it makes `halfwave` stand for the folder alone.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from textwrap import indent
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from halfwave.facts import Facts

PACKAGE = Path(__file__).parent


def stub() -> str:
    """The text of `__init__.pyi`: a class per activation, with its own signature and docstring."""
    names = sorted(p.stem for p in (PACKAGE / "functions").glob("*.py") if p.stem != "__init__")
    every = [
        "Activation",
        "Kink",
        "Parameter",
        "Pullback",
        "activations",
        "recycle_results",
        *names,
    ]
    listed = "".join(f'    "{name}",\n' for name in every)
    classes = "".join(_class(import_module(f"halfwave.functions.{name}").facts) for name in names)
    return _HEAD.format(listed=listed) + classes


def _class(facts: Facts) -> str:
    from halfwave.facts import docstring

    floats = "".join(f", {p.name}: float = {p.default!r}" for p in facts.parameters)
    doc = indent(docstring(facts), "    ", lambda line: bool(line.strip()))
    return _CLASS.format(
        name=facts.name,
        title=facts.title,
        cls="_" + facts.name.title().replace("_", ""),
        doc=doc.strip().replace("\\", "\\\\"),
        floats=floats,
        arrays="".join(f"\n        {p.name}: ArrayLike = {p.default!r}," for p in facts.parameters),
        numbers=", *" * bool(facts.parameters) + floats,
        anything="".join(f"\n        {p.name}: Any = {p.default!r}," for p in facts.parameters),
        keywords="".join(f", {p.name}: Any = {p.default!r}" for p in facts.parameters),
    )


def write(path: Path) -> None:
    """Write the stub beside its target and rename it over."""
    beside = path.with_suffix(".tmp")
    beside.write_text(stub(), encoding="utf-8")
    os.replace(beside, path)


_HEAD = """\
# Made by halfwave/stubs.py from the pairs in halfwave/functions. Do not edit.
from collections.abc import Mapping
from typing import Any, Final, TypeVar, overload

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from halfwave.activation import Activation as Activation
from halfwave.activation import VJP, Derivative
from halfwave.facts import Kink as Kink
from halfwave.facts import Parameter as Parameter
from halfwave.memory import recycle_results as recycle_results
from halfwave.pullback import Pullback as Pullback

__version__: Final[str]
__all__ = [
{listed}]

activations: Final[Mapping[str, Activation]]

_F = TypeVar("_F", bound=np.floating[Any])
"""

_CLASS = '''

class {cls}Derivative(Derivative):
    @overload
    def __call__(
        self, x: float, /{floats}, *, at_kink: str | float | None = None
    ) -> float: ...
    @overload
    def __call__(
        self,
        x: NDArray[_F],
        /,{arrays}
        *,
        at_kink: str | float | None = None,
        out: NDArray[_F] | None = None,
        where: ArrayLike = True,
        casting: str = "same_kind",
        order: str = "K",
    ) -> NDArray[_F]: ...
    @overload
    def __call__(
        self,
        x: Any,
        /,{anything}
        *,
        at_kink: str | float | None = None,
        out: Any = None,
        where: Any = True,
        casting: str = "same_kind",
        order: str = "K",
    ) -> Any:
        """Derivative of {title}, called like {name} itself; at_kink= chooses a slope at kinks."""

class {cls}VJP(VJP):
    def __call__(self, x: Any, /{keywords}) -> tuple[Any, Pullback]: ...

class {cls}(Activation):
    """{doc}
    """

    derivative: {cls}Derivative
    vjp: {cls}VJP
    @overload
    def __call__(self, x: float, /{floats}) -> float: ...
    @overload
    def __call__(
        self,
        x: NDArray[_F],
        /,{arrays}
        *,
        out: NDArray[_F] | None = None,
        where: ArrayLike = True,
        casting: str = "same_kind",
        order: str = "K",
    ) -> NDArray[_F]: ...
    @overload
    def __call__(
        self,
        x: Any,
        /,{anything}
        *,
        out: Any = None,
        where: Any = True,
        casting: str = "same_kind",
        order: str = "K",
    ) -> Any:
        """{doc}
        """
    def plot(self, ax: Axes | None = None{numbers}) -> Axes: ...  # type: ignore[override]

{name}: Final[{cls}]
'''


if __name__ == "__main__":
    for package, path in (("halfwave", PACKAGE), ("halfwave.functions", PACKAGE / "functions")):
        sys.modules[package] = ModuleType(package)
        sys.modules[package].__path__ = [str(path)]
    write(Path(sys.argv[1]))
