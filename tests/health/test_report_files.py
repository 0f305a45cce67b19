"""A report in a file is the same report, and a file that is none is refused."""

import json
import os
import stat
import subprocess
import sys
from copy import deepcopy

import numpy as np
import pytest

from halfwave import files, health


def full_report():
    """Numbers that JSON does not have, in every place that can hold them."""
    fc, conv, smooth, empty = (
        health.Stats("relu"),
        health.Stats(health.Rectifier("hardtanh", -1.0, 1.0)),
        health.Stats(health.Rectifier("gelu", None)),
        health.Stats(health.Rectifier("identity", -np.inf)),
    )
    rng = np.random.default_rng(0)
    for size in [4] * 70 + [1]:
        fc.update(rng.normal(size=(size, 3)).clip(0))
    fc.update([[np.nan, np.inf, 0.1]], training=False)
    fc.backward(np.array([0.0, 1.0, np.nan]))
    conv.update(rng.normal(size=(5, 2, 3)).clip(-1, 1), axis=1, positions=True)
    smooth.update([[np.nan], [-np.inf]])
    empty.update(np.zeros((0, 2)))
    layers = {"net.fc": fc, "ünit/<b>": conv, "": smooth, "empty": empty}
    layers = {name: stats.layer(name) for name, stats in layers.items()}
    shifted = {**vars_of(layers["net.fc"]), "shift": np.array([np.nan, -np.inf, 1e-320])}
    layers["net.fc"] = health.LayerReport(**shifted)
    return health.Report(layers, [health.NotSeen("head\ud800", "x * (x > 0)")], ["a note"])


def vars_of(layer):
    return {name: getattr(layer, name) for name in layer.__dataclass_fields__}


# There and back


def test_a_report_that_is_read_is_the_one_that_was_written(tmp_path):
    report = full_report()
    report.to_json(tmp_path / "health.json")
    read = health.Report.from_json(tmp_path / "health.json")
    assert read == report
    assert list(read) == list(report)
    assert (read.not_seen, read.notes) == (report.not_seen, report.notes)
    for name in report:
        for value in ("fired", "mean", "min", "max", "dormancy", "silent", "updated", "shift"):
            ours, theirs = getattr(report[name], value), getattr(read[name], value)
            np.testing.assert_array_equal(ours, theirs)
            assert type(ours) is type(theirs)
            assert getattr(ours, "dtype", None) == getattr(theirs, "dtype", None)
        assert read[name].why == report[name].why
        assert read[name].rectifier == report[name].rectifier
        assert read[name].history.ends == report[name].history.ends


def test_a_report_that_was_read_can_be_merged_and_checked(tmp_path):
    report = full_report()
    report.to_json(tmp_path / "health.json")
    read = health.Report.from_json(tmp_path / "health.json")
    assert read.merge(read) == report.merge(report)
    with pytest.raises(health.UnhealthyError, match="in evaluation"):
        read.check()


def test_the_file_is_json_of_the_standard_and_says_its_schema(tmp_path):
    full_report().to_json(tmp_path / "health.json")

    def refuse(constant):
        raise AssertionError(constant)

    held = json.loads((tmp_path / "health.json").read_bytes(), parse_constant=refuse)
    assert (held["schema"], held["version"]) == ("halfwave.health", 1)


def test_who_reads_the_file_without_halfwave_finds_the_units_of_each_verdict():
    stats = health.Stats("relu")
    stats.update([[0.0, 1.0, 0.0], [0.0, 2.0, np.nan]], training=False)
    (layer,) = health.Report.of({"fc": stats}).as_data()["layers"]
    assert layer["verdicts"] == {
        "silent": [0],
        "fell_silent": [],
        "not_updated": None,
        "starved": None,
        "frozen": [],
        "always_on": [1],
        "saturated": [],
        "constant": [],
        "nonfinite": [2],
        "dormant": [0, 2],
    }
    assert layer["bound"] == 1 - 0.05**0.5


@pytest.mark.parametrize("change", ["fired", "name", "not_seen", "notes", "bound"])
def test_reports_that_differ_are_not_equal(change):
    report = full_report()
    held = deepcopy(report.as_data())
    layer = held["layers"][0]
    if change == "fired":
        layer["parts"]["training"]["counts"]["fired"][0] += 1
    elif change == "name":
        layer["name"] = "other"
    elif change == "bound":
        layer["parts"]["evaluation"]["fixed"] = False
    else:
        held[change] = []
    assert health.Report.from_data(held) != report
    assert report != held


# What is refused


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not JSON.*pass what to_json wrote"),
        ('{"schema": "halfwave.health", "ver', "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("\xff", "is not JSON"),
        ("[]", "no report of unit health"),
        ("null", "no report of unit health"),
        ('{"schema": "other", "version": 1}', "no report of unit health"),
        ('{"schema": "halfwave.health"}', "version None"),
        ('{"schema": "halfwave.health", "version": 2}', "version 2 .* reads 1; read it with the"),
        ('{"schema": "halfwave.health", "version": 1}', "damaged: KeyError: 'layers'"),
    ],
)
def test_a_file_that_holds_something_else_is_refused(tmp_path, text, said):
    (tmp_path / "health.json").write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match=said):
        health.Report.from_json(tmp_path / "health.json")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.json"):
        health.Report.from_json(tmp_path / "gone.json")


DAMAGES = {
    "layers": (),
    "layer": ("layers", 0),
    "parts": ("layers", 0, "parts"),
    "part": ("layers", 0, "parts", "training"),
    "counts": ("layers", 0, "parts", "training", "counts"),
    "history": ("layers", 0, "parts", "training", "history"),
    "one not seen": ("not_seen", 0),
}


