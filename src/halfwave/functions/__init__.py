"""Every activation that was compiled, made from its facts and its arithmetic."""

from importlib import import_module
from types import MappingProxyType

from halfwave import _core
from halfwave.activation import Activation

activations = MappingProxyType(
    {name: Activation(import_module(f"{__name__}.{name}").facts) for name in _core.names()}
)
"""Name to activation, all of them, in alphabetical order."""
