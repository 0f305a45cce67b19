"""What a forward pass did at each of its calls, for when the next pass does the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from halfwave.health.torch.origins import Origin
from halfwave.health.torch.places import Place

MOST_STEPS = 4096
"""Of one pass; what comes after them is told anew each time."""


@dataclass(frozen=True, slots=True)
class Known:
    """A tensor among the arguments, whichever it is: the units that it holds, and its shape."""

    origin: Origin | None
    shape: Any


@dataclass(frozen=True, slots=True)
class Step:
    """One call, and what came of it.

    ``operands``: the arguments, `Known` in the place of tensors that are made anew in each pass;
    ``names``: the keywords of the last of them. ``origin`` and ``shape`` are those of the result. A
    rectifier has its ``place``, which is that of a layer called ``base`` at its ``use``.
    """

    func: Any
    operands: tuple[Any, ...]
    names: tuple[str, ...]
    origin: Origin | None
    shape: Any
    place: Place | None = None
    base: str = ""
    use: int = 0


NO_STEP = Step(None, (), (), None, None)
"""In the place of a call that may have another outcome when it comes again."""


class Steps:
    """The steps of the last pass, and the ``next`` of them that may come again in this one."""

    def __init__(self, model: nn.Module) -> None:
        self.next = NO_STEP
        self._steps: list[Step] = []
        self._at = -1
        self._buffers = {id(buffer) for buffer in model.buffers()}

    def begin(self) -> None:
        """A pass begins."""
        self._at = -1
        self.go_on()

    def go_on(self) -> None:
        """The next step has come again."""
        self._at += 1
        self.next = self._steps[self._at] if self._at < len(self._steps) else NO_STEP

    def put(self, step: Step) -> None:
        """Another step has come where the next was expected."""
        if self._at < len(self._steps):
            self._steps[self._at] = step
        elif self._at < MOST_STEPS:
            self._steps.append(step)
        self.go_on()

    def operands(
        self,
        find: Callable[[Any], Origin | None],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> tuple[Any, ...] | None:
        """A step's operands, before the call; None where they may change unseen, as lists may."""
        operands = []
        for a in (*args, *kwargs.values()):
            if a is None or _is_plain(a) or type(a) is nn.Parameter or id(a) in self._buffers:
                operands.append(a)
            elif type(a) is Tensor and not a.is_nested:
                operands.append(Known(find(a), a.shape))
            else:
                return None
        return tuple(operands)


def is_plain_and_same(a: Any, expected: Any) -> bool:
    """Whether an argument is the same number or text, or the same few of them, as a step had."""
    return type(a) is type(expected) and _is_plain(a) and a == expected


def _is_plain(a: Any) -> bool:
    return type(a) in _PLAIN or (isinstance(a, tuple) and all(type(i) in _PLAIN for i in a))


_PLAIN = frozenset({int, float, str, bool})
