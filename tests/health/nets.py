"""Small PyTorch networks, and all there is to see of a training: the same whether it is watched."""

import random
from contextlib import nullcontext

import numpy as np
import torch
from torch import _C, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from halfwave import health


def seeded(make, seed=0):
    """What `make` makes, with the same weights every time."""
    torch.manual_seed(seed)
    return make()


def mlp():
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))


def cnn():
    return nn.Sequential(
        *(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Dropout2d(0.2)),
        *(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(54, 8), nn.ReLU(), nn.Dropout(0.3)),
        nn.Linear(8, 4),
    )


class Functional(nn.Module):
    """Two layers with the rectifiers as functions; `block` is what may be checkpointed."""

    def __init__(self, reentrant=None):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(8, 16), nn.Linear(16, 16), nn.Linear(16, 4)
        self.reentrant = reentrant

    def block(self, x):
        return functional.relu(self.second(functional.relu(self.first(x))))

    def forward(self, x):
        if self.reentrant is None:
            return self.head(self.block(x))
        return self.head(checkpoint(self.block, x, use_reentrant=self.reentrant))


class Breaking(nn.Module):
    """Raises what it is given, once."""

    def __init__(self):
        super().__init__()
        self.error = None

    def forward(self, x):
        error, self.error = self.error, None
        if error is not None:
            raise error
        return x


def breaking():
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), Breaking(), nn.Linear(16, 4), nn.ReLU())


def batches(*shape, count=3):
    """Inputs that are different in each batch."""
    generator = torch.Generator().manual_seed(len(shape))
    return list(torch.randn(count, *shape, generator=generator))


def seed_all(seed=7):
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)


def random_states():
    return torch.get_rng_state(), np.random.get_state(), random.getstate()


def step(model, optimizer, *inputs):
    """One training step; the loss."""
    optimizer.zero_grad()
    loss = model(*inputs).square().mean()
    loss.backward()
    optimizer.step()
    return loss.item()


def trained(make, inputs, *, watched, **options):
    """All there is to see of a training, and the watch."""
    model = seeded(make)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    seed_all()
    with health.watch(model, **options) if watched else nullcontext() as watch:
        losses = [step(model, optimizer, *args) for args in inputs]
    seen = losses, model.state_dict(), optimizer.state_dict(), random_states()
    return seen, watch


def assert_same(a, b):
    """Equal in every bit, whatever holds the numbers."""
    assert type(a) is type(b)
    if isinstance(a, torch.Tensor):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        assert a.detach().numpy().tobytes() == b.detach().numpy().tobytes()
    elif isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_same(x, y)
    else:
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


_HOOKS = (
    *("_forward_hooks", "_forward_hooks_with_kwargs", "_forward_hooks_always_called"),
    *("_forward_pre_hooks", "_forward_pre_hooks_with_kwargs"),
    *("_backward_hooks", "_backward_pre_hooks"),
)


def traces(model):
    """What a watch may leave behind: hooks, modes, and the stance of torch.compile."""
    modules = {
        (name, hooks): len(getattr(module, hooks))
        for name, module in model.named_modules()
        for hooks in _HOOKS
        if getattr(module, hooks)
    }
    parameters = {
        name: len(p._backward_hooks) for name, p in model.named_parameters() if p._backward_hooks
    }
    return modules, parameters, _C._len_torch_function_stack(), stance()


def stance():
    from torch._dynamo import eval_frame

    return eval_frame._stance.stance


NOTHING = {}, {}, 0, "default"


def counted(watch):
    """Of each layer, samples and backward passes."""
    layers = watch.report().layers
    return {name: (layer.samples, layer.steps) for name, layer in layers.items()}
