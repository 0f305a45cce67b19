"""JAX arrays and tracers: computed by XLA, differentiated with the declared slopes at kinks.

Nothing imports this module before the user has imported jax.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from halfwave.facts import Facts, passing_slope
from halfwave.libraries.array_api import Library


class JaxLibrary(Library):
    """Computes JAX arrays, under every transformation."""

    def __init__(self) -> None:
        super().__init__(jnp)
        self.name = "jax"

    def owns(self, a: Any) -> bool:
        return isinstance(a, jax.Array)

    def as_array(self, value: Any, dtype: Any, like: Any) -> Any:
        # A number stays in NumPy, which is quicker; JAX takes it along to wherever `like` is.
        return jnp.asarray(value) if dtype is None else np.asarray(value, dtype=dtype)

    def _value(self, facts: Facts, x: Any, *parameters: Any) -> Any:
        if not self.is_kind(x, "real floating"):
            return facts.value(jnp, x, *parameters)
        return _differentiable(facts)(x, *parameters)

    def _derivative(self, facts: Facts, x: Any, *parameters: Any) -> Any:
        return _derivative(facts, x, *parameters)

    def pullback(self, facts: Facts, x: Any, parameters: list[Any], g: Any) -> Any:
        return _pushed(facts, x, self.gradient(g, x), *parameters)


@cache
def _differentiable(facts: Facts) -> Any:
    """The value as a function that JAX differentiates with the declared slopes."""
    value = jax.custom_jvp(partial(facts.value, jnp))

    def differentiate(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
        x, *parameters = primals
        dx, *moves = tangents
        y = value(x, *parameters)
        tangent = jnp.zeros_like(y)
        if not _is_zero(dx):
            tangent += _pushed(facts, x, dx, *parameters)
        if not all(map(_is_zero, moves)):
            named = zip(parameters, moves, strict=True)
            moves = [jnp.zeros_like(p) if _is_zero(d) else d for p, d in named]
            tangent += jax.jvp(partial(facts.value, jnp, x), parameters, moves)[1]
        return y, tangent

    value.defjvp(differentiate, symbolic_zeros=True)
    return jax.jit(value)


@partial(jax.jit, static_argnums=0)
def _pushed(facts: Facts, x: Any, tangent: Any, *parameters: Any) -> Any:
    """f′(x) * tangent: nothing where f′(x) is 0, and where x is NaN, it passes.

    Its own derivative with respect to an f′(x) of 0 is the tangent; so a mask will not do in the
    place of the product, which then has to meet finite numbers only.
    """
    slope = facts.derivative(jnp, x, *parameters)
    passing = passing_slope(facts, parameters) * jnp.ones_like(slope)
    slope = jnp.where(jnp.isnan(x), passing, slope)
    silent = slope == 0
    product = slope * jnp.where(silent, _finite.bind(tangent), tangent)
    # +0 rather than -0 where the slope is a zero; XLA would leave out the sum with a constant 0.
    zero = jax.lax.stop_gradient(jnp.abs(slope))
    return jnp.where(silent, product + zero, product)


def _only_finite(tangent: Any) -> Any:
    return jnp.where(jnp.isfinite(tangent), tangent, jnp.zeros_like(tangent))


# A tangent, and 0 in the place of an infinity or a NaN. A primitive, since JAX has to take it for
# linear: it is its own derivative, and its own transpose.
_finite = Primitive("finite")
_finite.def_impl(_only_finite)
_finite.def_abstract_eval(lambda tangent: tangent)
ad.deflinear2(_finite, lambda cotangent, _: [_finite.bind(cotangent)])
batching.defvectorized(_finite)
mlir.register_lowering(_finite, mlir.lower_fun(_only_finite, multiple_results=False))


@partial(jax.jit, static_argnums=0)
def _derivative(facts: Facts, x: Any, *parameters: Any) -> Any:
    return facts.derivative(jnp, x, *parameters)


def _is_zero(tangent: Any) -> bool:
    return isinstance(tangent, SymbolicZero)


LIBRARY = JaxLibrary()
