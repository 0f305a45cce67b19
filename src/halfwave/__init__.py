"""ReLU, Leaky ReLU and their family as exact, fast, differentiable functions on any array.

>>> import halfwave as hw
>>> hw.leaky_relu([1.0, -10.0], alpha=0.2)
array([ 1., -2.])

Every activation is an attribute of this module; `hw.activations` maps their names to them.
"""

from halfwave.activation import Activation
from halfwave.facts import Kink, Parameter
from halfwave.functions import activations
from halfwave.memory import recycle_results
from halfwave.pullback import Pullback

__version__ = "0.1.0"
__all__ = ["Activation", "Kink", "Parameter", "Pullback", "activations", "recycle_results"]
__all__ += list(activations)

globals().update(activations)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
