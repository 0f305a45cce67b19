"""`halfwave eval` of .npy files."""

import io
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from bits import assert_same_bits
from command import HEED_CTRL_C, command, environment, error_of, halfwave, on_terminal, output_of
from samples import numbers

import halfwave as hw
from halfwave.cli import npy

CODES = [np.dtype(code) for code in "efdgbBhHiIlLqQ"]
SWAPPED = [dtype.newbyteorder() for dtype in CODES if dtype.itemsize > 1]
SHAPES = [(), (0,), (3, 0), (1,), (30,), (2, 3, 5)]

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")


def saved(path, array):
    np.save(path, array)
    return path


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.each_kind
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [*CODES, *SWAPPED], ids=str)
def test_blocks_give_the_bits_of_the_whole(activation, dtype, shape, order, tmp_path, monkeypatch):
    monkeypatch.setattr(npy, "BLOCK", 7)
    x = np.array(numbers(dtype.newbyteorder("="), 30)[: np.prod(shape, dtype=int)].reshape(shape))
    array = npy.open_array(saved(tmp_path / "x.npy", x.astype(dtype, order=order)))
    for operation in (activation, activation.derivative):
        file = io.BytesIO()
        sizes = list(npy.apply(operation, array, {}, file))
        assert sum(sizes) == x.size
        assert max(sizes, default=0) <= 7
        result = np.load(io.BytesIO(file.getvalue()), allow_pickle=False)
        assert_same_bits(result, np.asarray(operation(x)))
        assert (
            result.flags.f_contiguous
            == (np.asfortranarray(x) if order == "F" else x).flags.f_contiguous
        )


@pytest.mark.parametrize("order", "CF")
def test_a_file_of_many_blocks(tmp_path, order):
    x = np.asarray(numbers(np.dtype("f4"), 3 * npy.BLOCK + 21).reshape(3, -1), order=order)
    saved(tmp_path / "x.npy", x)
    assert output_of("eval", "leaky_relu", "x.npy", "--alpha", "0.3", cwd=tmp_path) == (
        "x.leaky_relu.npy\n"
    )
    assert_same_bits(np.load(tmp_path / "x.leaky_relu.npy"), hw.leaky_relu(x, alpha=0.3))


def test_the_derivative_has_a_name_of_its_own(tmp_path):
    saved(tmp_path / "x.npy", np.arange(-3, 3))
    output_of("eval", "leaky_relu", "x.npy", "--derivative", cwd=tmp_path)
    result = np.load(tmp_path / "x.leaky_relu.derivative.npy")
    assert_same_bits(result, hw.leaky_relu.derivative(np.arange(-3, 3)))


def test_json_tells_what_was_written(tmp_path):
    saved(tmp_path / "x.npy", np.zeros((2, 3), np.int8))
    printed = output_of("eval", "leaky_relu", tmp_path / "x.npy", "--json")
    assert json.loads(printed) == {
        "output": str(tmp_path / "x.leaky_relu.npy"),
        "shape": [2, 3],
        "dtype": "float16",
    }


def test_a_terminal_is_told_the_dtype_and_the_shape(tmp_path):
    saved(tmp_path / "x.npy", np.zeros((2, 3), np.int8))
    screen = on_terminal("eval", "leaky_relu", "x.npy", cwd=tmp_path)
    assert screen.lines[-1] == "wrote x.leaky_relu.npy: float16, shape (2, 3)"


def test_a_progress_bar_on_a_terminal(tmp_path):
    saved(tmp_path / "{x} [y].npy", np.zeros(8 * npy.BLOCK, np.float32))
    screen = on_terminal("eval", "relu", "{x} [y].npy", cwd=tmp_path)
    assert screen.status == 0
    assert "relu of {x} [y].npy" in screen.text
    assert "100%" in screen.text


def test_no_progress_bar_in_a_pipe(tmp_path):
    saved(tmp_path / "x.npy", np.zeros(3 * npy.BLOCK, np.float32))
    assert halfwave("eval", "relu", tmp_path / "x.npy").stderr == ""


def test_a_link_stays_a_link(tmp_path):
    saved(tmp_path / "x.npy", np.array([-1.0, 2.0]))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "y.npy").symlink_to(tmp_path / "elsewhere" / "y.npy")
    output_of("eval", "relu", "x.npy", "-o", "y.npy", cwd=tmp_path)
    assert (tmp_path / "y.npy").is_symlink()
    np.testing.assert_array_equal(np.load(tmp_path / "elsewhere" / "y.npy"), [0.0, 2.0])


