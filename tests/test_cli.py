"""The command line: each command does what its line of Python does; bad input is one sentence and exit code 2."""

from __future__ import annotations

import json
import pathlib

import numpy as np
import pytest

import mien
from mien.cli.main import COMMANDS, main


@pytest.fixture(scope="module")
def acted():
    return mien.datasets.performance(n_frames=48, seed=3)


@pytest.fixture
def take_file(acted, tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "shot.npz"
    mien.write(path, acted.take)
    return path


@pytest.fixture
def neutral_file(acted, tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "neutral.npz"
    mien.write(path, mien.MeshSequence(acted.take.topology, acted.neutral[None].astype(np.float32)))
    return path


@pytest.fixture
def run(capfd):
    """Call the command line in this process; return its exit code, output and errors."""

    def call(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main([str(a) for a in arguments])
        out, err = capfd.readouterr()
        return int(stop.value.code or 0), out, err

    return call


def refused(result: tuple[int, str, str], *words: str) -> None:
    code, _, err = result
    assert code == 2, err
    assert "Traceback" not in err
    for word in words:
        assert word in err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_an_example(run, command):
    code, out, _ = run(command, "--help")
    assert code == 0
    assert f"Example:  mien {command}" in out


def test_version(run):
    assert run("--version")[1].strip().endswith(mien.__version__)


def test_info_reads_the_header(run, take_file, acted):
    code, out, _ = run("info", take_file)
    assert code == 0
    assert f"{acted.take.n_vertices:,}" in out
    assert "0.01 m" in out
    facts = json.loads(run("info", take_file, "--json")[1])
    assert facts["n_frames"] == 48
    assert facts["fps"] == acted.take.fps


def test_separate_writes_what_separate_returns(run, take_file, neutral_file, acted, tmp_path):
    code, out, err = run(
        "separate", take_file, "-o", tmp_path / "head.npz", "--neutral", neutral_file,
        "--stabilised", tmp_path / "still.npz",
    )  # fmt: skip
    assert code == 0, err
    assert "48 frames" in out
    take = mien.read(take_file)
    expected = mien.separate(take, neutral=acted.neutral.astype(np.float32))
    found = mien.Performance.load(tmp_path / "head.npz", take)
    assert (found.head.rotation == expected.head.rotation).all()
    assert (mien.read(tmp_path / "still.npz").positions == expected.expression).all()
    with np.load(tmp_path / "head.npz") as data:
        assert (data["expression"] == expected.expression).all()


def test_the_head_can_be_held_at_its_mean_pose(run, take_file, acted, tmp_path):
    code, _, err = run(
        "separate", take_file, "-o", tmp_path / "h.npz", "--stabilised", tmp_path / "still.npz"
    )
    assert code == 0, err
    still = mien.read(tmp_path / "still.npz").positions
    skull = still[:, acted.skull].astype(np.float64)
    moved = acted.take.positions[:, acted.skull].astype(np.float64)
    assert np.ptp(skull, axis=0).max() < 0.05 * np.ptp(moved, axis=0).max()
    assert np.abs(skull.mean(0) - moved.mean(0)).max() < 0.1


def test_frames_are_the_shots_own(run, take_file, acted, tmp_path):
    first = acted.take.start_frame
    code, _, err = run("convert", take_file, tmp_path / "part.npz", "--frames", f"{first + 10}-{first + 19}")
    assert code == 0, err
    part = mien.read(tmp_path / "part.npz")
    assert (part.start_frame, len(part)) == (first + 10, 10)
    assert (part.positions == acted.take.positions[10:20]).all()
    refused(
        run("convert", take_file, tmp_path / "x.npz", "--frames", "0-100000"), "must lie in the take's frames"
    )
    refused(run("convert", take_file, tmp_path / "x.npz", "--frames", "ten"), "FIRST-LAST")
    refused(run("convert", take_file, tmp_path / "x.npz", "--frames", "9-5"), "before")


def test_convert_says_what_is_lost(run, take_file, acted, tmp_path):
    code, _, err = run("convert", take_file, tmp_path / "shot.pc2")
    assert code == 0
    assert "polygons" in err
    code, _, err = run("convert", tmp_path / "shot.pc2", tmp_path / "back.abc", "--topology", take_file)
    assert code == 0, err
    back = mien.read(tmp_path / "back.abc")
    assert back.topology == acted.take.topology
    assert (back.positions == acted.take.positions).all()


def edit_file(path: pathlib.Path, acted, perf: mien.Performance) -> mien.EditList:
    n = len(perf)
    corner = acted.head.landmarks["mouth_corner_left"]
    region = mien.region(perf.take.topology, perf.neutral, seeds=[corner], radius=4.0)
    envelope = mien.envelope(n, start=5, peak=15, end=30)
    edits = mien.EditList([mien.Gain(0.3, region=region, envelope=envelope)])
    edits.save(path, perf)
    return edits


def test_edit_is_recombine(run, take_file, neutral_file, acted, tmp_path):
    take = mien.read(take_file)
    perf = mien.separate(take, neutral=acted.neutral.astype(np.float32))
    edits = edit_file(tmp_path / "fix.json", acted, perf)
    code, _, err = run(
        "edit",
        take_file,
        "--edits",
        tmp_path / "fix.json",
        "--neutral",
        neutral_file,
        "-o",
        tmp_path / "v2.abc",
    )
    assert code == 0, err
    expected = mien.recombine(perf, edits).positions
    assert (mien.read(tmp_path / "v2.abc").positions == expected).all()
    assert not (expected == take.positions).all()


def test_edit_says_where_edits_jump(run, take_file, neutral_file, acted, tmp_path):
    perf = mien.separate(mien.read(take_file), neutral=acted.neutral.astype(np.float32))
    n = len(acted.take)
    edits = mien.EditList([mien.Gain(-3.0, envelope=np.arange(n) >= n // 2)])
    edits.save(tmp_path / "fix.json", perf)
    given = ("edit", take_file, "--edits", tmp_path / "fix.json", "--neutral", neutral_file)
    code, out, err = run(*given, "-o", tmp_path / "v2.npz", "--check")
    assert code == 0, err
    findings = mien.check_edits(perf, edits)
    assert findings
    for finding in findings:
        assert finding.sentence(perf.take.start_frame) in out
    mien.EditList([]).save(tmp_path / "fix.json", perf)
    code, out, err = run(*given, "-o", tmp_path / "v3.npz", "--check")
    assert (code, "without a jump" in out) == (0, True), err


def test_edit_adds_shapes_of_a_rig(run, take_file, neutral_file, acted, tmp_path):
    rig = mien.datasets.head().rig
    rig.save(tmp_path / "hero.npz")
    take = mien.read(take_file)
    perf = mien.separate(take, neutral=acted.neutral.astype(np.float32))
    edits = mien.EditList([mien.Offset(rig, {"jawOpen": 0.2})])
    edits.save(tmp_path / "fix.json", perf, sources={"hero": rig})
    given = ("edit", take_file, "--edits", tmp_path / "fix.json", "--neutral", neutral_file)
    output = tmp_path / "v2.npz"
    code, _, err = run(*given, "--rig", f"hero={tmp_path / 'hero.npz'}", "-o", output)
    assert code == 0, err
    assert (mien.read(output).positions == mien.recombine(perf, edits).positions).all()
    refused(run(*given, "-o", output), "names 'hero', which was not given")
    refused(run(*given, "--rig", "hero", "-o", output), "--rig must read NAME=FILE, got 'hero'")


def test_the_take_is_never_written_over(run, take_file, neutral_file, acted, tmp_path):
    before = take_file.read_bytes()
    perf = mien.separate(mien.read(take_file), neutral=acted.neutral.astype(np.float32))
    edit_file(tmp_path / "fix.json", acted, perf)
    refused(
        run("edit", take_file, "--edits", tmp_path / "fix.json", "-o", take_file), "cannot be written over"
    )
    refused(run("convert", take_file, take_file), "cannot be written over")
    assert take_file.read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("info", "absent.abc"),
        ("separate", "absent.npz", "-o", "head.npz"),
        ("separate", "{take}", "-o", "head.abc"),
        ("separate", "{take}", "-o", "head.npz", "--method", "magic"),
        ("separate", "{take}", "-o", "no/such/folder/head.npz"),
        ("separate", "{take}", "-o", "head.npz", "--weights", "{take}"),
        ("edit", "{take}", "--edits", "absent.json", "-o", "out.abc"),
        ("edit", "{take}", "--edits", "{take}", "-o", "out.abc"),
        ("edit", "{take}", "--edits", "x.json", "-o", "out.abc", "--source", "nonsense"),
        ("convert", "{take}", "out.fbx"),
        ("convert", "{take}", "out"),
        ("report", "absent.usdc"),
        ("nonsense",),
        ("info", "{take}", "--nonsense"),
        ("demo", "--frames", "3"),
    ],
    ids=" ".join,
)
def test_bad_input_is_one_sentence(run, take_file, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.rglob("*"))
    refused(run(*(a.format(take=take_file) for a in arguments)))
    assert set(tmp_path.rglob("*")) == before


def test_an_interrupt_leaves_nothing_half_written(run, take_file, tmp_path, monkeypatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(mien._core, "first_non_finite", interrupted)
    code, _, err = run("convert", take_file, tmp_path / "out.abc")
    assert code == 130
    assert "interrupted" in err
    assert not (tmp_path / "out.abc").exists()


def test_the_progress_bar_tells_rate_and_time(capfd, monkeypatch):
    from mien.cli import _common

    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with _common.progress_bar("edit") as progress:
        progress(5, 10)
        progress(10, 10)
    assert "frames/s" in capfd.readouterr().err


@pytest.mark.slow
def test_demo_does_the_whole_job(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("demo", "--frames", "160")
    assert code == 0, err
    folder = tmp_path / "mien_demo"
    summary = json.loads((folder / "summary.json").read_text())
    laws = summary["laws"]
    assert laws["no_op_values_changed"] == 0
    assert laws["values_changed_outside_the_edits"] == 0
    assert laws["skull_values_changed"] == 0
    assert laws["join_jump_over_p99"] <= 1.05
    assert laws["largest_edit_mm"] > 1
    assert summary["head_against_truth"]["displacement_mean_mm"] < 1
    result, take = mien.read(folder / "edited.abc"), mien.read(folder / "take.abc")
    assert (len(result), result.topology) == (len(take), take.topology)
    assert "edited.abc" in out
