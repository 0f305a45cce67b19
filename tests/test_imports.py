"""The fence: which module of the package may import what."""

import ast
import sys
from pathlib import Path

import pytest

import halfwave

PACKAGE = Path(halfwave.__file__).parent

# A module needs NumPy and the standard library. What else it may import, by its path's beginning.
MAY_IMPORT = {
    "libraries/torch_": {"torch"},
    "libraries/jax_": {"jax"},
    "libraries/cupy_": {"cupy"},
    "torch.py": {"torch"},
    "drawing.py": {"matplotlib"},
    "plot.py": {"matplotlib"},
    "verify/": {"ml_dtypes", "mpmath"},
    "bench/torch_": {"torch"},
    "health/torch/": {"torch"},
    "health/views/": {"matplotlib"},
    "tour/": {
        *("IPython", "latex2mathml", "markdown_it", "matplotlib", "plotext", "pygments", "rich"),
        "sklearn",
    },
    "cli/": {"matplotlib", "ml_dtypes", "rich", "typer"},
}

# From the bottom up: a module imports from its own row and from those before it.
LAYERS = [
    ["drawing", "facts", "files", "processors", "special", "_core"],
    ["arrays", "memory"],
    ["calls", "integers", "pullback", "plot"],
    ["libraries"],
    ["activation"],
    ["functions"],
    ["torch"],
    ["health"],
    ["tour", "bench", "verify"],
    ["cli"],
]


def imports_of(source):
    """The modules that a source imports anywhere but for type checkers, in full."""
    found, nodes = set(), [ast.parse(source)]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            nodes += node.orelse
            continue
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{name.name}" for name in node.names}
        nodes += ast.iter_child_nodes(node)
    return found


def third_party(source):
    tops = {name.partition(".")[0] for name in imports_of(source)}
    return tops - set(sys.stdlib_module_names) - {"halfwave", "numpy"}


def strangers(path, source):
    """What the module at this path imports, and may not."""
    allowed = (names for begin, names in MAY_IMPORT.items() if path.startswith(begin))
    return third_party(source) - set().union(*allowed)


def upward(path, source):
    """What the module at this path imports from above itself."""
    rank = {name: i for i, row in enumerate(LAYERS) for name in row}
    own = rank.get(path.removesuffix(".py").partition("/")[0], len(LAYERS))
    parts = (name.split(".") for name in imports_of(source))
    ours = {part for top, part, *_ in ((*p, "") for p in parts) if top == "halfwave"}
    return {part for part in ours if rank.get(part, 0) > own}


# Without the examples, which a wheel brings: programs for users, which import what they want.
modules = pytest.mark.parametrize(
    "path",
    sorted(
        path
        for path in (p.relative_to(PACKAGE).as_posix() for p in PACKAGE.rglob("*.py"))
        if not path.startswith("examples/")
    ),
)


@modules
def test_a_module_imports_only_what_it_may(path):
    assert strangers(path, (PACKAGE / path).read_text(encoding="utf-8")) == set()


@modules
def test_arrows_point_down(path):
    assert upward(path, (PACKAGE / path).read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    "source",
    [
        "import torch",
        "import numpy, torch.nn as nn",
        "from torch import Tensor",
        "def f():\n    if True:\n        import torch",
        "try:\n    from torch.nn import Module\nexcept ImportError: ...",
        "if TYPE_CHECKING:\n    import jax\nelse:\n    import torch",
    ],
)
def test_a_forbidden_import_is_seen(source):
    assert strangers("arrays.py", source) == {"torch"}
    assert strangers("libraries/jax_arrays.py", source) == {"torch"}
    assert strangers("libraries/torch_tensors.py", source) == set()


def test_an_arrow_that_points_up_is_seen():
    for source in ("from halfwave import activation", "from halfwave.activation import VJP"):
        assert upward("libraries/array_api.py", source) == {"activation"}
        assert upward("functions/relu.py", source) == set()


def test_imports_for_type_checkers_alone_are_let_through():
    source = "if TYPE_CHECKING:\n    import torch\n    from halfwave.activation import VJP"
    assert strangers("arrays.py", source) == upward("arrays.py", source) == set()