# Overwriting ------------------------------------------------------------------------------------


def test_nothing_is_overwritten_without_force(tmp_path):
    saved(tmp_path / "x.npy", np.array([-1.0, 2.0]))
    (tmp_path / "x.relu.npy").write_bytes(b"mine")
    before = contents(tmp_path)
    message = error_of("eval", "relu", "x.npy", cwd=tmp_path)
    assert message == "x.relu.npy exists; pass --force to overwrite it"
    assert contents(tmp_path) == before
    output_of("eval", "relu", "x.npy", "--force", cwd=tmp_path)
    np.testing.assert_array_equal(np.load(tmp_path / "x.relu.npy"), [0.0, 2.0])


@pytest.mark.parametrize("name", ["x.npy", "./x.npy", "link.npy", "hard.npy"])
def test_the_input_is_never_the_output(tmp_path, name):
    saved(tmp_path / "x.npy", np.array([-1.0, 2.0]))
    (tmp_path / "link.npy").symlink_to(tmp_path / "x.npy")
    (tmp_path / "hard.npy").hardlink_to(tmp_path / "x.npy")
    before = contents(tmp_path)
    message = error_of("eval", "relu", "x.npy", "-o", name, "--force", cwd=tmp_path)
    assert message.endswith("is the input; name another file with -o")
    assert contents(tmp_path) == before


def test_a_device_is_never_replaced():
    assert error_of("eval", "relu", "1", "-o", os.devnull, "--force") == (
        f"{os.devnull} is not a regular file; name another"
    )


# A write that does not end well -------------------------------------------------------------------


LIMIT_FILES = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))"


@pytest.mark.parametrize(
    ("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_an_interrupted_write_leaves_everything_as_it_was(tmp_path, sent, status):
    sparse(tmp_path / "x.npy", np.dtype("f8"), 2**30)
    (tmp_path / "y.npy").write_bytes(b"mine")
    with subprocess.Popen(
        command("eval", "relu", "x.npy", "-o", "y.npy", "--force", before=HEED_CTRL_C),
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.PIPE,
    ) as process:
        while not list(tmp_path.glob(".halfwave-*")) and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(sent)
        _, errors = process.communicate()
    assert (process.returncode, errors) == (status, b"")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.npy", "y.npy"]
    assert (tmp_path / "y.npy").read_bytes() == b"mine"


@on_linux
def test_a_full_disk_leaves_everything_as_it_was(tmp_path):
    saved(tmp_path / "x.npy", np.zeros(2**20))
    (tmp_path / "x.relu.npy").write_bytes(b"mine")
    before = contents(tmp_path)
    message = error_of(*("eval", "relu", "x.npy", "--force"), cwd=tmp_path, before=LIMIT_FILES)
    assert message == "cannot write x.relu.npy: File too large; name another place with -o"
    assert contents(tmp_path) == before


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_an_unwritable_folder(tmp_path):
    saved(tmp_path / "x.npy", np.zeros(3))
    tmp_path.chmod(0o500)
    message = error_of("eval", "relu", "x.npy", cwd=tmp_path)
    tmp_path.chmod(0o700)
    assert message == "cannot write x.relu.npy: Permission denied; name another place with -o"


# Less memory than the file needs --------------------------------------------------------------------

LIMIT_MEMORY = "import resource; resource.setrlimit(resource.RLIMIT_AS, ({0}, {0}))"
MAP_ALL = "import numpy as np; np.load({!r}, mmap_mode='r')"
TELL_PEAK = """
import atexit
atexit.register(lambda: print(*[s for s in open("/proc/self/status") if s.startswith("VmPeak")]))
"""
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def sparse(path, dtype, size):
    """A .npy file of zeros that takes no room on the disk."""
    with open(path, "wb") as file:
        header = {"descr": dtype.str, "fortran_order": False, "shape": (size,)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + size * dtype.itemsize)
    return path


@on_linux
def test_a_file_larger_than_memory(tmp_path):
    peak = output_of("eval", "relu", "1", before=TELL_PEAK, **ONE_THREAD).split()[-2]
    limit = int(peak) * 1024 + 64 * 2**20
    size = (limit + 32 * 2**20) // 4
    path = sparse(tmp_path / "x.npy", np.dtype("f4"), size)
    x = np.load(path, mmap_mode="r+")
    for start in range(0, size - 1000, size // 9):
        x[start : start + 1000] = numbers(x.dtype, 1000, seed=start)
    limited = LIMIT_MEMORY.format(limit)
    whole = f"{limited}\n{MAP_ALL.format(str(path))}"
    assert "Cannot allocate memory" in halfwave("list", before=whole, **ONE_THREAD).stderr

    output_of("eval", "leaky_relu", path, before=limited, **ONE_THREAD)
    result = np.load(tmp_path / "x.leaky_relu.npy", mmap_mode="r")
    assert result.shape == x.shape
    for start in range(0, size, 2**22):
        block = slice(start, start + 2**22)
        assert_same_bits(np.array(result[block]), hw.leaky_relu(np.array(x[block])))


# What is no array of numbers --------------------------------------------------------------------------


def test_pickles_are_not_opened(tmp_path):
    saved(tmp_path / "x.npy", np.array([1, None]))
    assert error_of("eval", "relu", "x.npy", cwd=tmp_path) == (
        "x.npy holds pickled Python objects; save it with a numeric dtype"
    )


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros(3, complex), "complex numbers have no order"),
        (np.array(["a"]), "text is not a number"),
        (np.zeros(3, bool), "a truth value has no sign"),
        (np.zeros(3, "M8[s]"), "dates and durations have no slope"),
        (np.zeros(3, [("a", "f4")]), "numpy.void"),
        (np.zeros(3, [("é☃", "f4")]), "is not a .npy file"),
    ],
    ids=["complex", "text", "bool", "date", "structured", "version 3"],
)
@pytest.mark.filterwarnings("ignore:Stored array in format 3.0")
def test_dtypes_that_are_refused(tmp_path, array, reason):
    saved(tmp_path / "x.npy", array)
    message = error_of("eval", "relu", "x.npy", cwd=tmp_path)
    assert message.startswith("x.npy")
    assert reason in message
    assert list(tmp_path.iterdir()) == [tmp_path / "x.npy"]


