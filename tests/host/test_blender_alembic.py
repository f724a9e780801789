"""What Blender makes of the archives written here."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

import mien
from builders import alembic as build
from mien.io.alembic import FORMAT


def turned(points: np.ndarray) -> np.ndarray:
    """Return points as Blender's Alembic importer turns them, z up: (x, y, z) becomes (x, -z, y)."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1)


def mixed_take(rng: np.random.Generator, n_frames: int) -> mien.MeshSequence:
    """A take of 12 vertices with a triangle, quads and a pentagon, and texture seams."""
    counts = [4, 4, 3, 5]
    indices = [0, 1, 5, 4, 1, 2, 6, 5, 2, 3, 7, 4, 5, 6, 10, 9]
    uvs = rng.random((20, 2)).astype(np.float32)
    topology = mien.Topology(counts, indices, 12, uvs=uvs, uv_indices=rng.permutation(20)[:16])
    positions = rng.normal(0, 10, (n_frames, 12, 3)).astype(np.float32)
    return mien.MeshSequence(topology, positions, fps=24.0, start_frame=1001, name="face")


def test_blender_reads_points_polygons_uvs_and_frames_exactly(
    tmp_path: pathlib.Path, rng: np.random.Generator, blender_reads
) -> None:
    take = mixed_take(rng, 240)
    path = tmp_path / "face.abc"
    FORMAT.write(path, take)
    found = blender_reads(path, take.fps)
    assert found["frames"].tolist() == [1001, 1240]
    np.testing.assert_array_equal(found["vertices"], turned(take.positions))
    np.testing.assert_array_equal(found["matrices"], np.tile(np.eye(4), (240, 1, 1)))
    np.testing.assert_array_equal(found["face_counts"], take.topology.face_counts)
    np.testing.assert_array_equal(found["face_indices"], take.topology.face_indices)
    np.testing.assert_array_equal(found["corner_uvs"], take.topology.uvs[take.topology.uv_indices])
    assert found["names"].tolist() == ["face", "faceShape"]


def test_blender_reads_a_held_take_and_a_single_frame(
    tmp_path: pathlib.Path, rng: np.random.Generator, blender_reads
) -> None:
    take = mixed_take(rng, 1)
    held = take.with_positions(np.repeat(take.positions, 5, axis=0))
    for name, written in (("one", take), ("held", held)):
        path = tmp_path / f"{name}.abc"
        FORMAT.write(path, written)
        found = blender_reads(path, take.fps)
        np.testing.assert_array_equal(found["vertices"][0], turned(take.positions[0]))


SCALE, TRANSLATE, ROTATE, MATRIX, ROTATE_X, ROTATE_Y, ROTATE_Z = range(7)


@pytest.mark.parametrize(
    ("ops", "values"),
    [
        ([TRANSLATE, ROTATE, SCALE], [1.0, -2, 3, 1, 2, -0.5, 40, 2, 3, 0.5]),
        ([ROTATE_Z, ROTATE_Y, ROTATE_X, TRANSLATE], [30.0, -50, 70, 4, 5, 6]),
        ([MATRIX, SCALE], [0, 1, 0, 0, -2, 0, 0, 0, 0, 0, 1, 0, 5, 6, 7, 1, 1, 2, 3]),
    ],
)
def test_blender_understands_transforms_as_we_do(
    tmp_path: pathlib.Path, rng: np.random.Generator, blender_reads, ops: list, values: list
) -> None:
    points = rng.normal(0, 1, (2, 12, 3)).astype(np.float32)
    face = build.mesh("face", points, [[0, 1, 5, 4], [1, 2, 6, 5]])
    rows = [values, (np.array(values) * 1.1 if MATRIX not in ops else np.array(values)).tolist()]
    inner = build.xform("near", ops, rows, [face])
    outer = build.xform("far", [TRANSLATE, ROTATE_X], [[3.0, 2, 1, 25]], [inner])
    build.archive(tmp_path / "nested.abc", [outer])
    found = blender_reads(tmp_path / "nested.abc", 24.0)
    vertices, matrices = found["vertices"].astype(np.float64), found["matrices"]
    world = np.einsum("fij,fvj->fvi", matrices[:, :3, :3], vertices) + matrices[:, None, :3, 3]
    ours = FORMAT.read(tmp_path / "nested.abc").positions
    np.testing.assert_allclose(turned(ours), world, atol=2e-5)


def test_we_read_what_blender_writes(tmp_path: pathlib.Path, blender_runs) -> None:
    path, truth = tmp_path / "blender.abc", tmp_path / "truth.npz"
    blender_runs("blender_export.py", path, truth)
    take = FORMAT.read(path, node="face")
    with np.load(truth) as expected:
        np.testing.assert_allclose(turned(take.positions), expected["world"], atol=2e-6)
        np.testing.assert_array_equal(take.topology.face_counts, expected["face_counts"])
        np.testing.assert_array_equal(take.topology.face_indices, expected["face_indices"])
        np.testing.assert_array_equal(take.topology.uvs[take.topology.uv_indices], expected["corner_uvs"])
    assert (take.fps, take.start_frame, take.name) == (25.0, 101, "face")
    assert len(FORMAT.info(path).nodes) == 2
