"""What each of two processes does with its half of the data; started by test_torch_processes.

    python two_processes.py RANK FOLDER

The reports of each job are written to FOLDER as JSON.
"""

import pickle
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from unittest import mock

import torch
from nets import batches, cnn, mlp, seeded
from torch import distributed, nn
from torch.distributed.algorithms.join import Join
from torch.nn.parallel import DistributedDataParallel

from halfwave import health

WORLD = 2
IMAGES = batches(6, 3, 8, 8, count=4)
VECTORS = batches(6, 8, count=5)


def half(x, rank):
    return x.chunk(WORLD)[rank]


def independent():
    """A CNN to which no sample is another's affair, so that halves of a batch give what it gives."""
    alike = ("BatchNorm2d", "Dropout2d", "Dropout")
    return nn.Sequential(*(layer for layer in cnn() if type(layer).__name__ not in alike))


def trained(model, inputs, scale=1):
    """Watched through a training on these inputs; the loss is a sum over samples."""
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with health.watch(model) as watch:
        for x in inputs:
            optimizer.zero_grad()
            (scale * model(x).square().sum()).backward()
            optimizer.step()
    return watch.report()


def inferred(x):
    model = seeded(mlp)
    with health.watch(model) as watch:
        model(x)
    return watch.report()


def job_training(rank):
    """Both train on half of each batch."""
    model = DistributedDataParallel(seeded(independent))
    # Gradients are averaged over the processes: a sum over both is twice that.
    report = trained(model, [half(x, rank) for x in IMAGES], scale=WORLD)
    return {"own": report, "gathered": report.gather()}


def job_alone(rank):
    """One process reports and the other does not: nobody waits."""
    model = DistributedDataParallel(seeded(mlp))
    with health.watch(model) as watch:
        for x in VECTORS:
            model(half(x, rank)).sum().backward()
    return {"own": watch.report()} if rank == 1 else {}


def job_uneven(rank):
    """One process has a batch less than the other."""
    model = DistributedDataParallel(seeded(mlp))
    with health.watch(model) as watch, Join([model]):
        for x in VECTORS[: 3 + rank]:
            model(half(x, rank)).square().sum().backward()
    return {"gathered": watch.report().gather()}


def job_branches(rank):
    """Each knows a layer that the other does not."""
    shared = inferred(VECTORS[rank])["0"]
    own = replace(shared, name=f"branch{rank}")
    report = health.Report({own.name: own, "0": shared}, notes=[f"note {rank}"])
    return {"gathered": report.gather()}


def job_group(rank):
    """A group of one process is gathered by itself."""
    groups = [distributed.new_group([k]) for k in range(WORLD)]
    return {"gathered": inferred(VECTORS[rank]).gather(groups[rank])}


def job_unpickled(rank):
    """Pickle is out of order while reports are sent."""
    report = inferred(VECTORS[rank])
    names = ("dump", "dumps", "load", "loads", "Pickler", "Unpickler")
    with mock.patch.multiple(pickle, **dict.fromkeys(names)):
        return {"gathered": report.gather()}


JOBS = [job_training, job_alone, job_uneven, job_branches, job_group, job_unpickled]


if __name__ == "__main__":
    rank, folder = int(sys.argv[1]), Path(sys.argv[2])
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo",
        init_method=(folder / "store").as_uri(),
        rank=rank,
        world_size=WORLD,
        timeout=timedelta(seconds=60),
    )
    for job in JOBS:
        for name, report in job(rank).items():
            report.to_json(folder / f"{job.__name__} {name} {rank}.json")
    distributed.destroy_process_group()
