"""What is measured, as data: contests, and the expressions that compete in each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any, Literal

from halfwave import Activation

LIBRARIES = {
    "np": "numpy",
    "torch": "torch",
    "scipy": "scipy",
    "jax": "jax",
    "numexpr": "numexpr",
    "numba": "numba",
}
"""What an expression calls a library, and the module that it means."""

SIZES = (64, 2**14, 2**22, 2**26)
ALLOCATED = 2**22
"""The largest result in new memory: of a larger one, little else than the memory is measured."""
RECYCLED = 2**23
"""float32 elements in 32 MiB, the smallest result that is recycled."""
THREADED = 2**20
"""Elements from which on a second thread is of interest."""

NUMBER = "number"
"""The operation on one Python float."""

Role = Literal["value", "derivative", "pullback"]


@dataclass(frozen=True)
class Contender:
    """One expression: source text in x, y (an array for the result), g and the parameters.

    What stands before a semicolon runs once and is not timed. ``copies`` says that it computes
    nothing and shows what the memory allows; ``apart`` that it runs in a process of its own,
    since it changes the process that it runs in; and ``threads`` how many it has there.
    """

    text: str
    copies: bool = False
    apart: bool = False
    threads: int | None = None

    @property
    def label(self) -> str:
        """The text, with the threads that this contender alone has."""
        return f"OMP_NUM_THREADS={self.threads} {self.text}" if self.threads else self.text


@dataclass(frozen=True)
class Operation:
    """One way to use an activation, and who competes in it; the first contender is halfwave's."""

    name: str
    role: Role
    contenders: tuple[Contender, ...]
    least: int = 1
    most: int = SIZES[-1]


@dataclass(frozen=True)
class Contest:
    """An operation on arrays of one size, or on one Python float."""

    activation: str
    operation: Operation
    size: int

    @property
    def dtype(self) -> str:
        """The type of x: an array's, or Python's."""
        return "float" if self.operation.name == NUMBER else "float32"

    @property
    def column(self) -> str:
        """What stands above its times: how many elements there are."""
        if self.operation.name == NUMBER:
            return "a float"
        exponent = self.size.bit_length() - 1
        is_power = self.size == 2**exponent
        return f"2^{exponent}" if is_power and exponent >= 20 else f"{self.size:,}"

    @property
    def stage(self) -> tuple[Any, ...]:
        """Where it is held: a module of this package, a class in it, and what that takes."""
        operation = self.operation
        return "stage", "Stage", self.activation, operation.name, operation.role, self.size

    def as_data(self) -> dict[str, Any]:
        """What is measured, for JSON."""
        return {
            "activation": self.activation,
            "operation": self.operation.name,
            "size": self.size,
            "dtype": self.dtype,
        }


def contests(f: Activation, sizes: Iterable[int] = SIZES) -> Iterator[Contest]:
    """Every contest of an activation, in the order in which they are shown."""
    call = Contender(f"hw.{f.name}({_arguments(f, 'x')})")
    yield Contest(f.name, _operation(NUMBER, "value", call, f._facts.peers.number), 1)
    for operation in (*_of_values(f, call), *_of_slopes(f, call)):
        for size in sizes:
            fits = operation.least <= size <= operation.most
            if fits and is_installed(operation.contenders[0]):
                yield Contest(f.name, operation, size)


def _of_values(f: Activation, call: Contender) -> Iterator[Operation]:
    peers = f._facts.peers
    values = peers.value or (_expression(f, "value"),)
    yield _operation("value", "value", call, values, most=ALLOCATED)
    recycled = Contender(f"hw.recycle_results(2**30); {call.text}", apart=True)
    yield _operation("recycled", "value", recycled, peers.value, least=RECYCLED)
    out = Contender(f"hw.{f.name}({_arguments(f, 'x')}, out=y)")
    copy = Contender("np.copyto(y, x)", copies=True)
    yield _operation("out", "value", out, peers.out, copy)
    two, one = (replace(out, apart=True, threads=n) for n in (2, 1))
    yield _operation("threads", "value", two, (), one, least=THREADED)


def _of_slopes(f: Activation, call: Contender) -> Iterator[Operation]:
    name, arguments, peers = f"hw.{f.name}", _arguments(f, "x"), f._facts.peers
    derivative = Contender(f"{name}.derivative({arguments})")
    slopes = peers.derivative or (_expression(f, "derivative"),)
    yield _operation("derivative", "derivative", derivative, slopes, most=ALLOCATED)
    pullback = Contender(f"pullback = {name}.vjp({arguments})[1]; pullback(g)")
    yield _operation("pullback", "pullback", pullback, peers.pullback, most=ALLOCATED)
    gradient = "x.requires_grad_(); torch.autograd.grad({}, x, g)[0]"
    theirs = tuple(gradient.format(text) for text in peers.value if "torch" in libraries(text))
    ours = Contender(gradient.format(call.text))
    yield _operation("gradient", "pullback", ours, theirs, most=ALLOCATED)


def _operation(
    name: str, role: Role, ours: Contender, peers: Iterable[str], *others: Contender, **sizes: int
) -> Operation:
    return Operation(name, role, (ours, *map(Contender, peers), *others), **sizes)


def _arguments(f: Activation, *arrays: str) -> str:
    return ", ".join((*arrays, *f.parameters))


def _expression(f: Activation, role: Role) -> str:
    """The portable expression, with NumPy: what an activation without peers stands beside."""
    arguments = ", ".join(("np", "x", *(f"np.float32({name})" for name in f.parameters)))
    return f"f = hw.{f.name}._facts.{role}; f({arguments})"


def libraries(text: str) -> list[str]:
    """The libraries that an expression names, as it calls them."""
    return [name for name in LIBRARIES if re.search(rf"(?<![\w.]){name}\b", text)]


def is_installed(contender: Contender) -> bool:
    """Whether all that a contender names can be found; nothing is imported."""
    return not missing([contender])


def missing(contenders: Iterable[Contender]) -> list[str]:
    """The modules that these contenders name and that are not installed."""
    return sorted(module for module in named(contenders) if find_spec(module) is None)


def named(contenders: Iterable[Contender]) -> list[str]:
    """The modules that these contenders name."""
    names = {name for c in contenders for name in libraries(c.text)}
    return [module for name, module in LIBRARIES.items() if name in names]