def damaged(folder):
    whole = saved(folder / "whole.npy", np.arange(100.0)).read_bytes()
    return {
        "short.npy": whole[:-1],
        "header.npy": whole[:60],
        "empty.npy": b"",
        "text.npy": b"1 2 3\n",
        "negative.npy": whole.replace(b"(100,)", b"(-10,)"),
        "version.npy": whole[:6] + b"\x09" + whole[7:],
    }


def test_damaged_files(tmp_path):
    for name, content in damaged(tmp_path).items():
        (tmp_path / name).write_bytes(content)
        message = error_of("eval", "relu", name, cwd=tmp_path)
        if name == "short.npy":
            assert message == "short.npy is cut short: 1 bytes are missing; write it again"
        else:
            assert message == f"{name} is not a .npy file; write it with numpy.save"
    assert not list(tmp_path.glob("*.relu.npy"))


def test_a_shape_that_no_memory_holds(tmp_path):
    content = saved(tmp_path / "x.npy", np.arange(100.0)).read_bytes()
    huge = content.replace(b"(100,), }" + b" " * 31, b"(" + b"9" * 30 + b",), }    ")
    assert len(huge) == len(content)
    (tmp_path / "x.npy").write_bytes(huge)
    assert "is cut short" in error_of("eval", "relu", "x.npy", cwd=tmp_path)


def test_folders_devices_and_missing_files(tmp_path):
    (tmp_path / "d.npy").mkdir()
    (tmp_path / "file").touch()
    saved(tmp_path / "x.npy", np.zeros(3))
    told = {
        ("d.npy",): "d.npy is a directory; name a .npy file",
        (".",): ". is a directory; name a .npy file",
        (
            os.devnull,
        ): f"{os.devnull} is not a regular file, so it cannot be mapped; save it as one",
        ("y.npy",): "cannot read y.npy: No such file or directory; check the name",
        ("x.npy", "-o", "d.npy"): "d.npy is a directory; name a file in it",
        ("x.npy", "-o", "no/y.npy"): (
            "cannot write no/y.npy: No such file or directory; name another place with -o"
        ),
        ("x.npy", "-o", "file/y.npy"): (
            "cannot write file/y.npy: Not a directory; name another place with -o"
        ),
    }
    for arguments, message in told.items():
        assert error_of("eval", "relu", *arguments, cwd=tmp_path) == message