def damaged():
    """Each entry of a report taken out, or replaced by what cannot stand there."""
    for where, path in DAMAGES.items():
        entries = full_report().as_data()
        for step in path:
            entries = entries[step]
        for key in entries:
            if key not in ("training", "evaluation", "verdicts", "samples", "bound"):
                yield pytest.param(path, key, "gone", id=f"{where} without {key}")
            if isinstance(entries[key], list) and entries[key] and key != "notes":
                yield pytest.param(path, key, "shorter", id=f"{where} with less {key}")
                yield pytest.param(path, key, "None", id=f"{where} with {key} None")


@pytest.mark.parametrize(("path", "key", "how"), list(damaged()))
def test_a_damaged_report_is_refused(path, key, how):
    held = deepcopy(full_report().as_data())
    entries = held
    for step in path:
        entries = entries[step]
    if how == "gone":
        del entries[key]
    elif how == "None":
        entries[key] = [None]
    elif key in ("layers", "not_seen"):
        entries[key][0] = []
    else:
        entries[key] = entries[key][:-1]
    with pytest.raises(ValueError, match=r"this report is damaged|it lacks|version None"):
        health.Report.from_data(held)


def changed(value, *path):
    """The data of a report with another value in the first layer."""
    held = deepcopy(full_report().as_data())
    *steps, last = ("layers", 0, *path)
    entries = held
    for step in steps:
        entries = entries[step]
    entries[last] = value
    return held


TRAINING = ("parts", "training")


@pytest.mark.parametrize("value", ["many", -1, 1.5, 10**30, None, [1], True])
@pytest.mark.parametrize(
    "path",
    [
        ("steps",),
        (*TRAINING, "counts", "samples"),
        (*TRAINING, "counts", "fired", 0),
        (*TRAINING, "history", "ends", 0),
        (*TRAINING, "history", "fired_by_then", 0, 0),
    ],
)
def test_counts_that_are_no_counts_are_refused(value, path):
    with pytest.raises(ValueError, match="this report is damaged: ValueError: .* is no count"):
        health.Report.from_data(changed(value, *path))


@pytest.mark.parametrize("value", [0, -1.0, "1", np.nan, np.inf, None, True])
def test_a_width_that_is_none_is_refused(value):
    with pytest.raises(ValueError, match="damaged: .* is no width"):
        health.Report.from_data(changed(value, *TRAINING, "history", "width"))


def test_windows_that_end_before_they_begin_are_refused():
    with pytest.raises(ValueError, match="damaged: .*ends them at"):
        health.Report.from_data(changed(10_000, *TRAINING, "history", "ends", 0))


@pytest.mark.parametrize("path", [("frozen", 0), ("updated", 1), ("outgoing_zero", 2)])
def test_what_is_neither_true_nor_false_is_refused(path):
    with pytest.raises(ValueError, match="damaged: .*not all true or false"):
        health.Report.from_data(changed(1, *path))


def test_a_report_that_has_a_layer_twice_is_refused():
    held = full_report().as_data()
    held["layers"].append(held["layers"][0])
    with pytest.raises(ValueError, match=r"damaged: .*net\.fc.* twice"):
        health.Report.from_data(held)


# Writing


def test_a_file_of_the_same_name_is_replaced_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "health.json"
    path.write_text("old")
    full_report().to_json(str(path))
    assert health.Report.from_json(path) == full_report()
    assert os.listdir(tmp_path) == ["health.json"]


@pytest.mark.parametrize("fails", ["write_bytes", "replace"])
def test_where_writing_fails_the_old_file_stays_and_no_half_of_one(tmp_path, monkeypatch, fails):
    path = tmp_path / "health.json"
    path.write_text("old")
    real = files.Path.write_bytes

    def full(self, data):
        real(self, data[:10])
        raise OSError(28, "No space left on device", str(self))

    def refused(source, target):
        raise PermissionError(13, "Permission denied", str(source))

    if fails == "write_bytes":
        monkeypatch.setattr(files.Path, "write_bytes", full)
    else:
        monkeypatch.setattr(files.os, "replace", refused)
    with pytest.raises(OSError, match=r"health\.json"):
        full_report().to_json(path)
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["health.json"]


def test_an_error_while_the_report_is_made_into_text_leaves_the_old_file(tmp_path):
    path = tmp_path / "health.json"
    path.write_text("old")
    report = health.Report({}, (), [object()])
    with pytest.raises(TypeError):
        report.to_json(path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["health.json"]


def test_a_folder_that_is_not_there_and_one_in_the_file_s_place_are_named(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        full_report().to_json(tmp_path / "gone" / "health.json")
    assert caught.value.filename == str(tmp_path / "gone" / "health.json")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder") as caught:
        full_report().to_json(tmp_path / "folder")
    assert caught.value.filename == str(tmp_path / "folder")
    assert os.listdir(tmp_path) == ["folder"]


posix = pytest.mark.skipif(sys.platform == "win32", reason="as POSIX has it")


@posix
@pytest.mark.parametrize("exists", [True, False])
def test_a_symbolic_link_stays_and_what_it_leads_to_is_written(tmp_path, exists):
    (tmp_path / "real").mkdir()
    real, link = tmp_path / "real" / "health.json", tmp_path / "latest.json"
    if exists:
        real.write_text("old")
    link.symlink_to(os.path.join("real", "health.json"))
    assert files.write(link, "new") == link
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert os.listdir(tmp_path / "real") == ["health.json"]


@posix
def test_a_file_keeps_who_may_read_it(tmp_path):
    path = tmp_path / "health.json"
    path.write_text("old")
    path.chmod(0o600)
    files.write(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == b"new"


@posix
def test_a_pipe_is_written_into_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        files.write(pipe, "through\n")
        assert reader.stdout.read() == b"through\n"
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert os.listdir(tmp_path) == ["pipe"]
