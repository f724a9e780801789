"""The doors of io: every format there and back, what is not kept, wrong files, plug-ins, whole or nothing."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
import pathlib

import numpy as np
import pytest

import mien
from mien.io import registry

FILES = (
    "take.npz",
    "take.npy",
    "take.####.obj",
    "take.####.ply",
    "take.pc2",
    "take.mdd",
    "take.abc",
    "take.usdc",
)


def small_take(n_frames: int = 6, dtype: type = np.float32, seed: int = 0) -> mien.MeshSequence:
    rng = np.random.default_rng(seed)
    topology = mien.Topology(
        [3, 4, 5],
        [0, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 0],
        10,
        uvs=rng.random((7, 2), np.float32),
        uv_indices=rng.integers(0, 7, 12),
    )
    return mien.MeshSequence(
        topology,
        rng.normal(size=(n_frames, 10, 3)).astype(dtype),
        fps=23.976,
        start_frame=1001,
        metres_per_unit=0.01,
        up_axis="z",
        name="face",
    )


@pytest.fixture(params=FILES)
def file(request, tmp_path) -> pathlib.Path:
    if request.param.endswith("usdc"):
        pytest.importorskip("pxr")
    return tmp_path / request.param


def format_for(path: pathlib.Path) -> mien.Format:
    return next(fmt for fmt in mien.formats() if path.suffix in fmt.suffixes)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_a_format_says_it_holds_comes_back_and_the_rest_is_reported(file, dtype):
    take, holds = small_take(dtype=dtype), format_for(file).holds
    report = mien.write(file, take)
    back = mien.read(file)
    assert (report.path, report.n_frames) == (file, 6)
    assert np.array_equal(back.positions, take.positions.astype(back.positions.dtype))
    assert back.positions.dtype == (dtype if "float64" in holds else np.float32)
    kept = {
        "polygons": back.topology == take.topology,
        "uvs": back.topology.uvs is not None
        and np.array_equal(
            back.topology.uvs[back.topology.uv_indices], take.topology.uvs[take.topology.uv_indices]
        ),
        "fps": back.fps == take.fps,
        "start_frame": back.start_frame == take.start_frame,
        "metres_per_unit": back.metres_per_unit == take.metres_per_unit,
        "up_axis": back.up_axis == take.up_axis,
        "name": back.name == take.name,
        "float64": back.positions.dtype == dtype,
    }
    reported = {sentence.split(":")[0] for sentence in report.not_kept}
    assert {what for what, held in kept.items() if not held} == reported
    assert {what for what, held in kept.items() if held} >= holds - reported


def test_a_plain_take_has_nothing_to_report(file):
    plain = mien.MeshSequence(mien.Topology([], [], 4), np.ones((2, 4, 3), np.float32))
    assert mien.write(file, plain).not_kept == ()


def test_a_range_of_frames_is_the_slice_of_the_take(file):
    take = small_take()
    mien.write(file, take)
    part, whole = mien.read(file, frames=(2, 5)), mien.read(file)
    assert np.array_equal(part.positions, whole.positions[2:5])
    assert part.start_frame == whole.start_frame + 2
    for frames in [(2, 2), (0, 7), (-1, 3), (4, 2)]:
        with pytest.raises(ValueError, match=r"`frames` must satisfy 0 <= start < stop <= 6"):
            mien.read(file, frames=frames)
    with pytest.raises(TypeError, match="`frames` must be a pair"):
        mien.read(file, frames=3)


def test_info_tells_what_reading_gives(file):
    mien.write(file, small_take())
    info, take = mien.file_info(file), mien.read(file)
    assert (info.n_frames, info.n_vertices, info.n_faces) == (6, 10, take.topology.n_faces)
    assert info.start_frame == take.start_frame
    assert info.fps in (None, take.fps)
    assert (info.metres_per_unit, info.up_axis) == (take.metres_per_unit, take.up_axis)
    assert info.has_uvs == (take.topology.uvs is not None)
    assert info.format == format_for(file).name
    assert mien.read(file, node=info.nodes[0]).n_frames == 6
    with pytest.raises(ValueError, match="nobody"):
        mien.read(file, node="nobody")


def test_progress_counts_to_the_end(file):
    seen: list[tuple[int, int]] = []
    mien.write(file, small_take(), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (6, 6)
    seen.clear()
    mien.read(file, frames=(1, 5), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (4, 4)


def test_positions_that_are_not_finite_are_refused_or_let_through_as_missing(file):
    take = small_take()
    positions = take.positions.copy()
    positions[3, 4] = np.nan
    mien.write(file, take.with_positions(positions))
    with pytest.raises(
        mien.FormatError, match=r"frame 3 .*vertex 4: expected finite positions.*missing=True"
    ):
        mien.read(file)
    assert np.array_equal(mien.read(file, missing=True).positions, positions, equal_nan=True)
    assert np.isfinite(mien.read(file, frames=(0, 3)).positions).all()

    positions[5, 2, 1] = np.nan
    mien.write(file, take.with_positions(positions))
    with pytest.raises(
        mien.FormatError, match=r"frame 5 .*vertex 2: expected finite positions, or NaN in all"
    ):
        mien.read(file, missing=True)


def test_rate_and_polygons_may_be_given_by_the_reader(file):
    take = small_take()
    mien.write(file, take)
    assert mien.read(file, fps=50).fps == 50
    assert mien.read(file, topology=take).topology == take.topology
    assert mien.read(file, topology=take.topology).topology == take.topology
    with pytest.raises(ValueError, match=r"`topology` must have the 10 vertices"):
        mien.read(file, topology=mien.Topology([], [], 9))
    if format_for(file).holds >= {"polygons"}:
        with pytest.raises(ValueError, match="`topology` must be given only for files without polygons"):
            mien.read(file, topology=mien.Topology([3], [0, 1, 2], 10))
    with pytest.raises(ValueError, match="`fps`"):
        mien.read(file, fps=0)
    with pytest.raises(TypeError, match="`topology`"):
        mien.read(file, topology=3)


class InterruptedWriteError(Exception):
    pass


def test_a_write_that_fails_leaves_the_old_files_as_they_were(file):
    old = small_take(seed=1)
    mien.write(file, old)
    before = {path.name: path.read_bytes() for path in file.parent.iterdir()}

    def interrupt(done: int, total: int) -> None:
        raise InterruptedWriteError

    with pytest.raises(InterruptedWriteError):
        mien.write(file, small_take(seed=2), progress=interrupt)
    assert {path.name: path.read_bytes() for path in file.parent.iterdir()} == before


def test_files_get_the_permissions_of_plain_files(file):
    mien.write(file, small_take())
    plain = file.parent / "plain"
    plain.touch()
    assert {path.stat().st_mode for path in file.parent.iterdir()} == {plain.stat().st_mode}


def test_an_empty_take_is_refused(file):
    take = small_take()
    with pytest.raises(ValueError, match="at least one frame"):
        mien.write(file, take[6:])
    assert not list(file.parent.iterdir())


def test_unknown_suffixes_list_the_known_ones(tmp_path):
    known = ", ".join(sorted(suffix for fmt in mien.formats() for suffix in fmt.suffixes)).replace(".", r"\.")
    for path in ("shot.fbx", "shot"):
        with pytest.raises(ValueError, match=known):
            mien.read(tmp_path / path)
        with pytest.raises(ValueError, match=known):
            mien.write(tmp_path / path, small_take())


def test_missing_files_and_folders_are_named(file):
    with pytest.raises(FileNotFoundError, match=file.name):
        mien.read(file)
    with pytest.raises(FileNotFoundError, match=file.name):
        mien.file_info(file)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        mien.write(file.parent / "nowhere" / file.name, small_take())


def test_empty_files_are_named(file):
    path = file.with_name(file.name.replace("####", "0001"))
    path.touch()
    with pytest.raises(mien.FormatError, match=rf"{path.name}: expected .* found an empty file"):
        mien.read(path)


def test_a_wrong_suffix_is_found_out(file, tmp_path):
    fmt = format_for(file)
    if not fmt.magic:
        pytest.skip(f"{fmt.name} starts like nothing in particular")
    mien.write(file, small_take())
    written = next(tmp_path.iterdir())
    for suffix in (".obj", ".mdd", ".npz" if fmt.name != "npz" else ".npy"):
        liar = tmp_path / f"liar{suffix}"
        liar.write_bytes(written.read_bytes())
        with pytest.raises(mien.FormatError, match=rf"found one of format {fmt.name}"):
            mien.read(liar)
        liar.unlink()


def test_folders_without_frames_are_refused(tmp_path):
    with pytest.raises(
        mien.FormatError, match=r"expected a folder with files of one of \.obj, \.ply; found none"
    ):
        mien.read(tmp_path)
    folder = tmp_path / "take.npz"
    folder.mkdir()
    with pytest.raises(IsADirectoryError):
        mien.write(folder, small_take())


def test_builtin_suffixes_belong_to_their_formats():
    table = registry._BUILT_IN
    assert {suffix for fmt in mien.formats() for suffix in fmt.suffixes} == set(table)
    for suffix, module in table.items():
        assert suffix in importlib.import_module(module).FORMAT.suffixes


def test_suffixes_count_in_any_case(tmp_path):
    mien.write(tmp_path / "TAKE.NPZ", small_take())
    assert mien.read(tmp_path / "TAKE.NPZ").n_frames == 6


def test_the_table_in_the_docs_says_what_the_formats_hold():
    columns = ["polygons", "uvs", "fps", "start_frame", "metres_per_unit", "up_axis", "name", "float64"]
    text = (pathlib.Path(__file__).parents[1] / "docs/formats.md").read_text()
    rows = [line.split("|")[1:-1] for line in text.split("\n\n")[2].splitlines()[2:]]
    told = {
        tuple(cells[1].replace("`", "").split()): {
            what
            for what, cell in zip(columns, cells[2:], strict=True)
            if cell.strip() in ("yes", "by file name")
        }
        for cells in rows
    }
    known = {frozenset(fmt.suffixes): fmt.holds for fmt in mien.formats()}
    assert {frozenset(suffixes): holds for suffixes, holds in told.items()} == known


@pytest.fixture
def plug_in(tmp_path, monkeypatch):
    """Install a distribution that registers a format, as docs/formats.md shows."""
    code = pathlib.Path(__file__).parents[1] / "docs/formats.md"
    source = code.read_text().split("```python\n")[1].split("```")[0]
    (tmp_path / "xyz_for_mien.py").write_text(source)
    (tmp_path / "broken_for_mien.py").write_text("import a_package_that_nobody_has\n")
    folder = tmp_path / "xyz_for_mien-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: xyz-for-mien\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(
        "[mien.formats]\nxyz = xyz_for_mien:FORMAT\nbroken = broken_for_mien:FORMAT\nother = xyz_for_mien:read\n"
        "npz = broken_for_mien:FORMAT\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    return tmp_path


def test_a_plug_in_adds_a_format(plug_in):
    take = dataclasses.replace(small_take(), start_frame=0)
    report = mien.write(plug_in / "points.xyz", take[:1])
    back = mien.read(plug_in / "points.xyz")
    assert np.array_equal(back.positions, take.positions[:1])
    assert "xyz" in [fmt.name for fmt in mien.formats()]
    assert any(sentence.startswith("polygons: xyz holds none") for sentence in report.not_kept)
    with pytest.raises(ValueError, match=r"\.xyz"):
        mien.read("shot.fbx")


def test_a_broken_plug_in_harms_nobody_until_it_is_asked_for(plug_in):
    mien.write(plug_in / "take.npz", small_take())
    assert mien.read(plug_in / "take.npz").n_frames == 6
    assert "xyz" in [fmt.name for fmt in mien.formats()]
    with pytest.raises(
        ImportError, match=r"plug-in for \.broken \(broken_for_mien:FORMAT.*a_package_that_nobody"
    ):
        mien.read(plug_in / "shot.broken")
    with pytest.raises(TypeError, match=r"plug-in for \.other .*must be a mien\.io\.registry\.Format"):
        mien.read(plug_in / "shot.other")
