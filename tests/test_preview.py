"""A frame before and after: the same bits as the whole take, the picture, the command, messages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.test_editing import PERFORMANCES, bits, edit_lists

import mien
from mien.cli.main import main
from mien.editing import recombine_frame
from mien.editing.timeline import with_new_frames

PERF = PERFORMANCES["missing"]


@given(edit_lists, st.integers(0, 39))
@settings(max_examples=20)
def test_one_frame_has_the_bits_of_the_whole(edits, frame):
    one = recombine_frame(PERF, edits, frame)
    assert (bits(one) == bits(mien.recombine(PERF, edits).positions[frame])).all()


def test_messages():
    with pytest.raises(ValueError, match=r"`frame` must be .*below 40, got 40"):
        recombine_frame(PERF, [], 40)
    with pytest.raises(ValueError, match=r"edits\[0\] \(remove\) changes which frame is which"):
        recombine_frame(PERF, [mien.Remove(3, 5)], 4)


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shot")
    acted = mien.datasets.performance(n_frames=12, seed=3)
    perf = mien.Performance(acted.take, acted.head_motion, acted.neutral, np.zeros(12), np.ones(12))
    mien.write(folder / "shot.npz", acted.take)
    perf.save(folder / "shot.head.npz")
    mien.EditList([mien.Gain(2.5, envelope=np.r_[np.zeros(3), np.ones(9)])]).save(folder / "fix.json", perf)
    return folder, perf


def run(capfd, folder, *arguments: object) -> tuple[int, str]:
    options = ["--edits", folder / "fix.json", "--performance", folder / "shot.head.npz"]
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in ("edit", folder / "shot.npz", *options, *arguments)])
    captured = capfd.readouterr()
    return int(stop.value.code or 0), " ".join((captured.out + captured.err).split())


def test_the_command_writes_a_picture_and_nothing_else(capfd, shot, tmp_path):
    pytest.importorskip("matplotlib")
    folder, perf = shot
    from mien.report.preview import preview

    code, said = run(capfd, folder, "--preview", perf.take.start_frame + 6, "-o", tmp_path / "look.png")
    assert code == 0, said
    assert [p.name for p in tmp_path.iterdir()] == ["look.png"]
    assert (tmp_path / "look.png").read_bytes().startswith(b"\x89PNG")
    same = preview(perf, 6, perf.take.positions[6])
    other = preview(perf, 6, recombine_frame(perf, [mien.Gain(2.5)], 6))
    width = same.shape[1] // 3
    assert (same[200:500, 40 : width - 40] == other[200:500, 40 : width - 40]).all()  # before
    assert (same[200:500, width:] != other[200:500, width:]).any()


@pytest.mark.parametrize(
    ("frame", "name", "words"),
    [(1, "look.png", "a frame of the take, 1001 to 1012, got 1"), (1005, "look.jpg", "must end in .png")],
)
def test_the_command_says_what_is_wrong(capfd, shot, tmp_path, frame, name, words):
    code, said = run(capfd, shot[0], "--preview", frame, "-o", tmp_path / name)
    assert code == 2
    assert words in said
    assert not list(tmp_path.iterdir())


def test_frames_that_come_or_go_are_compared_with_the_take_without_other_edits(capfd, shot, tmp_path):
    pytest.importorskip("matplotlib")
    folder, perf = shot
    first = perf.take.start_frame
    insert, gain = mien.Insert(source_frames=(2, 6), at=5, blend=1), mien.Gain(2.5)
    edits = mien.EditList([mien.Remove(8, 9, blend=0), insert, gain])
    edits.save(tmp_path / "fix.json", perf)
    given = ["--edits", tmp_path / "fix.json", "-o", tmp_path / "look.png"]
    code, said = run(capfd, folder, "--preview", first + 14, *given)
    assert code == 0, said
    code, said = run(capfd, folder, "--preview", first + 15, *given)
    assert code == 2
    assert f"{first} to {first + 14}, got {first + 15}" in said
    laid = with_new_frames(perf, edits)
    assert len(laid) == 15
    assert (bits(laid.take.positions) == bits(mien.recombine(perf, edits[:-1]).positions)).all()
    assert (bits(laid.take.positions[9:12]) == bits(perf.take.positions[5:8])).all()


def test_a_report_of_frames_that_come(capfd, shot, tmp_path):
    pytest.importorskip("matplotlib")
    folder, perf = shot
    mien.EditList([mien.Insert(source_frames=(2, 4), at=5, blend=1)]).save(tmp_path / "fix.json", perf)
    out = ["-o", tmp_path / "out.npz", "--edits", tmp_path / "fix.json", "--report", tmp_path / "report"]
    code, said = run(capfd, folder, *out)
    assert code == 0, said
    assert list((tmp_path / "report").iterdir())
