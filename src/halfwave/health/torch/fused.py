"""What `nn.TransformerEncoderLayer` computes in one fused kernel, kept as it is while it is watched.

A layer that has hooks leaves the fused kernel in evaluation. Without a mask its steps one by one give
the same bits; with one they do, if attention takes its own fast path, which refuses a mask of floats.
The layer has made one of floats by then, and the fused kernel takes it by where it is not 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import has_torch_function

MASKS = "attn_mask", "key_padding_mask"


def keep_masks(
    layer: nn.TransformerEncoderLayer,
    is_ours: Callable[[Any], bool],
    attention: nn.MultiheadAttention,
    args: Any,
    kwargs: Any,
) -> Any:
    """The arguments of a layer's attention, so that it gives what the fused kernel would."""
    if any(kwargs.get(mask) is not None for mask in MASKS) and _is_fused(layer, is_ours, args[0]):
        return args, kwargs | {m: kwargs[m].bool() for m in MASKS if kwargs.get(m) is not None}
    return None


def _is_fused(layer: nn.TransformerEncoderLayer, is_ours: Callable[[Any], bool], x: Tensor) -> bool:
    """Whether the layer would take the fused kernel, were it not for our hooks: PyTorch's conditions."""
    attention, weights = layer.self_attn, tuple(layer.parameters())
    return bool(
        torch.backends.mha.get_fastpath_enabled()
        and not layer.training
        and layer.activation_relu_or_gelu
        and layer.norm1.eps == layer.norm2.eps
        and (x.ndim, x.is_nested) == (3, False)
        and attention.batch_first
        and attention.in_proj_bias is not None
        and attention._qkv_same_embed_dim
        and attention.num_heads % 2 == 0
        and not torch.is_autocast_enabled()
        and not has_torch_function((x, *weights))
        and not (torch.is_grad_enabled() and any(t.requires_grad for t in (x, *weights)))
        and all(map(is_ours, _hooks(layer)))
    )


def _hooks(layer: nn.Module) -> list[Any]:
    return [
        hook
        for module in layer.modules()
        for hooks in (module._forward_hooks, module._forward_pre_hooks)
        for hook in hooks.values()
    ]
