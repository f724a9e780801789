"""What Blender makes of takes written here: the same points to the last bit, after the turn and unit it puts on top."""

from __future__ import annotations

import importlib.util
import pathlib

import numpy as np
import pytest

import mien

FRAMES, FPS, START = 30, 24.0, 1001


def bulb(rng: np.random.Generator, n_frames: int = FRAMES) -> mien.MeshSequence:
    """A closed, convex body of quads with triangles at its poles, that swells; faces counter-clockwise from outside."""
    rings, around = 5, 8
    v = np.arange(rings * around).reshape(rings, around)
    right = np.roll(v, -1, axis=1)
    quads = np.stack([v[:-1], v[1:], right[1:], right[:-1]], axis=-1).reshape(-1, 4)
    top, bottom = rings * around, rings * around + 1
    caps = [[top, a, b] for a, b in zip(v[0], right[0], strict=True)]
    caps += [[bottom, b, a] for a, b in zip(v[-1], right[-1], strict=True)]
    counts = [4] * len(quads) + [3] * len(caps)
    indices = np.concatenate([quads.reshape(-1), np.reshape(caps, -1)])
    theta = np.linspace(0.5, np.pi - 0.5, rings)[:, None]
    phi = -2 * np.pi * np.arange(around) / around  # with z towards the viewer this turns to the right
    body = np.stack(
        [np.sin(theta) * np.cos(phi), np.cos(theta) + 0 * phi, np.sin(theta) * np.sin(phi)], axis=-1
    )
    points = np.concatenate([body.reshape(-1, 3), [[0, 1, 0], [0, -1, 0]]])
    size = rng.uniform(8, 12, (n_frames, len(points), 1))
    uvs = rng.random((len(indices), 2)).astype(np.float32)
    topology = mien.Topology(counts, indices, len(points), uvs=uvs, uv_indices=rng.permutation(len(indices)))
    return mien.MeshSequence(
        topology,
        (points * size + (3, 150, -2)).astype(np.float32),
        fps=FPS,
        start_frame=START,
        metres_per_unit=0.01,
        up_axis="y",
        name="face",
    )


def turned(points: np.ndarray) -> np.ndarray:
    """Points that stand up along y as Blender stands them up along z: (x, y, z) becomes (x, -z, y)."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1)


def outward(found: dict[str, np.ndarray]) -> bool:
    """Whether Blender's own face normals point away from the middle of the body, in the last frame."""
    points = found["vertices"][-1].astype(np.float64)
    starts = np.cumsum(found["face_counts"]) - found["face_counts"]
    centres = np.add.reduceat(points[found["face_indices"]], starts) / found["face_counts"][:, None]
    return bool((np.sum(found["normals"] * (centres - points.mean(axis=0)), axis=1) > 0).all())


def same_faces(found: dict[str, np.ndarray], topology: mien.Topology) -> None:
    np.testing.assert_array_equal(found["face_counts"], topology.face_counts)
    np.testing.assert_array_equal(found["face_indices"], topology.face_indices)
    assert outward(found)


def test_the_body_is_closed_and_its_faces_look_outward(rng):
    take = bulb(rng)
    points, triangles = take.positions[0].astype(float) - (3, 150, -2), take.topology.triangles
    a, b, c = (points[triangles[:, i]] for i in range(3))
    assert (np.sum(np.cross(b - a, c - a) * (a + b + c), axis=1) > 0).all()


def test_alembic(rng, tmp_path: pathlib.Path, blender_reads):
    """Alembic's importer turns the points themselves and leaves the object alone."""
    take = bulb(rng)
    mien.write(tmp_path / "face.abc", take)
    found = blender_reads(tmp_path / "face.abc", FPS)
    assert found["frames"].tolist() == [START, START + FRAMES - 1]
    np.testing.assert_array_equal(found["vertices"], turned(take.positions))
    np.testing.assert_array_equal(found["matrices"], np.tile(np.eye(4), (FRAMES, 1, 1)))
    same_faces(found, take.topology)
    np.testing.assert_array_equal(found["corner_uvs"], take.topology.uvs[take.topology.uv_indices])
    assert found["names"][0] == "face"


@pytest.mark.skipif(importlib.util.find_spec("pxr") is None, reason="the usd extra is not installed")
@pytest.mark.parametrize("up_axis", ["y", "z"])
def test_usd(rng, tmp_path: pathlib.Path, blender_reads, up_axis):
    """USD's importer keeps the points, and puts turn and unit into the object's matrix."""
    take = bulb(rng)
    take = mien.MeshSequence(
        take.topology,
        take.positions,
        fps=FPS,
        start_frame=START,
        metres_per_unit=0.01,
        up_axis=up_axis,
        name="face",
    )
    mien.write(tmp_path / "face.usdc", take)
    found = blender_reads(tmp_path / "face.usdc", FPS)
    assert found["frames"].tolist() == [START, START + FRAMES - 1]
    np.testing.assert_array_equal(found["vertices"], take.positions)
    turn = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]) if up_axis == "y" else np.eye(3)
    np.testing.assert_allclose(found["matrices"][:, :3, :3], np.tile(0.01 * turn, (FRAMES, 1, 1)), atol=1e-8)
    np.testing.assert_array_equal(found["matrices"][:, :3, 3], 0)
    same_faces(found, take.topology)
    np.testing.assert_array_equal(found["corner_uvs"], take.topology.uvs[take.topology.uv_indices])


@pytest.mark.parametrize("suffix", [".pc2", ".mdd"])
def test_point_caches(rng, tmp_path: pathlib.Path, blender_reads, suffix):
    """The Mesh Cache modifier takes the points as they are."""
    take = bulb(rng)
    path = tmp_path / f"face{suffix}"
    mien.write(path, take)
    found = blender_reads(
        path,
        FPS,
        frames=[START, START + FRAMES - 1],
        vertices=np.zeros((take.n_vertices, 3)),
        face_counts=take.topology.face_counts,
        face_indices=take.topology.face_indices,
    )
    np.testing.assert_array_equal(found["vertices"], take.positions)
    same_faces(found, take.topology)
