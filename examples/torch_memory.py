"""What the forward pass of a deep Leaky ReLU network keeps for the way back: torch beside halfwave.

Run it as it is, or with a depth, a width and a batch of your own:
python torch_memory.py 16 1024 16384
"""

import subprocess
import sys

import torch

import halfwave.torch

LAYERS = {"torch": torch.nn.LeakyReLU, "halfwave": halfwave.torch.LeakyReLU}
MIB = 2**20


def network(kind, depth, width):
    """Normalise, rectify, again and again. The normalisation keeps its own input, once."""
    blocks = [(torch.nn.BatchNorm1d(width), LAYERS[kind](0.1)) for _ in range(depth)]
    return torch.nn.Sequential(*(layer for block in blocks for layer in block))


def kept_bytes(net, x):
    """The bytes of all memory that autograd holds after the forward pass; shared memory once."""
    kept = {}

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = net(x).sum()
    loss.backward()
    return sum(kept.values())


def most_bytes():
    """The most memory that this process ever had. Linux says it."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024


def measure(kind, depth, width, batch):
    """What is kept, and by how much a forward and backward pass raise the process's memory."""
    net, x = network(kind, depth, width), torch.randn(batch, width)
    before = most_bytes()
    net(x).sum().backward()
    return most_bytes() - before, kept_bytes(net, x)


def measured_apart(*arguments):
    """The same, in a process of its own."""
    command = [sys.executable, __file__, "--apart", *map(str, arguments)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [int(number) / MIB for number in printed.split()]


def table(depth, width, batch):
    print(f"{depth} layers, {batch} x {width} float32: {batch * width * 4 / MIB:.1f} MiB each")
    print(f"{'':10}{'kept for backward':>20}{'peak of the process':>22}")
    for kind in LAYERS:
        grown, kept = measured_apart(kind, depth, width, batch)
        print(f"{kind:10}{kept:16.1f} MiB{grown:14.1f} MiB more")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--apart"]:
        print(*measure(sys.argv[2], *map(int, sys.argv[3:])))
    else:
        table(*(map(int, sys.argv[1:]) if sys.argv[1:] else (8, 1024, 8192)))
