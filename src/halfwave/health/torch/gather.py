"""Reports across the processes of `torch.distributed`, sent as JSON: nothing is unpickled."""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import distributed


def gathered(held: Any, group: Any = None) -> list[Any]:
    """What each process holds, in the order of their ranks. Every process has to call this.

    Raises
    ------
    RuntimeError
        If `torch.distributed` has not been started.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        raise RuntimeError(
            "gather() joins the reports of several processes, and torch.distributed has not been "
            "started; call torch.distributed.init_process_group first, or use the report as it is"
        )
    device = _device(distributed.get_backend(group))
    text = torch.frombuffer(bytearray(json.dumps(held).encode()), dtype=torch.uint8).to(device)
    sizes = _gathered(torch.tensor([len(text)], device=device), group)
    longest = max(int(size) for size in sizes)
    padded = text.new_zeros(longest)
    padded[: len(text)] = text
    texts = _gathered(padded, group)
    return [
        json.loads(bytes(t[: int(size)].cpu().numpy()))
        for t, size in zip(texts, sizes, strict=True)
    ]


def _gathered(tensor: torch.Tensor, group: Any) -> list[torch.Tensor]:
    tensors = [torch.empty_like(tensor) for _ in range(distributed.get_world_size(group))]
    distributed.all_gather(tensors, tensor, group=group)
    return tensors


def _device(backend: str) -> torch.device:
    """Where this backend's messages have to be: NCCL and its kin send from the GPU."""
    here = "gloo" in backend or backend == "mpi"
    return torch.device("cpu") if here else torch.device(torch.accelerator.current_accelerator())
