"""Activations by name, and their parameters as options: all of it from the registry."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar

import typer

import halfwave
from halfwave import Activation
from halfwave.cli.errors import Misuse

Command = TypeVar("Command", bound=Callable[..., None])


def complete(start: str) -> list[str]:
    """The names that begin so, for the shell."""
    return [name for name in halfwave.activations if name.startswith(start)]


Name = Annotated[str, typer.Argument(metavar="NAME", hidden=True, autocompletion=complete)]
"""An activation on the command line; the usage line and the sentence below it tell of it."""


def find(name: str) -> Activation:
    """The activation of this name.

    Raises
    ------
    Misuse
        If there is none; it suggests the nearest.
    """
    if name in halfwave.activations:
        return halfwave.activations[name]
    near = get_close_matches(name.lower().replace("-", "_"), halfwave.activations, 1)
    hint = f"; did you mean {near[0]}?" if near else ";"
    raise Misuse(f"no activation {name!r}{hint} `halfwave list` shows all")


def takes_parameters(command: Command) -> Command:
    """Give a command, in place of its ``**parameters``, an option for each one in the registry."""
    signature = inspect.signature(command, eval_str=True)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    vars(command)["__signature__"] = signature.replace(parameters=[*own, *_options()])
    return command


def _options() -> Iterator[inspect.Parameter]:
    names = {name for f in halfwave.activations.values() for name in f.parameters}
    for name in sorted(names):
        option = typer.Option(_option(name), help=_help(name), show_default=False)
        annotation = Annotated[float | None, option]
        yield inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
        )


def _option(parameter: str) -> str:
    return "--" + parameter.replace("_", "-")


def _help(parameter: str) -> str:
    """What the parameter means, with its default, for each activation that takes it."""
    takers: dict[str, list[str]] = {}
    for f in halfwave.activations.values():
        if parameter in f.parameters:
            p = f.parameters[parameter]
            takers.setdefault(p.meaning.rstrip("."), []).append(f"{f.name}: {p.default}")
    return " ".join(f"{meaning} ({', '.join(named)})." for meaning, named in takers.items())


def chosen(activations: Iterable[Activation], given: Mapping[str, float | None]) -> dict[str, Any]:
    """The parameters that were given.

    Raises
    ------
    Misuse
        If none of these activations takes one of them; it says which they take.
    """
    activations = list(activations)
    taken = sorted({name for f in activations for name in f.parameters})
    parameters = {name: value for name, value in given.items() if value is not None}
    for name in parameters:
        if name not in taken:
            names = " and ".join(f.name for f in activations)
            takes = " and ".join(map(_option, taken)) or "no parameters"
            verb = "takes" if len(activations) == 1 else "take"
            raise Misuse(f"{names} {verb} {takes}; leave out {_option(name)}")
    return parameters


def is_number(text: str) -> bool:
    """Whether Python reads the text as a float: -1e3, -inf and nan are among them."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def refuse_unknown_options(context: typer.Context, words: Iterable[str]) -> None:
    """Refuse what looks like an option and is no negative number.

    Raises
    ------
    Misuse
        If there is one; it says which option is near, or what another library's is called here.
    """
    known = [name for p in context.command.params for name in (*p.opts, *p.secondary_opts)]
    for word in words:
        if word.startswith("-") and not is_number(word):
            option = word.partition("=")[0]
            near = _ours(option) or next(iter(get_close_matches(option, known, 1)), None)
            hint = f"; did you mean {near}?" if near else ";"
            raise Misuse(f"no option {option!r}{hint} `{context.command_path} --help` shows all")


def _ours(option: str) -> str | None:
    """The option for a parameter that other libraries call so."""
    name = option.lstrip("-").replace("-", "_")
    parameters = (p for f in halfwave.activations.values() for p in f.parameters.values())
    return next((_option(p.name) for p in parameters if name in p.aliases), None)
