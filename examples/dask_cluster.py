"""ReLU and Leaky ReLU on a dask cluster, of an array larger than a worker's memory.

Run it as it is, and two processes on this machine are the cluster; or with the address of the
scheduler of one that runs: python dask_cluster.py tcp://HOST:8786 --mib 100000
"""

import argparse
import math

import dask
import dask.array as da
import numpy as np
import xarray as xr
from distributed import Client

import halfwave as hw

CHANNELS = ["Fz", "Cz", "Pz", "Oz"]
ALPHA = xr.DataArray(
    np.array([0.0, 0.01, 0.1, 0.25], "f4"), dims="channel", coords={"channel": CHANNELS}
)
CHUNK_MIB = 16


def connect(address):
    """To the cluster at this address, or to a new one that ends with the program."""
    if address:
        return Client(address)
    return Client(
        processes=True,
        n_workers=2,
        threads_per_worker=1,
        memory_limit="512 MiB",
        dashboard_address="localhost:0",  # any port that is free
    )


def recording(mib):
    """Noise in every channel. A worker makes a chunk when it is needed, and then forgets it."""
    per_mib = 2**20 // (4 * len(CHANNELS))  # samples of 4 bytes in every channel
    return da.random.default_rng(0).standard_normal(
        (len(CHANNELS), mib * per_mib), dtype="f4", chunks=(-1, CHUNK_MIB * per_mib)
    )


def summary(voltage):
    """Four numbers per channel, not computed yet."""
    value = hw.leaky_relu(voltage, ALPHA)  # one alpha per channel, by the dimension's name
    slope = hw.leaky_relu.derivative(voltage, ALPHA)
    by_numpy = xr.where(voltage > 0, voltage, ALPHA * voltage)
    return xr.Dataset(
        {
            "alpha": ALPHA,
            "positive": (voltage > 0).mean("time"),
            "mean value": value.mean("time"),
            "mean slope": slope.mean("time"),
            "equals NumPy": (value == by_numpy).all("time"),
        }
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", nargs="?", help="the scheduler of a cluster that is running")
    parser.add_argument("--mib", type=int, default=2048, help="size of the array (default: 2048)")
    given = parser.parse_args()

    x = recording(given.mib)
    rectified = hw.relu(x)
    voltage = xr.DataArray(x, dims=("channel", "time"), coords={"channel": CHANNELS})

    with connect(given.address) as client:
        for address, worker in client.scheduler_info()["workers"].items():
            print(f"Worker {address}: {worker['memory_limit'] / 2**20:.0f} MiB of memory")
        print(f"The array: {x.nbytes / 2**20:.0f} MiB in {x.npartitions} chunks")
        print(f"ReLU of it, lazy: {rectified}")
        mean, table = dask.compute(rectified.mean(), summary(voltage))

    print(f"Its mean: {mean:.4f}, and in theory 1/√(2π) = {1 / math.sqrt(2 * math.pi):.4f}")
    print("Leaky ReLU of it:")
    print(table.to_dataframe())


# The workers of a new cluster are processes that import this file.
if __name__ == "__main__":
    main()
