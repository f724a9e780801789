"""PC2 and MDD: layout to the byte, rates and first frames, damaged files."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.damage import damaged, read_or_refuse

import mien

POSITIONS = np.random.default_rng(4).normal(size=(3, 2, 3)).astype(np.float32)


def pc2(
    version: int = 1, n_vertices: int = 2, start: float = 101, step: float = 1, n_frames: int = 3
) -> bytes:
    header = struct.pack("<12siiffi", b"POINTCACHE2\0", version, n_vertices, start, step, n_frames)
    return header + POSITIONS.astype("<f4").tobytes()


def mdd(n_frames: int = 3, n_vertices: int = 2, times=(2.0, 2.04, 2.08)) -> bytes:
    header = struct.pack(">ii", n_frames, n_vertices) + np.array(times, ">f4").tobytes()
    return header + POSITIONS.astype(">f4").tobytes()


@pytest.mark.parametrize(("suffix", "data"), [(".pc2", pc2(start=50)), (".mdd", mdd())])
def test_bytes_are_laid_out_as_others_expect(tmp_path, suffix, data):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    take = mien.read(path)
    assert np.array_equal(take.positions, POSITIONS)
    assert take.start_frame == 50
    assert take.fps == (25 if suffix == ".mdd" else 24)
    mien.write(tmp_path / f"b{suffix}", mien.MeshSequence(take.topology, POSITIONS, fps=25, start_frame=50))
    assert (tmp_path / f"b{suffix}").read_bytes() == data


def test_pc2_is_mapped(tmp_path):
    (tmp_path / "a.pc2").write_bytes(pc2())
    array = mien.read(tmp_path / "a.pc2").positions
    while not isinstance(array, np.memmap):
        array = array.base
        assert array is not None


def test_pc2_between_frames_needs_a_rate(tmp_path):
    path = tmp_path / "a.pc2"
    path.write_bytes(pc2(start=100, step=0.5))
    with pytest.raises(mien.FormatError, match=r"expected a sample every frame; found one every 0\.5 frames"):
        mien.read(path)
    take = mien.read(path, fps=48)
    assert (take.fps, take.start_frame) == (48, 200)


def test_pc2_says_when_a_frame_number_is_too_long_for_it(tmp_path):
    take = mien.MeshSequence(mien.Topology([], [], 2), POSITIONS, start_frame=2**24 + 1)
    assert mien.write(tmp_path / "a.pc2", take).not_kept == (
        "start_frame: pc2 holds it as float32; 16777217 becomes 16777216",
    )


@pytest.mark.parametrize("n_frames", [2, 24, 500])
@pytest.mark.parametrize("start", [0, 1, 1001, -50, 86400])
@pytest.mark.parametrize("fps", [24, 25, 30, 60, 120, 24000 / 1001, 30000 / 1001, 12.5])
def test_mdd_finds_rate_and_first_frame_in_its_times(tmp_path, fps, start, n_frames):
    positions = np.zeros((n_frames, 1, 3), np.float32)
    take = mien.MeshSequence(mien.Topology([], [], 1), positions, fps=fps, start_frame=start)
    not_kept = mien.write(tmp_path / "a.mdd", take).not_kept
    back = mien.read(tmp_path / "a.mdd")
    lost = {sentence.split(":")[0] for sentence in not_kept}
    assert (back.fps != take.fps) == ("fps" in lost)
    assert (back.start_frame != take.start_frame) == ("start_frame" in lost)
    if n_frames > 2 and start < 2000:
        assert not lost


def test_mdd_with_one_frame_says_that_its_rate_is_not_kept(tmp_path):
    take = mien.MeshSequence(mien.Topology([], [], 2), POSITIONS[:1], fps=30, start_frame=60)
    report = mien.write(tmp_path / "a.mdd", take)
    assert [sentence.split(":")[0] for sentence in report.not_kept] == ["fps", "start_frame"]
    assert mien.read(tmp_path / "a.mdd", fps=30).start_frame == 60


@pytest.mark.parametrize("times", [(0, 0.1, 0.3), (0, 0, 0), (2, 1, 0)])
def test_mdd_with_uneven_times_needs_a_rate(tmp_path, times):
    path = tmp_path / "a.mdd"
    path.write_bytes(mdd(times=times))
    with pytest.raises(mien.FormatError, match="expected evenly spaced samples"):
        mien.read(path)
    assert mien.read(path, fps=30).fps == 30
    assert mien.file_info(path).fps is None


@pytest.mark.parametrize(
    ("suffix", "data", "message"),
    [
        (".pc2", pc2()[:20], "header: expected 32 bytes; found 20"),
        (".pc2", pc2(version=2), "of version 1; found .* of version 2"),
        (".pc2", b"x" * 60, "expected b'POINTCACHE2"),
        (".pc2", pc2(n_vertices=-1), "expected counts of at least 0"),
        (".pc2", pc2(n_frames=-3), "expected counts of at least 0"),
        (".pc2", pc2(n_frames=4), "size: expected 128 bytes for 4 frames of 2 vertices; found 104"),
        (".pc2", pc2(n_vertices=2**31 - 1, n_frames=2**31 - 1), "size: expected"),
        (".pc2", pc2()[:-1], "size: expected 104 bytes"),
        (".pc2", pc2(step=0), "a step above 0"),
        (".pc2", pc2(start=float("nan")), "a first frame"),
        (".mdd", mdd()[:5], "header: expected 8 bytes; found 5"),
        (".mdd", mdd(n_frames=-3), "expected counts that come to"),
        (".mdd", mdd(n_vertices=2**31 - 1), "expected counts that come to"),
        (".mdd", mdd()[:-1], "expected counts that come to"),
        (".mdd", mdd() + b"\0", "expected counts that come to"),
        (".mdd", mdd(times=(0, float("nan"), 1)), "time of frame 1: expected a finite number"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, suffix, data, message):
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(data)
    for door in (mien.read, mien.file_info):
        with pytest.raises(mien.FormatError, match=message) as caught:
            door(path)
        assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(("suffix", "data"), [(".pc2", pc2()), (".mdd", mdd())], ids=["pc2", "mdd"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(strategy=st.data())
def test_damaged_files_are_read_or_refused(tmp_path, suffix, data, strategy):
    read_or_refuse(tmp_path / f"bad{suffix}", strategy.draw(damaged(data)))
